from __future__ import annotations

import pytest

from maskdpo_xtuner.evaluation.agreement import (
    CLASSES,
    Agreement,
    DifferentSentences,
    agreement,
    agreements,
)
from tests.evaluation.answers import answer


def test_classes_are_those_that_the_metrics_count() -> None:
    first = {'m': [answer('q', 0, '++cu.'), answer('q', 1, '.')]}
    second = {'m': [answer('q', 0, '+ucc.'), answer('q', 1, '+')]}
    (found,) = agreements({'a': first, 'b': second})
    assert CLASSES == ('supported', 'hallucinated', 'no facts')
    assert found.table == ((1, 1, 0), (0, 2, 0), (1, 0, 1))
    assert found.sentences == 6
    assert found.accuracy == pytest.approx(4 / 6)


def test_kappa_is_that_of_cohens_definition() -> None:
    # Rows (20, 5, 10, 15): the usual worked example has agreement 0.7 and kappa 0.4.
    found = Agreement(
        judges=('a', 'b'), table=((20, 5, 0), (10, 15, 0), (0, 0, 0)), without_verdict=0
    )
    assert found.accuracy == pytest.approx(0.7)
    assert found.kappa == pytest.approx(0.4)


def test_judges_that_agree_by_chance_alone_have_a_kappa_of_zero() -> None:
    found = Agreement(judges=('a', 'b'), table=((9, 3, 0), (3, 1, 0), (0, 0, 0)), without_verdict=0)
    assert found.accuracy == pytest.approx(10 / 16)
    assert found.kappa == pytest.approx(0)


def test_one_class_alone_gives_no_kappa() -> None:
    found = Agreement(judges=('a', 'b'), table=((7, 0, 0), (0, 0, 0), (0, 0, 0)), without_verdict=0)
    assert (found.accuracy, found.kappa) == (1, None)


def test_a_sentence_without_a_verdict_is_counted_apart() -> None:
    (found,) = agreements(
        {'a': {'m': [answer('q', 0, '+?+')]}, 'b': {'m': [answer('q', 0, '++?')]}}
    )
    assert (found.sentences, found.without_verdict) == (1, 2)


def test_all_models_and_every_pair_of_judges_are_in() -> None:
    models = {'m': [answer('q', 0, '+')], 'n': [answer('q', 0, 'c.')]}
    found = agreements({'a': models, 'b': models, 'c': models})
    assert [each.judges for each in found] == [('a', 'b'), ('a', 'c'), ('b', 'c')]
    assert {each.sentences for each in found} == {3}
    assert {each.kappa for each in found} == {1}
    assert agreements({'a': models}) == ()


def test_judges_that_cut_a_response_differently_have_no_agreement_and_the_reason_is_kept() -> None:
    cut = {'a': {'m': [answer('q', 0, '++')]}, 'b': {'m': [answer('q', 0, '+')]}}
    (found,) = agreements(cut)
    assert found.obstacle.startswith('a and b do not judge the same sentences of q#0')
    assert (found.sentences, found.accuracy, found.kappa) == (0, None, None)
    with pytest.raises(DifferentSentences, match='do not judge the same sentences'):
        agreement(('a', 'b'), cut['a']['m'], cut['b']['m'])
