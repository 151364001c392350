"""How the responses of a batch lie in the rows that the model reads.

Every layout gives the same numbers; they differ in how many tokens are computed. In the layouts of
pairs the rejected response follows the chosen one without the tokens that both begin with (the
prompt, and what their ids have in common), and the model needs ``sequences`` to keep them apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from maskdpo_xtuner.batches.responses import TokenizedResponse

Layout = dict[str, Tensor]


def padded_responses(responses: Sequence[TokenizedResponse], pad_index: int = 0) -> Layout:
    """Lay out one response a row, padded to the longest: the plain layout.

    Returns:
        ``input_ids``, ``position_ids`` and ``attention_mask``, (responses, length);
        ``predictors``, (supervised,), indices into the flattened rows; ``num_tokens``, (), the
        tokens that are not padding.
    """
    ids = [response.ids for response in responses]
    rows = pad_sequence(ids, batch_first=True, padding_value=pad_index)
    length = rows.shape[1]
    lengths = torch.tensor([len(row) for row in ids])
    offsets = torch.arange(len(ids)) * length
    return {
        'input_ids': rows.long(),
        'position_ids': torch.arange(length).expand_as(rows).contiguous(),
        'attention_mask': torch.arange(length) < lengths.unsqueeze(-1),
        'predictors': torch.cat(
            [response.predictors + o for response, o in zip(responses, offsets, strict=True)]
        ),
        'num_tokens': lengths.sum(),
    }


def padded_pairs(responses: Sequence[TokenizedResponse], pad_index: int = 0) -> Layout:
    """Lay out one pair a row, padded to the longest, with the common beginning once.

    Args:
        responses: chosen and rejected in turn.
        pad_index: id of padding.

    Returns:
        As `padded_responses`, with ``sequences``, (2 * pairs, 4), in place of ``attention_mask``
        (see `maskdpo_xtuner.modeling.attention`).
    """
    pairs = _pairs(responses, share=True)
    length = max(len(pair.ids) for pair in pairs)
    num_tokens = sum(len(pair.ids) for pair in pairs)
    padded = [pair.padded(length, pad_index) for pair in pairs]
    return {**_end_to_end(padded, rows=len(padded)), 'num_tokens': torch.tensor(num_tokens)}


def packed_pairs(responses: Sequence[TokenizedResponse], *, share: bool) -> Layout:
    """Lay out all pairs in one row without padding.

    Args:
        responses: chosen and rejected in turn.
        share: whether the tokens that both responses of a pair begin with are there once.

    Returns:
        As `padded_pairs`.
    """
    row = _end_to_end(_pairs(responses, share), rows=1)
    return {**row, 'num_tokens': torch.tensor(row['input_ids'].numel())}


def packed_responses(responses: Sequence[TokenizedResponse]) -> Layout:
    """Lay out all responses in one row without padding.

    Returns:
        As `packed_pairs`, with one of ``sequences`` for each response.
    """
    row = _end_to_end([_Alone(response) for response in responses], rows=1)
    return {**row, 'num_tokens': torch.tensor(row['input_ids'].numel())}


class _Alone:
    """A response; positions count from its first token."""

    def __init__(self, response: TokenizedResponse) -> None:
        self.ids, self.predictors = response.ids.long(), response.predictors
        self.positions = torch.arange(len(self.ids))
        self.sequences = torch.tensor([[0, len(self.ids), 0, 0]])


class _Pair:
    """Chosen and rejected one after the other; positions count from the pair's first token."""

    def __init__(
        self, chosen: TokenizedResponse, rejected: TokenizedResponse, *, share: bool
    ) -> None:
        shared = _common_prefix(chosen.ids, rejected.ids) if share else 0
        split, end = len(chosen.ids), len(chosen.ids) + len(rejected.ids) - shared
        self.ids = torch.cat((chosen.ids, rejected.ids[shared:])).long()
        self.positions = torch.cat((torch.arange(split), torch.arange(shared, len(rejected.ids))))
        moved = torch.where(rejected.predictors < shared, 0, split - shared)
        self.predictors = torch.cat((chosen.predictors, rejected.predictors + moved))
        self.sequences = torch.tensor([[0, split, 0, 0], [split, end, 0, shared]])

    def padded(self, length: int, pad_index: int) -> _Pair:
        """Lengthen in place: padding is the end of the rejected response, which none looks at."""
        padding = length - len(self.ids)
        self.ids = torch.nn.functional.pad(self.ids, (0, padding), value=pad_index)
        self.positions = torch.nn.functional.pad(self.positions, (0, padding))
        self.sequences[1, 1] = length
        return self


def _pairs(responses: Sequence[TokenizedResponse], share: bool) -> list[_Pair]:
    sides = zip(responses[::2], responses[1::2], strict=True)
    return [_Pair(chosen, rejected, share=share) for chosen, rejected in sides]


def _common_prefix(first: Tensor, second: Tensor) -> int:
    shorter = min(len(first), len(second))
    differ = (first[:shorter] != second[:shorter]).nonzero()
    return int(differ[0]) if len(differ) else shorter


def _end_to_end(parts: Sequence[_Pair | _Alone], rows: int) -> Layout:
    lengths = [len(part.ids) for part in parts]
    offsets = [sum(lengths[:index]) for index in range(len(parts))]
    return {
        'input_ids': torch.cat([part.ids for part in parts]).view(rows, -1),
        'position_ids': torch.cat([part.positions for part in parts]).view(rows, -1),
        'sequences': torch.cat(
            [part.sequences + offset for part, offset in zip(parts, offsets, strict=True)]
        ),
        'predictors': torch.cat(
            [part.predictors + offset for part, offset in zip(parts, offsets, strict=True)]
        ),
    }
