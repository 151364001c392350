"""Answers judged by an annotator through the scheduler, as the pipeline does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.completions import CompletionStore, Scheduler
from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.pipeline.annotation import annotate
from maskdpo_xtuner.records import AnnotatedResponse, Label, Question, Response, Sentence

TIN = Question(
    question_id='q',
    question='What is tin?',
    document='Tin is a metal. It melts at 505 K.',
    language='en',
    topic='tin',
)


def response(text: str, index: int = 0) -> Response:
    return Response(
        question_id='q',
        sample_index=index,
        seed=1,
        text=text,
        finish_reason='stop',
        prompt_tokens=1,
        completion_tokens=1,
        model='m',
    )


def judge(
    folder: Path, annotator: Annotator, engine: Engine | None, texts: Sequence[str], about: Question
) -> list[AnnotatedResponse]:
    """Judge answers to one question; what was asked before in ``folder`` is remembered."""
    responses = [response(text, index) for index, text in enumerate(texts)]
    if engine is None:
        return list(annotate(responses, {'q': about}, annotator, None))
    with CompletionStore(folder / 'completions.sqlite') as store:
        scheduler: Scheduler[tuple[Sentence, ...]] = Scheduler(engine, store)
        return list(annotate(responses, {'q': about}, annotator, scheduler))


def verdicts(annotated: AnnotatedResponse) -> list[Label | str | None]:
    """Label or failure of each sentence."""
    return [sentence.label or sentence.failure for sentence in annotated.sentences]
