"""Cutting a packed batch into rows that have no more tokens than there is memory for.

A pair is never divided, so a row is a batch like the whole: the losses of its pairs are the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import torch
from torch import Tensor

from maskdpo_xtuner.batches.balancing import deal

SUPERVISED = ('targets', 'weights', 'reference_logps')
"""Values of supervised tokens."""


def pair_tokens(batch: Mapping[str, Any]) -> list[int]:
    """Count the tokens that each pair of a packed batch takes up.

    Args:
        batch: of `mask_preference_collate_fn` with ``pack=True``.
    """
    starts, ends = _bounds(batch['data'], responses_per_pair(batch))
    lengths: list[int] = (ends - starts).tolist()
    return lengths


def responses_per_pair(batch: Mapping[str, Any]) -> int:
    """Give 2, or 1 in a batch of chosen responses alone."""
    return len(batch['data']['counts']) // len(batch['data_samples']['place'])


def fill_rows(tokens: Sequence[int], max_tokens: int, at_least: int = 1) -> list[list[int]]:
    """Deal pairs out to as few rows as hold them, about equally full.

    Args:
        tokens: of each pair.
        max_tokens: of a row; no pair has more by itself.
        at_least: number of rows, for ranks that have to do as many as another one; not more than
            there are pairs.

    Returns:
        Of each row the indices of its pairs, in order.
    """
    assert max(tokens) <= max_tokens
    for number in count(max(at_least, math.ceil(sum(tokens) / max_tokens))):
        rows = deal(range(len(tokens)), tokens, number)
        if all(sum(tokens[pair] for pair in row) <= max_tokens for row in rows):
            break
    return [sorted(row) for row in rows]


def cut_rows(batch: Mapping[str, Any], rows: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """Cut a packed batch into batches of some of its pairs.

    Args:
        batch: of `mask_preference_collate_fn` with ``pack=True``.
        rows: of each row the indices of its pairs.

    Returns:
        What the function would have given for the pairs of each row.
    """
    return [
        {
            'data': _take(batch['data'], row, responses_per_pair(batch)),
            'data_samples': {'place': [batch['data_samples']['place'][pair] for pair in row]},
        }
        for row in rows
    ]


def _take(data: Mapping[str, Tensor], pairs: Sequence[int], sides: int) -> dict[str, Tensor]:
    chosen = torch.tensor(pairs)
    starts, ends = _bounds(data, sides)
    lengths = (ends - starts)[chosen]
    # How far the tokens of each pair move to the left.
    moves = starts[chosen] - (lengths.cumsum(0) - lengths)
    tokens = _ranges(starts, ends, pairs)
    # Responses and supervised tokens lie pair by pair, too.
    responses = (sides * chosen.unsqueeze(-1) + torch.arange(sides)).flatten()
    supervised = data['counts'].view(-1, sides).sum(dim=1)
    last = supervised.cumsum(0)
    kept = _ranges(last - supervised, last, pairs)
    return {
        **{name: data[name][:, tokens] for name in ('input_ids', 'position_ids')},
        **{name: data[name][kept] for name in SUPERVISED if name in data},
        'sequences': data['sequences'][responses] - moves.repeat_interleave(sides).unsqueeze(-1),
        'predictors': data['predictors'][kept] - moves.repeat_interleave(supervised[chosen]),
        'counts': data['counts'][responses],
        'num_tokens': lengths.sum(),
    }


def _bounds(data: Mapping[str, Tensor], sides: int) -> tuple[Tensor, Tensor]:
    """First token of each pair, and the one after its last, (pairs,)."""
    sequences = data['sequences']
    return sequences[::sides, 0], sequences[sides - 1 :: sides, 1]


def _ranges(starts: Tensor, ends: Tensor, chosen: Sequence[int]) -> Tensor:
    """The numbers from start to end of each of the chosen, end to end."""
    return torch.cat([torch.arange(int(starts[index]), int(ends[index])) for index in chosen])
