"""Batched decoding with a seed per row: what one row gives does not depend on its neighbours.

Up to floating-point rounding, that is: the shape of a batch decides in which order a matrix
product adds up. Whoever needs the same bytes again repeats the same batch.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from maskdpo_xtuner.engines.base import Sampling


class Interrupted(Exception):
    """Decoding was told to stop before its rows had ended."""


@dataclass(frozen=True)
class Rows:
    """What to decode: ``prompts[row]`` is the index in ``prompt_ids`` of the row's prompt.

    Rows of one prompt share its prefill. ``seeds`` has one seed a row. The longest prompt has at
    least two ids, as whatever a chat template renders.
    """

    prompt_ids: Sequence[Sequence[int]]
    prompts: Sequence[int]
    seeds: Sequence[int]


def draw_uniforms(seeds: Sequence[int], steps: int) -> Tensor:
    """One uniform number in [0, 1) a row and step, from the row's own generator.

    Returns:
        (rows, steps), float64.
    """
    generators = (torch.Generator().manual_seed(seed) for seed in seeds)
    return torch.stack([torch.rand(steps, generator=g, dtype=torch.float64) for g in generators])


def choose_tokens(logits: Tensor, sampling: Sampling, uniforms: Tensor) -> Tensor:
    """Choose the next token: temperature, then top-k, then top-p, then inverse CDF.

    The order is that of transformers' own sampling. Greedy for temperature 0.

    Args:
        logits: (rows, vocabulary).
        uniforms: (rows,) in [0, 1); the place on the cumulated distribution of the kept tokens.

    Returns:
        (rows,), int64.
    """
    if sampling.temperature == 0:
        return logits.argmax(dim=-1)
    vocabulary = logits.shape[-1]
    kept = min(sampling.top_k or vocabulary, vocabulary)
    values, tokens = torch.topk(logits.float() / sampling.temperature, kept)
    probabilities = values.double().softmax(dim=-1)
    cumulated = probabilities.cumsum(dim=-1)
    # The smallest set of tokens whose mass reaches top_p; the first token always belongs to it.
    in_nucleus = cumulated - probabilities < sampling.top_p
    mass = (probabilities * in_nucleus).sum(dim=-1, keepdim=True)
    place = torch.searchsorted(cumulated, uniforms[:, None] * mass, right=True)
    # A product that rounds up to the whole mass would fall behind the last kept token.
    place = place.minimum(in_nucleus.sum(dim=-1, keepdim=True) - 1)
    return tokens.gather(-1, place).squeeze(-1)


@torch.inference_mode()
def decode(
    model: Any, rows: Rows, sampling: Sampling, end_ids: Collection[int], stop: Event
) -> list[list[int]]:
    """Continue every row until one of ``end_ids`` or ``sampling.max_new_tokens``.

    Rows that have ended leave the batch, so the work is that of the tokens written.

    Returns:
        The new ids of each row; the last one is in ``end_ids`` unless the row was cut.

    Raises:
        Interrupted: soon after ``stop`` was set.
    """
    cache, mask, last = _prefill(model, rows)
    logits = _forward(model, last, cache, mask)
    uniforms = draw_uniforms(rows.seeds, sampling.max_new_tokens).to(logits.device)
    written: list[list[int]] = [[] for _ in rows.prompts]
    alive = list(range(len(rows.prompts)))
    for step in range(sampling.max_new_tokens):
        if stop.is_set():
            raise Interrupted
        chosen = choose_tokens(logits, sampling, uniforms[alive, step])
        for row, token in zip(alive, chosen.tolist(), strict=True):
            written[row].append(token)
        going = [place for place, row in enumerate(alive) if written[row][-1] not in end_ids]
        if not going or step + 1 == sampling.max_new_tokens:
            break
        if len(going) < len(alive):
            keep = torch.tensor(going, device=mask.device)
            cache.batch_select_indices(keep)
            mask, chosen = mask[keep], chosen[keep]
            alive = [alive[place] for place in going]
        mask = torch.cat([mask, mask.new_ones(len(alive), 1)], dim=-1)
        logits = _forward(model, chosen[:, None], cache, mask)
    return written


def _prefill(model: Any, rows: Rows) -> tuple[DynamicCache, Tensor, Tensor]:
    """Run all but the last id of each prompt, once a prompt, without computing logits.

    Returns:
        The cache, the attention mask (rows, width) and the last ids (rows, 1), of the rows.
    """
    width = max(map(len, rows.prompt_ids))
    # The id under the padding is never attended to.
    ids = torch.tensor([[0] * (width - len(p)) + list(p) for p in rows.prompt_ids])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in rows.prompt_ids])
    ids, mask = ids.to(model.device), mask.to(model.device)
    cache = DynamicCache()
    before = mask[:, :-1]
    model.base_model(
        input_ids=ids[:, :-1],
        attention_mask=before,
        position_ids=_positions(before),
        past_key_values=cache,
        use_cache=True,
    )
    index = torch.tensor(rows.prompts, device=model.device)
    cache.batch_select_indices(index)
    return cache, mask[index], ids[index, -1:]


def _forward(model: Any, ids: Tensor, cache: DynamicCache, mask: Tensor) -> Tensor:
    """Append ``ids`` (rows, 1) to the cache; the logits (rows, vocabulary) after them."""
    output = model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=_positions(mask)[:, -1:],
        past_key_values=cache,
        use_cache=True,
    )
    logits: Tensor = output.logits[:, -1]
    return logits


def _positions(mask: Tensor) -> Tensor:
    """Positions that count from the first token of a row, not from its padding."""
    return (mask.cumsum(dim=-1) - 1).clamp(min=0)
