"""Questions to sampled answers."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any

from maskdpo_xtuner.chat_templates import describe_kwargs
from maskdpo_xtuner.completions import Scheduler
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.engines.reasoning import split_reasoning
from maskdpo_xtuner.pipeline.files import FailureRecord
from maskdpo_xtuner.records import Message, Question, Response
from maskdpo_xtuner.settings import SamplingSettings

Sample = Generator[Request, Completion | Failure, Response | FailureRecord]


def sample_seed(question_id: str, sample_index: int, seed: int) -> int:
    """The seed of one sample, in 1 .. 2**31 - 1, whatever else is sampled beside it."""
    digest = hashlib.sha256(f'{seed}/{question_id}/{sample_index}'.encode()).digest()
    return int.from_bytes(digest[:8], 'big') % (2**31 - 1) + 1


def prompt_of(question: Question, *, with_document: bool = False) -> tuple[Message, ...]:
    """The conversation that the policy is asked to continue; the paper's is the question alone."""
    asked = question.question
    content = f'{question.document}\n\n{asked}' if with_document else asked
    return (Message(role='user', content=content),)


def sample(
    questions: Iterable[Question],
    scheduler: Scheduler[Response | FailureRecord],
    settings: SamplingSettings,
    model: str,
    template_kwargs: Mapping[str, Any] | None = None,
) -> Iterator[list[Response | FailureRecord]]:
    """Yield the samples of each question, in the order of the questions and of their indices.

    ``model`` is the name that each of them bears, and ``template_kwargs`` are what the policy was
    asked with.
    """
    said = describe_kwargs(template_kwargs)
    return scheduler.run(
        [
            _sample(question, index, settings, model, said)
            for index in range(settings.responses_per_question)
        ]
        for question in questions
    )


def _sample(
    question: Question, index: int, settings: SamplingSettings, model: str, said: str | None
) -> Sample:
    seed = sample_seed(question.question_id, index, settings.seed)
    with_document = index >= settings.num_samples
    prompt = prompt_of(question, with_document=with_document)
    outcome = yield Request(prompt, settings.decoding(), seed)
    if isinstance(outcome, Failure):
        return FailureRecord(
            stage='sampling',
            question_id=question.question_id,
            sample_index=index,
            reason=outcome.reason,
            final=not outcome.transient,
        )
    reasoning, text = outcome.reasoning, outcome.text
    if reasoning is None:
        reasoning, text = split_reasoning(text)
    return Response(
        question_id=question.question_id,
        sample_index=index,
        seed=seed,
        text=text,
        finish_reason=outcome.finish_reason,
        prompt_tokens=outcome.prompt_tokens,
        completion_tokens=outcome.completion_tokens,
        model=model,
        with_document=with_document,
        reasoning=reasoning,
        template_kwargs=said,
    )
