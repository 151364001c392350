"""The engine that runs a Hugging Face model in this process, on a GPU or on the CPU."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from maskdpo_xtuner.engines.base import Completion, Failure, Request, Sampling
from maskdpo_xtuner.engines.model_files import (
    check_model,
    load_causal_lm,
    model_source,
    name_and_revision,
)


class TransformersEngine:
    """Batched sampling with a seed per request; the model is loaded on the first request.

    Prompts are rendered by the tokenizer's chat template. Texts are decoded without special
    tokens and are otherwise as the model wrote them. ``completion_tokens`` does not count the
    end-of-turn token. Answers are those of `maskdpo_xtuner.engines.decoding`: equal for equal
    batches; another composition of a batch may move a logit by a rounding error.

    Attributes:
        identity: name, revision, dtype and hash of the chat template. The revision of a local
            folder is the hash of the whole content of its model files (about a second a
            gigabyte): a cheaper digest would take a fine-tuned model for its base.
    """

    concurrency = 1

    def __init__(
        self,
        model: str,
        *,
        dtype: str = 'float32',
        device: str = 'auto',
        batch_size: int = 32,
        trust_remote_code: bool = False,
        revision: str | None = None,
    ) -> None:
        """Read the tokenizer and find out the identity; the weights are not loaded yet.

        Args:
            model: a folder, or a name on the hub.
            dtype: name of the torch dtype that the weights are loaded in.
            device: a torch device, or ``auto`` for CUDA where there is one, else the CPU.
            batch_size: how many requests are decoded together.
            trust_remote_code: whether Python files of the model may be executed.
            revision: branch, tag or commit on the hub.

        Raises:
            ValueError: when there is no such model, or it has no chat template.
        """
        # Spinning threads of a parallel region starve each other where cores are shared; read
        # when torch loads its OpenMP library.
        os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
        self.batch_size = batch_size
        self._dtype, self._device = dtype, device
        check_model(model)
        name, commit = name_and_revision(model, revision, trust_remote_code)
        self._source = model_source(model, commit, trust_remote_code)
        self.identity: Mapping[str, str] = {
            'engine': 'transformers',
            'model': name,
            'revision': commit,
            'dtype': dtype,
            'chat_template': hashlib.sha256(self._chat_template().encode()).hexdigest(),
        }

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(**self._source)

    @cached_property
    def _model(self) -> Any:
        return load_causal_lm(self._source, self._dtype, self._device)

    @cached_property
    def _end_ids(self) -> frozenset[int]:
        end = self._model.generation_config.eos_token_id
        if end is None:
            raise ValueError(
                f'{self.identity["model"]}: generation_config.json names no eos_token_id; add it, '
                'or answers would never end'
            )
        return frozenset([end] if isinstance(end, int) else end)

    def _chat_template(self) -> str:
        template = self._tokenizer.chat_template
        if not isinstance(template, str):
            raise ValueError(
                f'{self._source["pretrained_model_name_or_path"]}: the tokenizer has no chat '
                'template; set "chat_template" in its tokenizer_config.json'
            )
        return template

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        """Answer ``requests`` in one batch for each kind of sampling among them.

        Decoding runs in a thread and stops soon after this call is cancelled.
        """
        stop = threading.Event()
        try:
            return await asyncio.to_thread(self._complete, requests, stop)
        finally:
            stop.set()

    def _complete(
        self, requests: Sequence[Request], stop: threading.Event
    ) -> list[Completion | Failure]:
        prompts = [self._render(request) for request in requests]
        outcomes: dict[int, Completion | Failure] = {}
        batches: dict[Sampling, list[int]] = {}
        for place, (request, prompt) in enumerate(zip(requests, prompts, strict=True)):
            if too_long := self._too_long(prompt, request.sampling):
                outcomes[place] = too_long
            else:
                batches.setdefault(request.sampling, []).append(place)
        for sampling, places in batches.items():
            chosen = [prompts[place] for place in places]
            seeds = [requests[place].seed for place in places]
            answers = self._decode(chosen, seeds, sampling, stop)
            outcomes.update(zip(places, answers, strict=True))
        return [outcomes[place] for place in range(len(requests))]

    def _render(self, request: Request) -> tuple[int, ...]:
        messages = [message.model_dump() for message in request.messages]
        ids = self._tokenizer.apply_chat_template(messages, add_generation_prompt=True)
        return tuple(ids)

    def _too_long(self, prompt: Sequence[int], sampling: Sampling) -> Failure | None:
        context = self._model.config.max_position_embeddings
        if len(prompt) + sampling.max_new_tokens <= context:
            return None
        return Failure(
            f'a prompt of {len(prompt)} tokens and {sampling.max_new_tokens} new ones do not fit '
            f'the context of {context}'
        )

    def _decode(
        self,
        prompts: Sequence[tuple[int, ...]],
        seeds: Sequence[int],
        sampling: Sampling,
        stop: threading.Event,
    ) -> list[Completion]:
        from maskdpo_xtuner.engines.decoding import Rows, decode

        distinct = {prompt: index for index, prompt in enumerate(dict.fromkeys(prompts))}
        rows = Rows(list(distinct), [distinct[prompt] for prompt in prompts], seeds)
        written = decode(self._model, rows, sampling, self._end_ids, stop)
        return [self._completion(p, new) for p, new in zip(prompts, written, strict=True)]

    def _completion(self, prompt: Sequence[int], new: list[int]) -> Completion:
        stopped = new[-1] in self._end_ids
        ids = new[:-1] if stopped else new
        text = self._tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return Completion(text, 'stop' if stopped else 'length', len(prompt), len(ids))
