"""Precision, recall, F1, kappa and AUROC against closed forms and an independent count."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from maskdpo_xtuner.evaluation.human.matching import (
    COMPARED,
    NOT_JUDGED,
    NOT_MAPPED,
    NOT_TO_JUDGE,
    Case,
    Matched,
)
from maskdpo_xtuner.evaluation.human.scores import HumanAgreement, auroc, human_agreement
from maskdpo_xtuner.evaluation.human.table import format_agreement
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.records import Label

YES, NO, OPEN, NONE = (
    *(Label.NO_HALLUCINATION, Label.CONTRADICTORY),
    *(Label.UNVERIFIABLE, Label.NO_FACTS),
)
FEW = Bootstrap(resamples=200)


def agreement(cases: list[Case]) -> HumanAgreement:
    matched = Matched(cases, Counter({COMPARED: len(cases), NOT_MAPPED: 3}))
    return human_agreement('j', {'name': 'j'}, matched, FEW)


def cases(*counts: tuple[Label, Label, int], topics: int = 1) -> list[Case]:
    both = [(human, judge) for human, judge, times in counts for _ in range(times)]
    return [Case(f't{n % topics}', *labels) for n, labels in enumerate(both)]


def test_measures_are_those_of_their_definitions() -> None:
    # 20 both say hallucinated (15 the same kind), 10 the judge alone, 5 people alone, 65 neither.
    found = agreement(
        cases((NO, NO, 15), (OPEN, NO, 5), (YES, NO, 10), (NO, YES, 5), (YES, YES, 65))
    )
    both = found.classes['hallucination']
    assert (both.human, both.judge) == (25, 30)
    assert both.precision.value == pytest.approx(20 / 30)
    assert both.recall.value == pytest.approx(20 / 25)
    assert both.f1.value == pytest.approx(2 * 20 / 55)
    contradictory = found.classes['contradictory']
    assert contradictory.precision.value == pytest.approx(15 / 30)
    assert contradictory.recall.value == pytest.approx(15 / 20)
    assert found.classes['unverifiable'].recall.value == 0
    assert found.accuracy.value == pytest.approx(0.85)
    chance = 0.25 * 0.30 + 0.75 * 0.70
    assert found.kappa.value == pytest.approx((0.85 - chance) / (1 - chance))
    chance = 0.20 * 0.30 + 0.05 * 0 + 0.75 * 0.70
    assert found.kappa_labels.value == pytest.approx((0.80 - chance) / (1 - chance))


@pytest.mark.parametrize(
    ('counts', 'unjudged', 'doubtful'),
    [
        ({COMPARED: 81, NOT_JUDGED: 19, NOT_TO_JUDGE: 50}, 0.19, False),
        ({COMPARED: 60, NOT_MAPPED: 20, NOT_JUDGED: 20}, 0.2, True),
        ({NOT_TO_JUDGE: 3}, 1.0, True),
    ],
)
def test_a_judge_of_too_few_sentences_is_doubtful(
    counts: dict[str, int], unjudged: float, doubtful: bool
) -> None:
    found = agreement(cases((YES, YES, 2))).model_copy(update={'counts': counts})
    assert (found.unjudged, found.is_doubtful) == (unjudged, doubtful)


def test_a_class_that_people_never_gave_has_no_measures() -> None:
    found = agreement(cases((YES, NONE, 3), (NO, NO, 2)))
    nothing = found.classes['no_facts']
    assert (nothing.human, nothing.judge) == (0, 3)
    assert nothing.precision.value is nothing.recall.value is nothing.f1.value is None


def test_one_topic_alone_gives_no_interval_and_several_equal_ones_an_empty_one() -> None:
    counts = ((NO, NO, 4), (YES, YES, 4), (YES, NO, 4))
    assert agreement(cases(*counts)).accuracy.interval is None
    interval = agreement(cases(*counts, topics=4)).accuracy.interval
    assert interval is not None
    assert interval.low == pytest.approx(interval.high) == pytest.approx(2 / 3)


def test_an_interval_widens_with_the_spread_between_topics() -> None:
    spread = [Case(f't{n}', NO, NO if n % 2 else YES) for n in range(20) for _ in range(5)]
    interval = agreement(spread).accuracy.interval
    assert interval is not None
    assert 0.2 < interval.low < 0.35
    assert 0.65 < interval.high < 0.8


def test_no_sentence_with_both_labels_is_an_error_that_says_what_became_of_them() -> None:
    with pytest.raises(ValueError, match=f'j: no sentence has .*{NOT_MAPPED}: 3'):
        agreement([])


def test_auroc_counts_pairs_and_halves_ties() -> None:
    scored = [
        *(Case('a', NO, NO, 0.9), Case('a', OPEN, NO, 0.5), Case('b', NO, NO, 0.1)),
        *(Case('a', YES, YES, 0.5), Case('b', NONE, YES, 0.3)),
    ]
    assert auroc(scored, FEW).value == pytest.approx((2 + 1.5 + 0) / 6)
    assert auroc([case for case in scored if case.human is YES], FEW).value is None


def test_auroc_is_that_of_all_pairs_whatever_the_topics_are() -> None:
    rng = random.Random(0)
    scored = [
        Case(f't{rng.randrange(7)}', rng.choice(list(Label)), YES, rng.randrange(5) / 4)
        for _ in range(200)
    ]
    bad = [c.score or 0 for c in scored if c.human.is_hallucination]
    good = [c.score or 0 for c in scored if not c.human.is_hallucination]
    wins = sum((b > g) + (b == g) / 2 for b in bad for g in good)
    found = auroc(scored, FEW)
    assert found.value == pytest.approx(wins / len(bad) / len(good))
    assert found.interval is not None
    assert found.value is not None
    assert found.interval.low < found.value < found.interval.high


def test_the_text_says_what_was_not_compared_and_what_chance_would_give() -> None:
    text = format_agreement(agreement(cases((NO, NO, 1), (YES, YES, 3))))
    assert f'4 sentences on 1 topics have both labels; not compared: {NOT_MAPPED}: 3' in text
    assert '25.0% are hallucinated by the human labels: to call all so has an F1 of 0.400' in text
    assert 'AUROC' not in text
