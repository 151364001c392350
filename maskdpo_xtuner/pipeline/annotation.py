"""Sampled answers to annotated ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, tee

from maskdpo_xtuner.annotators.base import Annotator, Dialogue
from maskdpo_xtuner.completions import Scheduler
from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.pipeline.files import FailureRecord
from maskdpo_xtuner.records import AnnotatedResponse, Question, Response, Sentence


def annotate(
    responses: Iterable[Response],
    questions: Mapping[str, Question],
    annotator: Annotator,
    scheduler: Scheduler[tuple[Sentence, ...]] | None,
) -> Iterator[AnnotatedResponse]:
    """Label the sentences of every answer; a blank answer may have none.

    Args:
        responses: the answers, in the order in which they come back.
        questions: by id; one for every answer.
        annotator: whose verdicts are taken.
        scheduler: runs its dialogues; None for an annotator without an engine.

    Raises:
        ValueError: for an annotator that gives spans which do not fit the answer, or asks without
            an engine.
    """
    asked, kept = tee(responses)
    dialogues = (annotator.annotate(questions[r.question_id], r) for r in asked)
    verdicts = scheduler.run(dialogues) if scheduler else map(_without_engine, dialogues)
    identity = identity_of(annotator)
    for response, found in zip(kept, verdicts, strict=True):
        yield as_annotated(response, tuple(chain.from_iterable(found)), identity)


def as_annotated(
    response: Response, sentences: tuple[Sentence, ...], identity: dict[str, str]
) -> AnnotatedResponse:
    """Put sentences to the response that they are of.

    Raises:
        ValueError: for spans that do not fit it.
    """
    try:
        return AnnotatedResponse(**response.model_dump(), sentences=sentences, annotator=identity)
    except ValueError as error:
        name = identity.get('name', 'without a name')
        raise ValueError(
            f'the annotator {name} gave sentences that do not fit the answer '
            f'{response.response_id}: {error}'
        ) from error


def failed_sentences(response: AnnotatedResponse) -> Iterator[FailureRecord]:
    """The sentences without a verdict because a request had no answer; unreadable ones are some."""
    for sentence in response.sentences:
        kind, _, reason = (sentence.failure or '').partition(': ')
        if kind in ('failed', 'no_answer'):
            yield FailureRecord(
                stage='annotation',
                question_id=response.question_id,
                sample_index=response.sample_index,
                span=(sentence.start, sentence.end),
                reason=reason,
                final=kind == 'no_answer',
            )


def _without_engine(dialogues: Iterable[Dialogue]) -> list[tuple[Sentence, ...]]:
    return [_verdict_at_once(dialogue) for dialogue in dialogues]


def _verdict_at_once(dialogue: Dialogue) -> tuple[Sentence, ...]:
    try:
        request = next(dialogue)
    except StopIteration as stop:
        verdict: tuple[Sentence, ...] = stop.value
        return verdict
    raise ValueError(
        f'the annotator asks ({request.messages[-1].content[:60]!r}) and has no engine; its '
        'settings must give one in build()'
    )
