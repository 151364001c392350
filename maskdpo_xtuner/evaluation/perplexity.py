"""Perplexity of answers under a causal language model: how far a text is from what it writes.

Source: Mask-DPO, appendix C.2 (perplexity of the answers under GPT-2). The paper does not say
whether it pools the tokens of all answers or averages over answers; both are given here.

Only tokens of the answer count: not those of the question, of the chat template or the end of the
turn. A model with a chat template reads the question first; one without (GPT-2) reads the answer
alone, after its start token (``<|endoftext|>``); `PerplexityScorer.context` says which. Nothing is
cut: an answer longer than the context is read in windows.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from os.path import commonprefix
from typing import TYPE_CHECKING, Any

from maskdpo_xtuner.chat_templates import load_tokenizer, render_chat
from maskdpo_xtuner.engines.model_files import (
    check_model,
    load_causal_lm,
    model_source,
    name_and_revision,
    tokenizer_source,
)

if TYPE_CHECKING:
    from torch import Tensor

Conversation = tuple[str | None, str]
"""A question, or None, and the answer to score."""

# Most answer tokens of a batch (0.25 GiB of logits in fp32 with a vocabulary of 128,256), unless
# one window alone has more.
LOGITS_AT_ONCE = 512


@dataclass(frozen=True)
class ResponseNll:
    """The negative log-likelihood of an answer: the sum over its tokens, in nats."""

    total: float
    tokens: int

    @property
    def perplexity(self) -> float | None:
        """exp(mean per token); None for an answer without tokens."""
        return math.exp(self.total / self.tokens) if self.tokens else None


@dataclass(frozen=True)
class _Window:
    """Ids that the model reads at once, and from which place on they are counted."""

    response: int
    ids: Sequence[int]
    first: int

    @property
    def counted(self) -> int:
        return len(self.ids) - self.first


class PerplexityScorer:
    """Scores answers by one causal language model, which is loaded for the first of them.

    Equal calls give equal numbers; another ``batch_size`` may move them by a rounding error. An
    answer that is longer than the model's context is read in windows that overlap by half.

    Args:
        model: a folder, of a LoRA adapter too, or a name on the hub.
        dtype: name of the torch dtype that the weights are loaded in; log-probabilities are fp32
            at least.
        device: a torch device, or ``auto`` for CUDA where there is one, else the CPU.
        batch_size: most answers that are read at once.
        revision: branch, tag or commit on the hub.
        trust_remote_code: whether Python files of the model may be executed.
        template_kwargs: variables of the chat template, with which the question is read.

    Attributes:
        identity: what determines the numbers: name, revision (of a folder the hash of its
            content), dtype, and the variables of the chat template where there are some.

    Raises:
        ValueError: when there is no such model.
    """

    def __init__(
        self,
        model: str,
        *,
        dtype: str = 'float32',
        device: str = 'auto',
        batch_size: int = 16,
        revision: str | None = None,
        trust_remote_code: bool = False,
        template_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        check_model(model, adapters=True)
        name, commit = name_and_revision(model, revision, trust_remote_code)
        identity = {'model': name, 'revision': commit, 'dtype': dtype}
        if template_kwargs:
            identity['template_kwargs'] = json.dumps(dict(template_kwargs), sort_keys=True)
        self.identity: Mapping[str, str] = identity
        self._template_kwargs = template_kwargs
        self._source = model_source(model, commit, trust_remote_code)
        self._dtype, self._device, self._batch_size = dtype, device, batch_size

    @cached_property
    def _model(self) -> Any:
        return load_causal_lm(self._source, self._dtype, self._device)

    @cached_property
    def _tokenizer(self) -> Any:
        return load_tokenizer(tokenizer_source(self._source))

    def score(self, conversations: Sequence[Conversation]) -> list[ResponseNll]:
        """Score the answers, one result each, in order; an empty answer has no tokens.

        Raises:
            ValueError: for a tokenizer that knows no token to begin with, and an answer that the
                model gives no finite probability.
        """
        import torch

        totals, tokens = [0.0] * len(conversations), [0] * len(conversations)
        windows = [w for n, each in enumerate(conversations) for w in self._windows(n, each)]
        for batch in _batches(windows, self._batch_size):
            with torch.inference_mode():
                sums = self._nll_sums(batch)
            for window, total in zip(batch, sums, strict=True):
                totals[window.response] += total
                tokens[window.response] += window.counted
        return [
            ResponseNll(self._finite(total, response), count)
            for total, count, (_, response) in zip(totals, tokens, conversations, strict=True)
        ]

    def _windows(self, response: int, conversation: Conversation) -> Iterator[_Window]:
        ids, first = self._ids(*conversation)
        context = self._model.config.max_position_embeddings
        for end in _ends(len(ids), context):
            start = max(0, end - context)
            if end > first:
                yield _Window(response, ids[start:end], first - start)
                first = end

    def _ids(self, prompt: str | None, response: str) -> tuple[list[int], int]:
        """Give what the model reads, and the place of the first id that is the answer's own.

        The text is tokenized as a whole: an answer's first token may depend on what stands before.
        """
        if prompt is None or not self._has_template:
            return [self._start_id, *self._encode(response)], 1
        turns = [{'role': 'user', 'content': prompt}]
        before = render_chat(self._tokenizer, turns, self._template_kwargs)
        ids = self._encode(before + response)
        return ids, len(commonprefix([self._encode(before), ids]))

    @property
    def _has_template(self) -> bool:
        own = (self._template_kwargs or {}).get('chat_template')
        return isinstance(own or self._tokenizer.chat_template, str)

    @property
    def context(self) -> str:
        """What the model reads before an answer, in words."""
        if self._has_template:
            return 'the question in the chat template'
        return f'its start token {self._tokenizer.decode([self._start_id])!r} alone'

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return ids

    @cached_property
    def _start_id(self) -> int:
        """The start token, or the token between documents of models that have no other."""
        for token in (self._tokenizer.bos_token_id, self._tokenizer.eos_token_id):
            if token is not None:
                return int(token)
        raise ValueError(
            f'{self.identity["model"]}: its tokenizer names neither bos_token nor eos_token, so '
            'nothing can stand before the first token of an answer; add "bos_token" to its '
            'tokenizer_config.json'
        )

    def _nll_sums(self, windows: Sequence[_Window]) -> list[float]:
        """Give one sum a window, over its counted ids."""
        import torch

        from maskdpo_xtuner.objectives import response_sums, token_logps

        ids, mask, counted = _pad(windows)
        # The logits at a position are the distribution over the token at the next one.
        predictors = torch.cat([counted[:, 1:], torch.zeros_like(counted[:, :1])], dim=1)
        logits = self._logits(ids, mask, predictors)
        logps = token_logps(logits, ids[counted].to(logits.device)).double().cpu()
        lengths = torch.tensor([window.counted for window in windows])
        sums: list[float] = (-response_sums(logps, lengths)).tolist()
        return sums

    def _logits(self, ids: Tensor, mask: Tensor, wanted: Tensor) -> Tensor:
        """Give the model's logits where ``wanted``, (wanted, vocabulary), and none elsewhere."""
        device = self._model.device
        here = wanted.to(device)
        keep = self._model.get_output_embeddings().register_forward_pre_hook(
            lambda head, inputs: (inputs[0][here],)
        )
        with keep:
            output = self._model(
                input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False
            )
        logits: Tensor = output.logits
        return logits

    def _finite(self, total: float, response: str) -> float:
        if math.isfinite(total):
            return total
        raise ValueError(
            f'{self.identity["model"]} ({self._dtype}) gives the answer {response[:60]!r} the '
            f'log-likelihood {-total}; try dtype="float32", or look whether its weights are whole'
        )


def _ends(length: int, context: int) -> Iterable[int]:
    """Tell where windows of ``context`` ids end, each half of it after the one before."""
    if length <= context:
        return [length]
    return [*range(context, length, max(1, context // 2)), length]


def _batches(windows: Iterable[_Window], batch_size: int) -> Iterator[list[_Window]]:
    """Windows of like length together, the longest first: what does not fit shows at once."""
    batch: list[_Window] = []
    logits = 0
    for window in sorted(windows, key=lambda each: -len(each.ids)):
        if batch and (len(batch) == batch_size or logits + window.counted > LOGITS_AT_ONCE):
            yield batch
            batch, logits = [], 0
        batch.append(window)
        logits += window.counted
    if batch:
        yield batch


def _pad(windows: Sequence[_Window]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, attention mask and which ids count, (windows, length) each, padded on the right."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    rows = [torch.tensor(window.ids) for window in windows]
    counted = [torch.arange(len(window.ids)) >= window.first for window in windows]
    padded = [rows, [torch.ones_like(row) for row in rows], counted]
    ids, mask, which = (pad_sequence(tensors, batch_first=True) for tensors in padded)
    return ids, mask, which
