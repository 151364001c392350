"""Each bound, just kept and just passed, with everything else as the baseline has it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from maskdpo_xtuner.bounds import Bounds
from maskdpo_xtuner.evaluation.findings import find, near_bounds
from maskdpo_xtuner.evaluation.intervals import Interval
from maskdpo_xtuner.evaluation.ratios import Difference, Direction, Measure

BASELINE = {
    'precision': 40.0,
    'distinct_precision': 38.0,
    'supported_per_answer': 1.0,
    'without_verdict': 0.0,
    'uncheckable_answers': 10.0,
    'refusals': 0.0,
    'rep_4': 5.0,
    'shared_4': 10.0,
    'distinct_answers': 90.0,
    'truncated': 20.0,
    'perplexity under base': 4.0,
    'mean perplexity under base': 5.0,
}


def measures(**values: float | None) -> dict[str, Measure]:
    """The baseline's, of which some are others, each a little above the baseline's in itself."""
    return {
        key: Measure(value, None, Difference(1.0, Interval(0.5, 1.5), 'higher'))
        for key, value in {**BASELINE, **values}.items()
    }


def found(changes: dict[str, float | None], **bounds: Any) -> list[str]:
    model = measures(**changes)
    return [f'{f.kind}: {f.detail}' for f in find(model, measures(), Bounds(**bounds))]


def turned(key: str, direction: Direction, **values: float | None) -> list[str]:
    """What is found when one metric points elsewhere than upwards."""
    model = measures(**values)
    ends = Interval(-1.5, -0.5) if direction == 'lower' else None
    model[key] = replace(model[key], difference=Difference(-1.0, ends, direction))
    return [f'{f.kind}: {f.detail}' for f in find(model, measures(), Bounds())]


def test_nothing_speaks_against_a_model_that_is_higher_and_else_the_same() -> None:
    assert found({}) == []


@pytest.mark.parametrize(
    ('key', 'kept', 'passed', 'said'),
    [
        ('perplexity under base', 12, 13, 'text broken: perplexity x3.2 under base'),
        ('perplexity under base', 0.1, 160, 'text broken: perplexity x40 under base'),
        ('rep_4', 15, 16, 'text broken: 16 % repeated'),
        ('truncated', 70, 71, 'text broken: 71 % of answers cut at the token limit'),
        (
            'uncheckable_answers',
            *(25, 26, 'avoids checkable statements: none in 26 % of answers'),
        ),
        ('refusals', 10, 11, 'avoids checkable statements: 11 % refusals'),
        ('shared_4', 40, 41, 'answers alike: 41 % shared with other answers'),
        ('distinct_answers', 40, 39, 'answers alike: 39 % distinct among runs'),
        ('without_verdict', 10, 11, 'unknown: 11 % of sentences without a verdict'),
        (
            'supported_per_answer',
            *(0.81, 0.79, 'says less: 0.79 supported sentences per answer, was 1.00'),
        ),
    ],
)
def test_a_bound_holds_until_it_is_passed(key: str, kept: float, passed: float, said: str) -> None:
    assert found({key: kept}) == []
    assert found({key: passed}) == [said]


@pytest.mark.parametrize(
    ('key', 'value', 'bound'),
    [
        ('perplexity under base', 7.0, {'perplexity': 1.5}),
        ('rep_4', 8.0, {'more_repeated': 0.02}),
        ('shared_4', 15.0, {'more_shared': 0.04}),
        ('distinct_answers', 80.0, {'fewer_distinct': 0.05}),
        ('truncated', 30.0, {'more_truncated': 0.05}),
        ('refusals', 5.0, {'more_refusals': 0.01}),
        ('uncheckable_answers', 15.0, {'more_uncheckable': 0.01}),
        ('supported_per_answer', 0.95, {'least_supported': 1.0}),
        ('without_verdict', 5.0, {'without_verdict': 0.01}),
    ],
)
def test_a_bound_is_a_setting(key: str, value: float, bound: dict[str, float]) -> None:
    assert found({key: value}) == []
    assert len(found({key: value}, **bound)) == 1


def near(changes: dict[str, float | None], **bounds: Any) -> list[str]:
    return near_bounds(measures(**changes), measures(), Bounds(**bounds))


@pytest.mark.parametrize(
    ('key', 'far', 'close', 'passed', 'said'),
    [
        ('rep_4', 10, 11, 16, '11 % repeated'),
        ('truncated', 45, 46, 71, '46 % of answers cut at the token limit'),
        ('shared_4', 25, 26, 41, '26 % shared with other answers'),
        ('distinct_answers', 65, 64, 39, '64 % distinct among runs'),
    ],
)
def test_a_share_is_near_its_bound_from_half_of_the_way_until_it_is_passed(
    key: str, far: float, close: float, passed: float, said: str
) -> None:
    assert near({key: far}) == near({key: passed}) == []
    assert near({key: close}) == [said]


def test_nothing_is_near_a_bound_that_is_off() -> None:
    assert near({'truncated': 95}, more_truncated=1) == []


def test_a_low_perplexity_excuses_nothing() -> None:
    assert found({'perplexity under base': 1.1, 'rep_4': 60.0}) == ['text broken: 60 % repeated']


def test_the_most_severe_comes_first() -> None:
    kinds = [
        said.split(':')[0]
        for said in found({'supported_per_answer': 0.1, 'refusals': 80.0, 'rep_4': 90.0})
    ]
    assert kinds == ['text broken', 'avoids checkable statements', 'says less']


def test_a_lower_precision_is_worse_and_fewer_supported_sentences_say_less() -> None:
    assert turned('precision', 'lower') == ['worse: ']
    assert turned('supported_per_answer', 'lower', supported_per_answer=0.9) == [
        'says less: 0.90 supported sentences per answer, was 1.00'
    ]


def test_a_loss_of_supported_sentences_within_noise_counts_only_against_better() -> None:
    assert turned('precision', 'within noise', supported_per_answer=0.5) == []


def test_a_precision_that_only_repetition_lifts_is_not_better() -> None:
    assert turned(
        'distinct_precision', 'within noise', precision=50.0, distinct_precision=39.0
    ) == ['answers alike: precision 38 -> 39 % with each sentence of a topic once']


def test_a_gain_that_hardly_leaves_the_noise_is_not_taken_for_repetition() -> None:
    kept = turned('distinct_precision', 'within noise', precision=50.0, distinct_precision=46.0)
    assert kept == ['within noise: precision 38 -> 46 % with each sentence of a topic once']


def test_what_cannot_be_compared_is_unknown() -> None:
    assert turned('precision', 'unknown') == ['unknown: one cluster alone']
    assert turned('precision', 'unknown', precision=None) == [
        'unknown: no checkable sentences to compare'
    ]


def test_without_verdicts_nothing_is_claimed_about_facts() -> None:
    assert turned('precision', 'lower', without_verdict=30.0) == [
        'unknown: 30 % of sentences without a verdict'
    ]
