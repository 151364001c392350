"""Shares of topics, questions of each topic, random halves (Tables 4 and 5)."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from maskdpo_xtuner.subsets import Split
from tests.subsets.kinds import about, subset

TOPICS = [f't{n}' for n in range(2682)]


def topics_of(split: Split, part: str) -> set[str]:
    return {key.partition('-')[0] for key in split.parts[part]}


def test_the_papers_shares_of_its_topics_are_nested_and_of_its_sizes() -> None:
    asked = about(*TOPICS)
    made = subset('topics').split(asked, (), None)
    assert [len(topics_of(made, part)) for part in ('1/3', '2/3', '3/3')] == [894, 1788, 2682]
    assert [len(keys) for keys in made.parts.values()] == [2682, 5364, 8046]
    assert topics_of(made, '1/3') < topics_of(made, '2/3') < topics_of(made, '3/3')
    assert subset('topics', part='2/3').split(asked, (), None) == made


def test_the_questions_of_a_topic_are_nested_and_in_the_order_of_the_file() -> None:
    asked = about(*TOPICS[:50])
    parts = subset('questions_per_topic').split(asked, (), None).parts
    assert [len(keys) for keys in parts.values()] == [50, 100, 150]
    assert set(parts['1']) < set(parts['2']) < set(parts['3'])
    order = [each.key for each in asked]
    assert all(list(keys) == [k for k in order if k in set(keys)] for keys in parts.values())
    assert len({key[-1] for key in parts['1']}) == 3  # not the first of each


def test_a_topic_with_fewer_questions_has_all_of_them() -> None:
    asked = [*about('tin', questions=1), *about('iron', questions=3)]
    parts = subset('questions_per_topic').split(asked, (), None).parts
    assert [len(keys) for keys in parts.values()] == [2, 3, 4]


@pytest.mark.parametrize('of', ['topics', 'questions'])
def test_random_halves_cover_all_once_and_another_seed_draws_others(of: str) -> None:
    asked = about(*TOPICS[:33], questions=1)
    draws = [subset('random_halves', of=of, seed=seed).split(asked, (), None) for seed in range(3)]
    for made in draws:
        assert [len(keys) for keys in made.parts.values()] == [17, 16]
        assert {*made.parts['first'], *made.parts['second']} == {each.key for each in asked}
    assert len({made.parts['first'][:9] == draws[0].parts['first'][:9] for made in draws}) == 2


def test_halves_of_topics_keep_the_questions_of_a_topic_together() -> None:
    made = subset('random_halves').split(about(*TOPICS[:10]), (), None)
    assert not topics_of(made, 'first') & topics_of(made, 'second')


def test_a_topic_that_is_gone_does_not_change_the_order_of_the_others() -> None:
    every = subset('topics', steps=1).split(about(*TOPICS[:9]), (), None).parts['1/1']
    assert len(every) == 27
    for seed in range(3):
        third = subset('topics', part='1/3', seed=seed)
        kept = topics_of(third.split(about(*TOPICS[:9]), (), None), '1/3')
        outside = [topic for topic in TOPICS[:9] if topic not in kept]
        fewer = third.split(about(*(t for t in TOPICS[:9] if t != outside[0])), (), None)
        assert topics_of(fewer, '1/3') == kept


@pytest.mark.parametrize(
    ('kind', 'part'), [('topics', '4/3'), ('topics', '0/3'), ('topics', 'half')]
)
def test_a_share_that_is_none_is_refused(kind: str, part: str) -> None:
    with pytest.raises(ValidationError, match='is no share such as "1/3"'):
        subset(kind, part=part)


def test_a_number_of_questions_that_is_none_is_refused() -> None:
    assert subset('questions_per_topic', part=2).part == '2'
    with pytest.raises(ValidationError, match='is no number of questions'):
        subset('questions_per_topic', part=0)
