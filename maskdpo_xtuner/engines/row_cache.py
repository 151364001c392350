"""Keys and values of rows that are decoded together: written in place, never copied as a whole.

transformers' ``DynamicCache`` copies everything at every step, and again whenever a row ends.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache


class RowCache(Cache):  # type: ignore[misc]
    """A cache of a fixed size whose rows all end at one column; each has a beginning of its own.

    Args:
        rows: most rows at once.
        columns: most columns from the first beginning of a row to the common end.
        end: the column at which rows end at first: the ids of the longest prompt less one.

    Attributes:
        starts: the column where each row in use begins.
        end: the column that is written next.
    """

    def __init__(self, rows: int, columns: int, end: int) -> None:
        # Since transformers 4.54 a cache is a list of layers, of which this one has none.
        has_layers = 'layers' in inspect.signature(Cache.__init__).parameters
        super().__init__(**({'layers': []} if has_layers else {}))
        self.starts: list[int] = []
        self.end = end
        self._rows, self._columns, self._least_end = rows, columns, end
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []

    @property
    def first(self) -> int:
        """The first column that any row in use reads."""
        return min(self.starts, default=self.end)

    def update(
        self,
        key_states: Tensor,
        value_states: Tensor,
        layer_idx: int,
        cache_kwargs: dict[str, Any] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Write one column, (rows in use, heads, 1, head size), and give all that is read.

        Called by the model's layers. What they get are views, (rows, heads, length, head size).
        """
        rows = slice(len(self.starts))
        both = []
        for states, new in ((self._keys, key_states), (self._values, value_states)):
            states[layer_idx][rows, :, self.end : self.end + 1] = new
            both.append(states[layer_idx][rows, :, self.first : self.end + 1])
        return both[0], both[1]

    def get_seq_length(self, layer_idx: int | None = 0) -> int:
        """Say how many columns are read beside the new one."""
        return self.end - self.first

    def get_max_cache_shape(self, layer_idx: int = 0) -> int | None:
        """Give None: the model sees no more columns than are in use."""
        return None

    def get_mask_sizes(self, cache_position: Tensor, layer_idx: int) -> tuple[int, int]:
        """Say how many columns a mask has, the new one included, and which is its first."""
        return self.end - self.first + 1, 0

    def visible(self, device: torch.device) -> Tensor:
        """Tell which columns each row reads, the next one included; (rows, length), bool."""
        columns = torch.arange(self.first, self.end + 1, device=device)
        return columns >= torch.tensor(self.starts, device=device)[:, None]

    def advance(self) -> None:
        """Go on to the next column, making room at the front when the last one is reached."""
        self.end += 1
        if self.end < self._columns:
            return
        by = min(self.first, self.end - self._least_end)
        assert by > 0, 'a row is longer than the cache'
        for states in (*self._keys, *self._values):
            states[:, :, : self.end - by] = states[:, :, by : self.end].clone()
        self.starts = [start - by for start in self.starts]
        self.end -= by

    def add(self, prefilled: DynamicCache, index: Sequence[int], lengths: Sequence[int]) -> None:
        """Add rows.

        Args:
            prefilled: keys and values of prompts, padded on the left.
            index: (new rows,), which of the prompts each row begins with.
            lengths: (new rows,), how many of the prompt's columns are its own.
        """
        place, width = len(self.starts), prefilled.get_seq_length()
        rows, columns = slice(place, place + len(index)), slice(self.end - width, self.end)
        for own, theirs in zip((self._keys, self._values), _states_of(prefilled), strict=True):
            own.extend(self._allocate(states) for states in theirs[len(own) :])
            for states, prompts in zip(own, theirs, strict=True):
                states[rows, :, columns] = prompts[list(index)]
        self.starts += [self.end - length for length in lengths]

    def _allocate(self, like: Tensor) -> Tensor:
        _, heads, _, size = like.shape
        # Zeros: what is masked out must not be NaN.
        return like.new_zeros(self._rows, heads, self._columns, size)

    def remove(self, places: Sequence[int]) -> list[int]:
        """Remove rows; rows from behind take their places.

        Returns:
            For each place that is left, where its row stood before.
        """
        gone = set(places)
        left = len(self.starts) - len(gone)
        holes = sorted(place for place in gone if place < left)
        moved = [place for place in range(left, len(self.starts)) if place not in gone]
        before = list(range(left))
        for hole, place in zip(holes, moved, strict=True):
            before[hole] = place
        if holes:
            columns = slice(self.first, self.end)
            for states in (*self._keys, *self._values):
                states[holes, :, columns] = states[moved, :, columns]
        self.starts = [self.starts[place] for place in before]
        return before


def _states_of(cache: DynamicCache) -> tuple[list[Tensor], list[Tensor]]:
    """The keys and the values of each layer, wherever a version of transformers has them."""
    if not hasattr(cache, 'layers'):
        return cache.key_cache, cache.value_cache
    return [layer.keys for layer in cache.layers], [layer.values for layer in cache.layers]
