"""The responses of a batch as tensors: token ids, and which of them are supervised."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from maskdpo_xtuner.masking import SIDES, Side

IGNORE_INDEX = -100
"""What a label is where a token is not supervised, as for PyTorch's cross-entropy."""


@dataclass(frozen=True)
class TokenizedResponse:
    """One side of a pair, prompt included.

    Attributes:
        ids: (length,), token ids.
        predictors: (supervised,), the positions whose logits predict a supervised token: the one
            before it.
        targets: (supervised,), ids of the supervised tokens.
        weights: (supervised,), fp32, factors of their log-ratios.
        reference_logps: (supervised,), fp32, under the reference model; None if not known.
    """

    ids: Tensor
    predictors: Tensor
    targets: Tensor
    weights: Tensor
    reference_logps: Tensor | None

    def without_tail(self) -> TokenizedResponse:
        """Leave out what follows the last predictor: causal attention never looks there."""
        return TokenizedResponse(
            self.ids[: int(self.predictors[-1]) + 1],
            self.predictors,
            self.targets,
            self.weights,
            self.reference_logps,
        )


def tokenized_responses(items: Sequence[Mapping[str, Any]]) -> Iterator[TokenizedResponse]:
    """Yield chosen and rejected of each item of `build_mask_preference_dataset` in turn.

    Only those that the items have: the chosen alone where `sides_of` says so.
    """
    for item in items:
        for side in sides_of(item):
            yield _response(item, side)


def sides_of(columns: Container[str]) -> tuple[Side, ...]:
    """The sides that items with these columns have: both, or the chosen alone."""
    return tuple(side for side in SIDES if f'{side}_ids' in columns)


def _response(item: Mapping[str, Any], side: str) -> TokenizedResponse:
    labels = torch.tensor(item[f'{side}_labels'])
    # The first token has no position before it: nothing predicts it.
    predictors = (labels[1:] != IGNORE_INDEX).nonzero().squeeze(-1)
    known = item.get(f'{side}_reference_logps')
    return TokenizedResponse(
        ids=torch.tensor(item[f'{side}_ids']),
        predictors=predictors,
        targets=labels[predictors + 1].long(),
        weights=torch.tensor(item[f'{side}_weights'], dtype=torch.float32)[predictors + 1],
        reference_logps=None if known is None else torch.tensor(known, dtype=torch.float32),
    )
