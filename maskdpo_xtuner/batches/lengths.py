"""How many tokens the pairs of a data set have, read from its memory-mapped columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray

from maskdpo_xtuner.batches.responses import IGNORE_INDEX, sides_of
from maskdpo_xtuner.masking import Side

if TYPE_CHECKING:
    import pyarrow as pa

Counts = NDArray[np.int64]
BATCH = 4096
"""Pairs that are looked at together; the rest stays on disk."""


@dataclass(frozen=True)
class PairLengths:
    """Tokens of the pairs of a data set, of which both sides are there or the chosen alone.

    Attributes:
        lengths: (pairs, sides), tokens of the chosen and the rejected response, prompt included.
        predicting: (pairs, sides), the tokens before the last supervised one: all that the loss
            depends on.
        shared: (pairs,), tokens at the beginning that are the same on both sides; 0 with one.
        supervised: (pairs, sides), supervised tokens.
    """

    lengths: Counts
    predicting: Counts
    shared: Counts
    supervised: Counts

    def computed(self, *, share_prompt: bool = True, cut_tail: bool = True) -> Counts:
        """Count the tokens that the model reads of each pair, (pairs,), as the collate is set.

        Padding is not counted.
        """
        sides = self.predicting if cut_tail else self.lengths
        total: Counts = sides.sum(axis=1)
        return total - np.minimum(self.shared, sides.min(axis=1)) if share_prompt else total


def pair_lengths(dataset: Dataset) -> PairLengths:
    """Count the tokens of each pair of `build_mask_preference_dataset`.

    Only the columns of ids and labels are read, a few thousand pairs at a time.
    """
    sides = sides_of(dataset.column_names)
    columns = [f'{side}_{part}' for side in sides for part in ('ids', 'labels')]
    batches = dataset.select_columns(columns).with_format('arrow').iter(BATCH)
    parts = [_count(batch, sides) for batch in batches]
    return PairLengths(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _count(batch: pa.Table, sides: Sequence[Side]) -> tuple[Counts, Counts, Counts, Counts]:
    """The fields of `PairLengths` of some rows."""
    ids = [_flat(batch[f'{side}_ids']) for side in sides]
    lengths = np.stack([np.diff(offsets) for _, offsets in ids], axis=1)
    shared = _shared(*ids) if len(ids) == 2 else np.zeros(len(batch), dtype=np.int64)
    parts = [_supervised(*_flat(batch[f'{side}_labels'])) for side in sides]
    predicting, supervised = (np.stack(part, axis=1) for part in zip(*parts, strict=True))
    return lengths, predicting, shared, supervised


def _flat(column: pa.ChunkedArray) -> tuple[Any, Counts]:
    """The values of all rows end to end, and where each row begins and the last one ends."""
    array = column.combine_chunks()
    return array.values.to_numpy(), array.offsets.to_numpy().astype(np.int64)


def _supervised(labels: Any, offsets: Counts) -> tuple[Counts, Counts]:
    """Index of the last supervised token in each row, and the number of supervised tokens."""
    mask = labels != IGNORE_INDEX
    mask[offsets[:-1]] = False  # Nothing predicts the first token.
    last = np.maximum.reduceat(np.where(mask, np.arange(len(mask)), 0), offsets[:-1])
    return last - offsets[:-1], np.add.reduceat(mask, offsets[:-1], dtype=np.int64)


def _shared(chosen: tuple[Any, Counts], rejected: tuple[Any, Counts]) -> Counts:
    """Length of the common beginning of the rows of two columns."""
    (ours, ours_at), (theirs, theirs_at) = chosen, rejected
    shared = np.zeros(len(ours_at) - 1, dtype=np.int64)
    for row, (start, other) in enumerate(zip(ours_at[:-1], theirs_at[:-1], strict=True)):
        length = min(ours_at[row + 1] - start, theirs_at[row + 1] - other)
        differ = ours[start : start + length] != theirs[other : other + length]
        shared[row] = differ.argmax() if differ.any() else length
    return shared
