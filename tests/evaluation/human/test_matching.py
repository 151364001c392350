"""Which human label belongs to a sentence of a judge."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from maskdpo_xtuner.evaluation.human import HumanResponse
from maskdpo_xtuner.evaluation.human.matching import (
    COMPARED,
    NO_RESPONSE,
    NOT_JUDGED,
    NOT_LABELLED,
    NOT_MAPPED,
    NOT_REACHED,
    NOT_TO_JUDGE,
    Case,
    Matched,
    match,
)
from maskdpo_xtuner.records import AnnotatedResponse, Label, Question, Sentence

YES, NO, OPEN = Label.NO_HALLUCINATION, Label.CONTRADICTORY, Label.UNVERIFIABLE
TEXT = 'Tin is soft. It is old. '  # letters at 0-10 and 13-21
QUESTION = Question(question_id='q', question='?', document='d', language='en', topic='tin')
Spans = Sequence[tuple[int, int, Label | None]]


def response(spans: Spans, text: str = TEXT, **annotator: str) -> AnnotatedResponse:
    sentences = tuple(
        Sentence(start=a, end=b, label=label, failure=None if label else 'unparsed: hm')
        for a, b, label in spans
    )
    return AnnotatedResponse(
        question_id='q',
        sample_index=0,
        seed=1,
        text=text,
        finish_reason='stop',
        prompt_tokens=1,
        completion_tokens=1,
        model='m',
        sentences=sentences,
        annotator={'name': 'x', **annotator},
    )


def matched(human: AnnotatedResponse, judge: AnnotatedResponse, overlap: float = 0.5) -> Matched:
    return match([HumanResponse(QUESTION, human)], {('q', judge.text): judge}, overlap)


def labels(found: Matched) -> list[tuple[Label, Label]]:
    return [(case.human, case.judge) for case in found.cases]


def test_blanks_and_punctuation_at_the_borders_decide_nothing() -> None:
    human = response([(0, 12, YES), (12, 24, NO)])
    judge = response([(0, 13, OPEN), (13, 22, YES)])
    found = matched(human, judge, 0.99)
    assert found.cases == [Case('tin', YES, OPEN), Case('tin', NO, YES)]
    assert found.counts == {COMPARED: 2, NOT_REACHED: 0}


def test_a_sentence_over_two_human_ones_is_that_of_which_it_is_more_than_half_or_none() -> None:
    human = response([(0, 12, YES), (13, 24, NO)])  # 9 and 7 letters
    whole = matched(human, response([(0, 24, OPEN)]))
    assert labels(whole) == [(YES, OPEN)]  # 9 of 16
    assert whole.counts == {COMPARED: 1, NOT_REACHED: 1}
    even = response([(0, 10, YES), (11, 22, NO)], text='It is new. It is old. ')
    parts = matched(even, response([(0, 22, OPEN)], text=even.text))
    assert parts.cases == []  # 7 of 14 twice: neither is more than half
    assert parts.counts == {NOT_MAPPED: 1, NOT_REACHED: 2}
    assert parts.sentences == 1


def test_a_larger_share_may_be_asked_for_and_a_smaller_not() -> None:
    human = response([(0, 12, YES), (13, 24, NO)])
    assert matched(human, response([(0, 24, OPEN)]), 0.6).counts[NOT_MAPPED] == 1
    with pytest.raises(ValueError, match=r'the least overlap is 0.4; it must be in \[0.5, 1\)'):
        matched(human, response([(0, 24, OPEN)]), 0.4)


def test_what_either_side_did_not_label_is_counted_apart() -> None:
    human = response([(0, 12, None), (13, 24, NO)])
    judge = response([(0, 12, YES), (13, 24, None)])
    found = matched(human, judge)
    assert found.cases == []
    assert found.counts == {NOT_LABELLED: 1, NOT_JUDGED: 1, NOT_REACHED: 0}
    assert found.sentences == 2


def test_a_sentence_that_the_judge_left_out_is_no_failure_of_its() -> None:
    cut = Sentence(start=0, end=12, failure='cut: at the token limit')
    judge = response([]).model_copy(update={'sentences': (cut,)})
    assert matched(response([(0, 12, YES)]), judge).counts == {NOT_TO_JUDGE: 1, NOT_REACHED: 0}


def test_a_response_that_the_judge_lacks_is_counted() -> None:
    human = HumanResponse(QUESTION, response([(0, 12, YES)]))
    assert match([human], {}).counts == {NO_RESPONSE: 1}


@pytest.mark.parametrize(
    ('marks', 'expected'),
    [
        ([], [YES, YES]),
        ([(7, 11, OPEN)], [OPEN, YES]),
        ([(11, 13, OPEN)], [YES, YES]),
        ([(7, 11, OPEN), (11, 15, NO)], [OPEN, NO]),
        ([(0, 2, OPEN), (7, 9, NO)], [NO, YES]),
    ],
    ids=['none', 'one', 'blank and full stop alone', 'over the border', 'the graver of two'],
)
def test_marks_label_every_sentence_with_a_letter_in_them(
    marks: Spans, expected: list[Label]
) -> None:
    human = response(marks, unmarked='no_hallucination')
    found = matched(human, response([(0, 13, YES), (13, 24, YES)]))
    assert [case.human for case in found.cases] == expected
    assert found.counts == {COMPARED: 2}
