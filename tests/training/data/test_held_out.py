from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdpo_xtuner.training import load_preference_pairs
from maskdpo_xtuner.training.data.held_out import DataPart, part_of
from tests.preference_pairs import WritePairs, released_pair


def both(groups: list[str], share: float, seed: int = 0) -> tuple[list[int], list[int]]:
    train, held_out = (part_of(groups, part, share, seed) for part in ('train', 'held_out'))
    return train.tolist(), held_out.tolist()


@given(st.lists(st.integers(0, 9).map(str), min_size=20, max_size=60), st.integers(0, 3))
def test_the_parts_are_all_pairs_and_no_group_is_on_both_sides(
    groups: list[str], seed: int
) -> None:
    groups += ['a', 'b', 'c']
    train, held_out = both(groups, 0.2, seed)
    assert sorted(train + held_out) == list(range(len(groups)))
    assert not {groups[i] for i in train} & {groups[i] for i in held_out}
    assert len(held_out) >= 0.2 * len(groups)


def test_no_more_groups_are_held_out_than_the_share_needs() -> None:
    groups = [str(number) for number in range(200)]
    assert len(both(groups, 0.05)[1]) == 10


def test_the_choice_depends_on_seed_and_names_and_not_on_the_order() -> None:
    groups = [str(number) for number in range(50)]
    names = {groups[i] for i in both(groups, 0.2)[1]}
    assert {groups[::-1][i] for i in both(groups[::-1], 0.2)[1]} == names
    assert {groups[i] for i in both(groups, 0.2, seed=1)[1]} != names


def test_nothing_is_held_out_unless_asked_for() -> None:
    assert part_of(['a', 'b'], 'train', 0.0, 0).tolist() == [0, 1]


@pytest.mark.parametrize(
    ('part', 'share', 'problem'),
    [
        ('held_out', 0.0, 'must be a share between 0 and 1, not 0'),
        ('train', 1.0, 'must be a share between 0 and 1, not 1'),
        ('train', 0.9, 'held_out=0.9 would leave nothing to train on: the pairs have 2 topics'),
    ],
)
def test_a_share_that_leaves_a_side_empty_is_refused(
    part: DataPart, share: float, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        part_of(['a', 'b'], part, share, 0)


def test_pairs_are_held_out_by_topic_and_without_one_by_prompt(write_pairs: WritePairs) -> None:
    pairs = [released_pair(question=f'{q}?', topic=t) for q in 'abc' for t in 'xyz']
    topics = write_pairs(pairs)
    held_out = load_preference_pairs(str(topics), part='held_out', held_out=0.1)
    lines = [int(place.rpartition(':')[2]) - 1 for place in held_out['place'][:]]
    assert len(lines) == 3
    assert len({pairs[line]['topic'] for line in lines}) == 1
    prompts = write_pairs([released_pair(question=f'{q}?') for q in 'abc' for _ in range(3)])
    train = load_preference_pairs(str(prompts), held_out=0.1)
    questions = [pair['prompt'][0]['content'] for pair in train]
    assert [questions.count(question) for question in set(questions)] == [3, 3]
