"""Answers to one question, written as one mark a sentence."""

from __future__ import annotations

from maskdpo_xtuner.records import (
    AnnotatedResponse,
    FinishReason,
    Label,
    PreferencePair,
    Question,
    Sentence,
)

QUESTION = Question(
    question_id='q1', question='What is tin?', document='A metal.', language='en', topic='tin'
)
LABELS = {
    '+': Label.NO_HALLUCINATION,
    '0': Label.NO_FACTS,
    '-': Label.CONTRADICTORY,
    '~': Label.UNVERIFIABLE,
    '?': None,
}


def response(
    index: int, marks: str, finish_reason: FinishReason = 'stop', text: str | None = None
) -> AnnotatedResponse:
    """An answer with one sentence of four characters a mark; ``?`` is one without a verdict."""
    sentences = [
        Sentence(start=4 * n, end=4 * n + 4, label=LABELS[mark])
        if LABELS[mark]
        else Sentence(start=4 * n, end=4 * n + 4, failure='failed: busy')
        for n, mark in enumerate(marks)
    ]
    return AnnotatedResponse(
        question_id='q1',
        sample_index=index,
        seed=100 + index,
        text=text or ''.join(f'{index % 10}{n % 10}. ' for n in range(len(marks))),
        finish_reason=finish_reason,
        prompt_tokens=1,
        completion_tokens=1,
        model='m',
        sentences=tuple(sentences),
        annotator={'name': 'scripted', 'version': '1'},
    )


def responses_of(*marks: str) -> list[AnnotatedResponse]:
    """Answers of these marks, numbered from 0."""
    return [response(index, each) for index, each in enumerate(marks)]


def indices(made: list[PreferencePair] | str) -> list[tuple[int | None, int | None]]:
    """Which answers were chosen and rejected, pair by pair."""
    assert not isinstance(made, str), made
    return [(pair.chosen_item.sample_index, pair.rejected_item.sample_index) for pair in made]
