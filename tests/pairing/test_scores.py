"""What an answer scores, with No Facts counted as the paper does and not at all."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.pairing import factuality_score
from tests.pairing.responses import response


@pytest.mark.parametrize(
    ('marks', 'score'),
    [('+', 1), ('0', 1), ('-', 0), ('~', 0), ('+0-~', 0.5), ('+?', 1), ('-??', 0), ('+-~?', 1 / 3)],
)
def test_the_score_is_the_share_of_hallucination_free_sentences(marks: str, score: float) -> None:
    assert factuality_score(response(0, marks)) == pytest.approx(score)


@pytest.mark.parametrize('marks', ['', '?', '??'])
def test_without_a_verdict_there_is_no_score(marks: str) -> None:
    assert factuality_score(response(0, marks)) is None


@pytest.mark.parametrize(
    ('marks', 'score'),
    [('+', 1), ('0+', 1), ('00-', 0), ('+0-~', 1 / 3), ('+?', 1), ('0000+-', 0.5)],
)
def test_when_ignored_no_facts_changes_no_score(marks: str, score: float) -> None:
    ignored = factuality_score(response(0, marks), 'ignored')
    assert ignored == pytest.approx(score)
    assert ignored == factuality_score(response(0, marks.replace('0', '')))


@pytest.mark.parametrize('marks', ['0', '000', '0?', '?', ''])
def test_when_ignored_an_answer_with_nothing_to_check_has_no_score(marks: str) -> None:
    assert factuality_score(response(0, marks), 'ignored') is None
