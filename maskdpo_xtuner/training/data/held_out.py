"""Pairs that are kept from training, for evaluation."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

DataPart = Literal['train', 'held_out']


def part_of(groups: Sequence[str], part: DataPart, share: float, seed: int) -> NDArray[np.int64]:
    """Choose the pairs of one part; both parts together are all pairs.

    Whole groups are held out, in an order that depends on the seed and their names alone, until
    they have the share: the same ones on every machine, and mostly the same when pairs are added.

    Args:
        groups: what each pair must not be separated from: its topic, or its prompt.
        part: ``train`` or ``held_out``.
        share: of the pairs that is held out; more when the last group is large.
        seed: another seed holds other groups out.

    Returns:
        Indices of the part, in order.

    Raises:
        ValueError: for a share outside of [0, 1), and when no group would be left to train on.
    """
    if not 0 <= share < 1 or (part == 'held_out' and not share):
        raise ValueError(f'held_out must be a share between 0 and 1, not {share}')
    held = _held_groups(Counter(groups), share * len(groups), seed)
    if share and len(held) == len(set(groups)):
        raise ValueError(
            f'held_out={share} would leave nothing to train on: the pairs have {len(held)} topics '
            'or prompts, and one is never on both sides. Lower it, or use another file'
        )
    is_held = np.array([group in held for group in groups])
    return np.flatnonzero(is_held == (part == 'held_out'))


def _held_groups(sizes: Counter[str], pairs: float, seed: int) -> set[str]:
    held: set[str] = set()
    count = 0
    for group in sorted(
        sizes, key=lambda group: hashlib.sha256(f'{seed} {group}'.encode()).digest()
    ):
        if count >= pairs:
            break
        held.add(group)
        count += sizes[group]
    return held
