"""The paper's recipe of near and far (appendix A), with vectors made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskdpo_xtuner.subsets import Asked, Split
from maskdpo_xtuner.subsets.halving import halve
from tests.subsets.kinds import ASKED, LINE, about, subset

TRAIN = ('tin', 'lead', 'zinc', 'mars', 'venus', 'pluto')
TEST = ('iron', 'earth')


def split(folder: Path | None = None, **values: object) -> Split:
    return subset('near_far', embedding=LINE, **values).split(about(*TRAIN), about(*TEST), folder)


def test_each_cluster_is_halved_by_the_distance_to_its_test_topic() -> None:
    made = split()
    assert {key[:-2] for key in made.parts['near']} == {'mars', 'venus', 'tin'}
    assert {key[:-2] for key in made.parts['far']} == {'pluto', 'lead', 'zinc'}
    assert [len(keys) for keys in made.parts.values()] == [9, 9]


def test_what_decided_is_written_down_with_its_distance() -> None:
    found = {each.name: each for each in split().distances}
    pluto = found['pluto']
    assert (pluto.nearest, pluto.distance, pluto.part) == ('earth', 6.0, 'far')
    assert (found['zinc'].nearest, found['zinc'].distance) == ('iron', 4.0)


def test_a_cluster_is_halved_by_itself_and_not_by_a_distance_for_all() -> None:
    points = {name: np.array([x]) for name, x in [('a', 1.0), ('b', 2.0), ('c', 109.0), ('d', 120)]}
    found = halve(points, {'0': np.array([0.0]), '100': np.array([100.0])}, 'euclidean')
    assert {each.name: each.part for each in found} == {
        **{'a': 'near', 'b': 'far'},
        **{'c': 'near', 'd': 'far'},
    }


def test_the_middle_of_odd_clusters_goes_to_both_halves_in_turn() -> None:
    points = {f'{c}{n}': np.array([100.0 * c + n]) for c in range(5) for n in range(1, 4)}
    centroids = {str(c): np.array([100.0 * c]) for c in range(5)}
    found = halve(points, centroids, 'euclidean')
    near = {each.name for each in found if each.part == 'near'}
    assert {name for name in near if name.endswith('2')} == {'02', '22', '42'}
    assert abs(2 * len(near) - len(points)) == 1


def test_the_distance_can_be_that_of_directions() -> None:
    points = {'long': np.array([9.0, 0.1]), 'short': np.array([1.0, 1.0])}
    centroids = {'x': np.array([1.0, 0.0])}
    (first, _) = halve(points, centroids, 'cosine')
    assert (first.name, halve(points, centroids, 'euclidean')[0].name) == ('long', 'short')


def test_questions_are_clustered_by_their_words() -> None:
    made = split(of='questions')
    names = {each.name for each in made.distances}
    assert names == {each.key for each in about(*TRAIN)}
    assert {each.nearest for each in made.distances} <= {each.question for each in about(*TEST)}


def test_vectors_are_kept_so_that_the_other_half_asks_nothing(tmp_path: Path) -> None:
    ASKED.clear()
    first = split(tmp_path, part='near')
    assert sorted(ASKED) == sorted({*TRAIN, *TEST})
    assert split(tmp_path, part='far') == first
    assert len(ASKED) == len(TRAIN) + len(TEST)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(ValueError, match=r'vectors-\w+\.npy: damaged .* remove it'):
        split(tmp_path)


def test_the_embedding_and_the_test_topics_are_what_it_was_made_by() -> None:
    made_by = split().made_by
    assert made_by['embedding.model'] == 'line'
    other = subset('near_far', embedding=LINE).split(about(*TRAIN), about('iron'), None)
    assert other.made_by['test.sha256'] != made_by['test.sha256']


def test_without_a_test_set_or_names_there_is_no_near() -> None:
    near_far = subset('near_far', embedding=LINE)
    with pytest.raises(ValueError, match='near and far are measured from the test set, and none'):
        near_far.split(about(*TRAIN), (), None)
    nameless = [Asked('q', 'What is it?', 'document-0123456789ab')]
    with pytest.raises(ValueError, match=r'1 questions have no "topic" \(the first is q\)'):
        near_far.split(nameless, about(*TEST), None)
