"""Batches of preference pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.registry import FUNCTIONS
from torch.nn.utils.rnn import pad_sequence
from xtuner.dataset.collate_fns.preference_collate_fn import preference_collate_fn

Items = Sequence[Mapping[str, Any]]


@FUNCTIONS.register_module()
def mask_preference_collate_fn(instances: Items, **options: Any) -> dict[str, Any]:
    """XTuner's ``preference_collate_fn`` with the weights of the tokens.

    Args:
        instances: items of `build_mask_preference_dataset`.
        options: as of XTuner's function.

    Returns:
        As XTuner's function; its ``data`` has ``weights``, (2 * pairs, length), fp32, 0 at
        padding.
    """
    batch: dict[str, Any] = preference_collate_fn(instances, **options)
    rows = [item[f'{side}_weights'] for item in instances for side in ('chosen', 'rejected')]
    batch['data']['weights'] = pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
    return batch
