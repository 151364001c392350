"""Small data sets of tokenized pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from hypothesis import strategies as st

from maskdpo_xtuner.training.data.tokenization import FEATURES, ITEM_COLUMNS

Sides = tuple[tuple[list[int], list[int]], tuple[list[int], list[int]]]


def tokenized_pairs(pairs: Sequence[Sides]) -> Dataset:
    """A data set of pairs given as ids and labels of the chosen and of the rejected response."""
    columns: dict[str, list[Any]] = {name: [] for name in ITEM_COLUMNS}
    for number, pair in enumerate(pairs):
        columns['place'].append(f'pairs.jsonl:{number + 1}')
        for side, (ids, labels) in zip(('chosen', 'rejected'), pair, strict=True):
            columns[f'{side}_ids'].append(ids)
            columns[f'{side}_labels'].append(labels)
            columns[f'{side}_weights'].append([float(label != -100) for label in labels])
    features = {name: FEATURES[name] for name in ITEM_COLUMNS}
    return Dataset.from_dict(columns, type(FEATURES)(features))


def chosen_alone(pairs: Dataset) -> Dataset:
    """The same without the columns of the rejected sides."""
    rejected = [name for name in pairs.column_names if name.startswith('rejected_')]
    return pairs.remove_columns(rejected)


def pairs_of_lengths(lengths: Sequence[int]) -> Dataset:
    """Pairs that the model reads ``length`` + 1 tokens of, when nothing is computed twice."""
    chosen = [([1] * (length + 1), [-100] * length + [1]) for length in lengths]
    return tokenized_pairs([(side, ([2, 2], [-100, 2])) for side in chosen])


@st.composite
def sides(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Ids of few kinds, so that beginnings are shared, and at least one supervised token."""
    ids = draw(st.lists(st.integers(0, 1), min_size=2, max_size=12))
    supervised = draw(st.sets(st.integers(1, len(ids) - 1), min_size=1))
    supervised |= draw(st.sets(st.just(0)))  # Not predicted, so without effect.
    return ids, [token if at in supervised else -100 for at, token in enumerate(ids)]
