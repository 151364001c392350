"""Sampled answers to annotated ones: split into sentences, one verdict each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import tee

from maskdpo_xtuner.annotators.base import Annotator, Dialogue
from maskdpo_xtuner.completions import Scheduler
from maskdpo_xtuner.pipeline.files import FailureRecord
from maskdpo_xtuner.records import AnnotatedResponse, Question, Response, Sentence
from maskdpo_xtuner.sentences import split_sentences


def annotate(
    responses: Iterable[Response],
    questions: Mapping[str, Question],
    annotator: Annotator,
    scheduler: Scheduler[Sentence] | None,
) -> Iterator[AnnotatedResponse]:
    """Label every sentence of every answer; a blank answer has no sentences.

    Args:
        responses: the answers, in the order in which they come back.
        questions: by id; one for every answer.
        annotator: whose verdicts are taken.
        scheduler: runs its dialogues; None for an annotator without a model.
    """
    asked, kept = tee(responses)
    dialogues = (_open_dialogues(r, questions[r.question_id], annotator) for r in asked)
    verdicts = scheduler.run(dialogues) if scheduler else map(_without_model, dialogues)
    for response, sentences in zip(kept, verdicts, strict=True):
        yield AnnotatedResponse(
            **response.model_dump(), sentences=tuple(sentences), annotator=dict(annotator.identity)
        )


def failed_sentences(response: AnnotatedResponse) -> Iterator[FailureRecord]:
    """The sentences without a verdict because a request failed; unreadable answers are answers."""
    for sentence in response.sentences:
        kind, _, reason = (sentence.failure or '').partition(': ')
        if kind == 'failed':
            yield FailureRecord(
                stage='annotation',
                question_id=response.question_id,
                sample_index=response.sample_index,
                span=(sentence.start, sentence.end),
                reason=reason,
            )


def _open_dialogues(response: Response, question: Question, annotator: Annotator) -> list[Dialogue]:
    if not response.text.strip():
        return []
    spans = split_sentences(response.text, question.language)
    return [annotator.judge(question, response.text, span) for span in spans]


def _without_model(dialogues: Iterable[Dialogue]) -> list[Sentence]:
    return [_verdict_at_once(dialogue) for dialogue in dialogues]


def _verdict_at_once(dialogue: Dialogue) -> Sentence:
    try:
        request = next(dialogue)
    except StopIteration as stop:
        verdict: Sentence = stop.value
        return verdict
    raise AssertionError(f'an annotator without an engine asked for {request}')
