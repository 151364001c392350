"""Batches of preference pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from maskdpo_xtuner.batches.layouts import (
    Layout,
    packed_pairs,
    packed_responses,
    padded_pairs,
    padded_responses,
)
from maskdpo_xtuner.batches.responses import (
    TokenizedResponse,
    sides_of,
    tokenized_responses,
)

Items = Sequence[Mapping[str, Any]]


def mask_preference_collate_fn(
    instances: Items,
    pack: bool = True,
    share_prompt: bool = True,
    cut_tail: bool = True,
    pad_index: int = 0,
) -> dict[str, Any]:
    """Lay pairs out for `MaskDPO`; all settings give the same loss.

    Args:
        instances: items of `build_mask_preference_dataset`. Items without the rejected side give
            a batch of the chosen responses, one where the following has two a pair.
        pack: all pairs in one row without padding, instead of one a row.
        share_prompt: the prompt, and what else both responses begin with, once a pair.
        cut_tail: leave out what follows the last supervised token of a response.
        pad_index: id of padding.

    Returns:
        ``data`` with ``input_ids`` and ``position_ids``, (rows, length); ``sequences``,
        (2 * pairs, 4), where pairs are packed or shared, else ``attention_mask``, (rows, length);
        ``predictors`` (indices into the flattened rows), ``targets``, ``weights`` and, where the
        items have them, ``reference_logps``, each (supervised,), the responses end to end, chosen
        and rejected in turn; ``counts``, (2 * pairs,), supervised tokens of each; ``num_tokens``,
        (), tokens that are computed and no padding. And ``data_samples`` with the pairs' places.
    """
    responses = list(tokenized_responses(instances))
    if cut_tail:
        responses = [response.without_tail() for response in responses]
    both = len(sides_of(instances[0])) == 2
    if pack and both:
        layout = packed_pairs(responses, share=share_prompt)
    elif pack:
        layout = packed_responses(responses)
    elif share_prompt and both:
        layout = padded_pairs(responses, pad_index)
    else:
        layout = padded_responses(responses, pad_index)
    places = [item.get('place', f'item {index}') for index, item in enumerate(instances)]
    return {'data': {**layout, **_supervised(responses)}, 'data_samples': {'place': places}}


def _supervised(responses: Sequence[TokenizedResponse]) -> Layout:
    tensors = {
        'targets': torch.cat([response.targets for response in responses]),
        'weights': torch.cat([response.weights for response in responses]),
        'counts': torch.tensor([len(response.targets) for response in responses]),
    }
    known = [r.reference_logps for r in responses if r.reference_logps is not None]
    if len(known) == len(responses):
        tensors['reference_logps'] = torch.cat(known)
    return tensors
