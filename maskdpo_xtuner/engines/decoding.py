"""Batched decoding with a seed per row: what one row gives does not depend on its neighbours.

Up to floating-point rounding, that is: the shape of a batch decides in which order a matrix
product adds up, and the length of the cache in which order attention does. Whoever needs the same
bytes again repeats the same call, whose rows meet in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from maskdpo_xtuner.engines.base import Sampling
from maskdpo_xtuner.engines.row_cache import RowCache

# Rows are added when this part of the batch has become free.
ADDED_SHARE = 8
# Steps after which a cache with changing rows is moved to the front, at the least.
MOVE_ON = 64


class Interrupted(Exception):
    """Decoding was told to stop before its rows had ended."""


@dataclass(frozen=True)
class Rows:
    """What to decode: ``prompts[row]`` is the index in ``prompt_ids`` of the row's prompt.

    Rows of one prompt that begin together share its prefill. ``seeds`` has one seed a row.
    """

    prompt_ids: Sequence[Sequence[int]]
    prompts: Sequence[int]
    seeds: Sequence[int]


def draw_uniforms(seeds: Sequence[int], steps: int) -> Tensor:
    """Draw one uniform number in [0, 1) a row and step, from the row's own generator.

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
    values, tokens = torch.topk(logits, kept)
    probabilities = (values.double() / sampling.temperature).softmax(dim=-1)
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
    model: Any,
    rows: Rows,
    sampling: Sampling,
    end_ids: Collection[int],
    stop: Event,
    *,
    at_once: int | None = None,
    on_end: Callable[[int], object] | None = None,
) -> list[list[int]]:
    """Continue every row until one of ``end_ids`` or ``sampling.max_new_tokens``.

    Rows that have ended leave the batch, and others that wait take their places. Which rows meet
    follows from the arguments alone.

    Args:
        model: a causal language model of transformers.
        rows: what to continue.
        sampling: how.
        end_ids: tokens that end a row.
        stop: set by another thread to have it end early.
        at_once: most rows that are decoded together; None for all.
        on_end: called with the number of rows that have just ended.

    Returns:
        The new ids of each row; the last one is in ``end_ids`` unless the row was cut.

    Raises:
        Interrupted: soon after ``stop`` was set.
    """
    batch = _Batch(model, rows, sampling, at_once or len(rows.prompts))
    while batch.fill():
        if stop.is_set():
            raise Interrupted
        ended = batch.step(end_ids)
        if ended and on_end:
            on_end(ended)
    return batch.written


def columns_needed(longest_prompt: int, sampling: Sampling, *, refilled: bool) -> int:
    """Columns of the cache of one row: a prompt, its answer, and some to move on in."""
    span = longest_prompt + sampling.max_new_tokens
    return span + min(sampling.max_new_tokens, MOVE_ON) if refilled else span


class _Batch:
    """The rows that are decoded at the moment, and those that wait."""

    def __init__(self, model: Any, rows: Rows, sampling: Sampling, at_once: int) -> None:
        self.written: list[list[int]] = [[] for _ in rows.prompts]
        self._model, self._rows, self._sampling, self._at_once = model, rows, sampling, at_once
        self._uniforms = draw_uniforms(rows.seeds, sampling.max_new_tokens).to(model.device)
        self._waiting = list(range(len(rows.prompts)))[::-1]
        self._alive: list[int] = []
        self._last = torch.empty(0, dtype=torch.long, device=model.device)
        longest = max(2, max(map(len, rows.prompt_ids)))
        columns = columns_needed(longest, sampling, refilled=len(self._waiting) > at_once)
        self._cache = RowCache(min(at_once, len(self._waiting)), columns, longest - 1)

    def fill(self) -> bool:
        """Add rows that wait when there is room for a number of them; whether any is alive.

        A few are added at a time: prompts are read faster together, and rows of one prompt, which
        follow each other, read it once.
        """
        room = min(self._at_once - len(self._alive), len(self._waiting))
        if room and (room == len(self._waiting) or room >= self._at_once / ADDED_SHARE):
            self._add([self._waiting.pop() for _ in range(room)])
        return bool(self._alive)

    def _add(self, new: Sequence[int]) -> None:
        """Run all but the last id of the rows' prompts, once a prompt, without computing logits."""
        prompts = list(dict.fromkeys(self._rows.prompts[row] for row in new))
        ids = [self._rows.prompt_ids[prompt] for prompt in prompts]
        index = [prompts.index(self._rows.prompts[row]) for row in new]
        prefilled = _prefill(self._model, ids)
        self._cache.add(prefilled, index, [len(ids[each]) - 1 for each in index])
        last = torch.tensor([ids[each][-1] for each in index], device=self._last.device)
        self._last = torch.cat([self._last, last])
        self._alive += new

    def step(self, end_ids: Collection[int]) -> int:
        """Write one token of each row that is alive; gives how many have ended with it."""
        logits = self._forward()
        places = [len(self.written[row]) for row in self._alive]
        chosen = choose_tokens(logits, self._sampling, self._uniforms[self._alive, places])
        for row, token in zip(self._alive, chosen.tolist(), strict=True):
            self.written[row].append(token)
        self._cache.advance()
        ended = [place for place, row in enumerate(self._alive) if self._has_ended(row, end_ids)]
        if ended:
            before = self._cache.remove(ended)
            self._alive = [self._alive[place] for place in before]
            chosen = chosen[before]
        self._last = chosen
        return len(ended)

    def _has_ended(self, row: int, end_ids: Collection[int]) -> bool:
        written = self.written[row]
        return written[-1] in end_ids or len(written) == self._sampling.max_new_tokens

    def _forward(self) -> Tensor:
        """Append the last ids to the cache; the logits (rows, vocabulary) after them."""
        mask = self._cache.visible(self._last.device).long()
        output = self._model(
            input_ids=self._last[:, None],
            attention_mask=mask,
            position_ids=mask.sum(dim=-1, keepdim=True) - 1,
            past_key_values=self._cache,
            use_cache=True,
        )
        logits: Tensor = output.logits[:, -1]
        return logits


def _prefill(model: Any, prompts: Sequence[Sequence[int]]) -> DynamicCache:
    """Keys and values of all but the last id of each prompt, padded on the left."""
    width = max(2, max(map(len, prompts)))
    # The id under the padding is never attended to.
    ids = torch.tensor([[0] * (width - len(p)) + list(p) for p in prompts], device=model.device)
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
    before = mask[:, :-1].to(model.device)
    cache = DynamicCache()
    model.base_model(
        input_ids=ids[:, :-1],
        attention_mask=before,
        # Positions count from the first token of a row, not from its padding.
        position_ids=(before.cumsum(dim=-1) - 1).clamp(min=0),
        past_key_values=cache,
        use_cache=True,
    )
    return cache
