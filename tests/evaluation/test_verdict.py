"""No cheater is called better; the model that is truly better is."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from maskdpo_xtuner.bounds import Bounds
from maskdpo_xtuner.evaluation.findings import KINDS, Kind
from maskdpo_xtuner.evaluation.results import Evaluation
from maskdpo_xtuner.evaluation.verdict import Verdict, overall
from tests.evaluation.constructed import BASELINE, CHEATERS, Writer, evaluated, honest


@cache
def everybody() -> Evaluation:
    """All constructed models against the baseline, in one evaluation."""
    honest_ones: dict[str, Writer] = {
        'better': honest(0.8),
        'same': BASELINE,
        'worse': honest(0.2),
    }
    cheaters = {name: writer for name, (writer, _) in CHEATERS.items()}
    return evaluated({**honest_ones, **cheaters})


@pytest.mark.parametrize(
    ('name', 'kind'), [('better', 'better'), ('same', 'within noise'), ('worse', 'worse')]
)
def test_honest_models_are_called_what_they_are(name: str, kind: Kind) -> None:
    assert everybody().verdicts[name].kind == kind


@pytest.mark.parametrize('name', CHEATERS)
def test_a_cheater_is_called_what_it_is(name: str) -> None:
    assert everybody().verdicts[name].kind == CHEATERS[name][1]


@pytest.mark.parametrize('name', ['refusing', 'repeating', 'monotone', 'talking'])
def test_the_papers_score_takes_cheaters_for_better_models(name: str) -> None:
    """What the verdict is for: on the same answers the score alone is fooled."""
    (found,) = [m for m in everybody().judges[0].models if m.name == name]
    difference = found.measures['score'].difference
    assert difference is not None
    assert difference.direction == 'higher'


def test_the_label_has_the_reason_and_the_statement_the_numbers() -> None:
    said = everybody().verdicts['bag_of_words']
    assert said.label.startswith('text broken (perplexity x')
    assert said.label.endswith(' under base)')
    assert said.statement.startswith(
        f'bag_of_words against base, judged by truth: {said.label}; precision '
    )
    assert '; supported sentences per answer ' in said.statement


def test_repetition_is_told_although_it_lowers_the_perplexity() -> None:
    said = everybody().verdicts['repeating']
    base, repeating = (
        next(m for m in everybody().judges[0].models if m.name == name).measures
        for name in ('base', 'repeating')
    )
    before, now = base['perplexity under base'].value, repeating['perplexity under base'].value
    assert before is not None
    assert now is not None
    assert now < 1.5 * before
    assert 'repeated' in said.label


def test_a_better_model_that_comes_near_a_bound_is_better_and_it_is_said() -> None:
    (repeating,) = (m for m in everybody().judges[0].models if m.name == 'repeating')
    repeated = repeating.measures['rep_4'].value
    assert repeated is not None
    wide = Bounds(more_repeated=min(0.99, repeated / 100 * 1.5))
    near = evaluated({'repeating': CHEATERS['repeating'][0]}, bounds=wide).verdicts['repeating']
    assert 'text broken' not in near.label
    assert f'; near the bounds: {repeated:.0f} % repeated' in near.statement
    assert 'near the bounds' not in everybody().verdicts['better'].statement


def test_the_most_severe_is_said_first_and_the_rest_after_it() -> None:
    said = everybody().verdicts['babbling']
    assert said.kind == 'text broken'
    assert [finding.kind for finding in said.findings] == sorted(
        (finding.kind for finding in said.findings), key=KINDS.index
    )
    assert '; also: avoids checkable statements' in said.statement


@pytest.mark.parametrize('name', sorted(CHEATERS.keys() - {'bag_of_words', 'mixed'}))
def test_without_a_perplexity_the_other_bounds_hold_and_it_is_said(name: str) -> None:
    said = evaluated({name: CHEATERS[name][0]}, perplexity=False).verdicts[name]
    assert said.kind != 'better'
    assert said.statement.endswith('; perplexity was not checked')


def test_without_a_perplexity_a_better_model_is_better_with_the_remark() -> None:
    said = evaluated({'better': honest(0.8)}, perplexity=False).verdicts['better']
    assert said.kind == 'better'
    assert said.statement.endswith('; perplexity was not checked')
    assert 'not checked' not in everybody().verdicts['better'].statement


@pytest.mark.parametrize(
    ('name', 'bounds'),
    [
        ('repeating', {'more_repeated': 1}),
        ('monotone', {'more_shared': 1}),
        ('bag_of_words', {'perplexity': 1e9}),
    ],
)
def test_it_is_the_bound_that_stops_a_cheater(name: str, bounds: dict[str, Any]) -> None:
    off = Bounds(**bounds)
    said = evaluated({name: CHEATERS[name][0]}, bounds=off).verdicts[name]
    assert said.kind != CHEATERS[name][1]


def said(kind: Kind, judge: str = 'a') -> Verdict:
    return Verdict(kind=kind, label=kind, statement=f'm against base, judged by {judge}: {kind}')


def test_one_judge_has_the_last_word() -> None:
    assert overall('m', 'base', {'a': said('better')}) == said('better')


def test_two_judges_must_both_say_better() -> None:
    found = overall('m', 'base', {'a': said('better'), 'b': said('better')})
    assert found.kind == 'better'
    assert found.statement == 'm against base: better by both judges (a, b)'


@pytest.mark.parametrize('order', [('better', 'worse'), ('worse', 'better')])
def test_of_judges_that_disagree_the_most_severe_counts(order: tuple[Kind, Kind]) -> None:
    found = overall('m', 'base', dict(zip('ab', map(said, order), strict=True)))
    assert (found.kind, found.label) == ('worse', 'worse')
    assert found.statement == (
        f'm against base: worse, for the judges disagree: {order[0]} by a, {order[1]} by b'
    )


def test_three_judges_are_all() -> None:
    found = overall('m', 'base', dict.fromkeys('abc', said('says less')))
    assert found.statement == 'm against base: says less by all 3 judges (a, b, c)'
