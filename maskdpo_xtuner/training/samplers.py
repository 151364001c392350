"""Batches of about equally many tokens, without a change to what an optimizer step sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
from datasets import Dataset
from mmengine.dataset import DefaultSampler
from mmengine.registry import DATA_SAMPLERS

from maskdpo_xtuner.batches.balancing import deal
from maskdpo_xtuner.batches.lengths import pair_lengths


@DATA_SAMPLERS.register_module()
class LengthBalancedSampler(DefaultSampler):  # type: ignore[misc]
    """mmengine's `DefaultSampler` with the pairs of a step dealt out by length.

    The pairs of each optimizer step are those of `DefaultSampler` with the same seed. Only which
    rank and which micro-batch takes a pair is decided by its tokens, so that the ranks, which
    wait for each other at every micro-batch, have about the same to do. Every micro-batch has as
    many pairs as before: the mean of their losses, and so the step, is the same. (``kto_pair``
    compares the pairs of a micro-batch with each other: there the partners change.)

    Args:
        dataset: of `build_mask_preference_dataset`.
        batch_size: pairs of a micro-batch. `MaskDPOTrainLoop` takes it from the data loader.
        accumulative_counts: micro-batches of an optimizer step on a rank. `MaskDPOTrainLoop`
            takes it from the optimizer.
        shuffle: whether the pairs of a step are random ones.
        seed: of the shuffle, the same on all ranks; None: drawn and sent to all.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        accumulative_counts: int = 1,
        shuffle: bool = True,
        seed: int | None = None,
    ) -> None:
        super().__init__(dataset, shuffle=shuffle, seed=seed, round_up=True)
        self.batch_size = batch_size
        self.accumulative_counts = accumulative_counts
        self.lengths: list[int] = pair_lengths(dataset).computed().tolist()

    def __iter__(self) -> Iterator[int]:
        """Indices of this rank's pairs, a micro-batch after the other."""
        for step in self._steps():
            for batch in self._deal(step)[self.rank :: self.world_size]:
                yield from batch

    def _steps(self) -> Iterator[list[list[int]]]:
        """The micro-batches of each optimizer step, as `DefaultSampler` makes them.

        Those of all ranks at one time stand together. A step that began in the last epoch continues
        in this one. The last micro-batches of an epoch, where they are smaller than the others,
        come alone: their pairs weigh more in the mean, and must stay the same.
        """
        order, row = self._order(), self.world_size * self.batch_size
        rows = [order[start : start + row] for start in range(0, len(order), row)]
        # Micro-batches of the step that a rank has behind it when the epoch begins.
        done = self.epoch * len(rows) % self.accumulative_counts
        full = len(order) // row
        ends = {*range(self.accumulative_counts - done, len(rows), self.accumulative_counts)}
        bounds = sorted({0, full, len(rows)} | ends)
        for start, end in pairwise(bounds):
            step = rows[start:end]
            yield [
                each[rank :: self.world_size] for each in step for rank in range(self.world_size)
            ]

    def _order(self) -> list[int]:
        """All pairs in the order in which `DefaultSampler` hands them to the ranks in turn."""
        order = list(range(len(self.dataset)))
        if self.shuffle:
            generator = torch.Generator().manual_seed(self.seed + self.epoch)
            order = torch.randperm(len(order), generator=generator).tolist()
        total: int = self.total_size
        return (order * (total // len(order) + 1))[:total]

    def _deal(self, shuffled: list[list[int]]) -> list[list[int]]:
        """The pairs of the micro-batches of a step in as many micro-batches of about one length."""
        step = [index for batch in shuffled for index in batch]
        number = len(shuffled)
        balanced = deal(step, self.lengths, number, room=len(step) // number)
        return min(sorted(balanced, key=self._tokens), shuffled, key=self._waiting)

    def _tokens(self, batch: Sequence[int]) -> int:
        return sum(self.lengths[index] for index in batch)

    def _waiting(self, batches: Sequence[Sequence[int]]) -> tuple[int, int]:
        """Tokens that a rank computes or waits for in a step, and of the longest micro-batch."""
        tokens = [self._tokens(batch) for batch in batches]
        times = range(0, len(tokens), self.world_size)
        longest = [max(tokens[time : time + self.world_size]) for time in times]
        return sum(longest), max(longest)
