"""The engine that runs a Hugging Face model in this process, on a GPU or on the CPU."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

from maskdpo_xtuner.chat_templates import encode_chat, load_tokenizer, template_digest
from maskdpo_xtuner.engines.base import Completion, Failure, Request, Sampling, in_thread
from maskdpo_xtuner.engines.model_files import (
    cache_bytes,
    check_model,
    load_causal_lm,
    model_source,
    name_and_revision,
    tokenizer_source,
)
from maskdpo_xtuner.engines.reasoning import opens_thought, split_reasoning, within_thought

# Requests of a call for each that is decoded at once: the more, the less is decoded in small
# batches at the end of a call, and the more is lost by an interruption.
CALL = 2
# Tokens of the longest mark of thoughts with what may stand behind it.
_MARK = 16


class TransformersEngine:
    """Batched sampling with a seed per request; the model is loaded on the first request.

    Prompts are rendered by the tokenizer's chat template. Texts are decoded without special
    tokens and are otherwise as the model wrote them, thoughts apart. ``completion_tokens`` does not
    count the end-of-turn token. Answers are those of `maskdpo_xtuner.engines.groups`: equal for
    equal calls; another composition of a call may move a logit by a rounding error. That is why a
    call has a fixed number of requests, more than are decoded at once: a row that ends is replaced
    by the next one of its call, never by one of another.

    Attributes:
        batch_size: requests of a call, `CALL` times those that are decoded at once.
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
        batch_size: int = 256,
        memory_gib: float = 4.0,
        trust_remote_code: bool = False,
        revision: str | None = None,
        template_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        """Find out the identity; tokenizer and weights are loaded with the first request.

        Args:
            model: a folder, of a LoRA adapter too, or a name on the hub.
            dtype: name of the torch dtype that the weights are loaded in.
            device: a torch device, or ``auto`` for CUDA where there is one, else the CPU.
            batch_size: most requests that are decoded at once.
            memory_gib: most memory for their keys and values; longer prompts and answers make
                fewer rows. Not what is free at the moment: on another machine answers would differ.
            trust_remote_code: whether Python files of the model may be executed.
            revision: branch, tag or commit on the hub.
            template_kwargs: variables of the chat template, such as ``enable_thinking``.

        Raises:
            ValueError: when there is no such model, or it has no chat template.
        """
        # Spinning threads of a parallel region starve each other where cores are shared; read
        # when torch loads its OpenMP library.
        os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
        self.batch_size = CALL * batch_size
        self._most_rows, self._memory = batch_size, int(memory_gib * 2**30)
        self._asked = 0
        self._ended: list[int] = []
        self._dtype, self._device = dtype, device
        self.template_kwargs = template_kwargs
        check_model(model, adapters=True)
        name, commit = name_and_revision(model, revision, trust_remote_code)
        self._source = model_source(model, commit, trust_remote_code)
        self.identity: Mapping[str, str] = {
            'engine': 'transformers',
            'model': name,
            'revision': commit,
            'dtype': dtype,
            'chat_template': template_digest(model, lambda: self._tokenizer, template_kwargs),
        }

    @cached_property
    def _tokenizer(self) -> Any:
        return load_tokenizer(tokenizer_source(self._source))

    @cached_property
    def _model(self) -> Any:
        from maskdpo_xtuner.engines.grouped_attention import enable_grouped_attention

        model = load_causal_lm(self._source, self._dtype, self._device)
        enable_grouped_attention(model)
        return model

    @cached_property
    def _end_ids(self) -> frozenset[int]:
        end = self._model.generation_config.eos_token_id
        if end is None:
            raise ValueError(
                f'{self.identity["model"]}: generation_config.json names no eos_token_id; add it, '
                'or answers would never end'
            )
        return frozenset([end] if isinstance(end, int) else end)

    def in_call(self) -> tuple[int, int]:
        """Tell how many requests of the present call have been answered, and how many it has."""
        # A copy: the threads that decode append to it meanwhile.
        return sum(self._ended[:]), self._asked

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        """Answer ``requests`` in one batch for each kind of sampling among them.

        Decoding runs in a thread and stops soon after this call is cancelled.
        """
        return await in_thread(self._complete, requests)

    def _complete(
        self, requests: Sequence[Request], stop: threading.Event
    ) -> list[Completion | Failure]:
        self._asked = len(requests)
        self._ended = []
        prompts = [self._render(request) for request in requests]
        outcomes: dict[int, Completion | Failure] = {}
        batches: dict[Sampling, list[int]] = {}
        for place, (request, prompt) in enumerate(zip(requests, prompts, strict=True)):
            if too_long := self._too_long(prompt, request.sampling):
                outcomes[place] = too_long
            else:
                batches.setdefault(request.sampling, []).append(place)
        self._ended.append(len(outcomes))
        for sampling, places in batches.items():
            chosen = [prompts[place] for place in places]
            seeds = [requests[place].seed for place in places]
            answers = self._decode(chosen, seeds, sampling, stop)
            outcomes.update(zip(places, answers, strict=True))
        return [outcomes[place] for place in range(len(requests))]

    def _render(self, request: Request) -> tuple[int, ...]:
        messages = [message.model_dump() for message in request.messages]
        return tuple(encode_chat(self._tokenizer, messages, self.template_kwargs))

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
        from maskdpo_xtuner.engines.decoding import Rows
        from maskdpo_xtuner.engines.groups import decode_in_groups

        distinct = {prompt: index for index, prompt in enumerate(dict.fromkeys(prompts))}
        rows = Rows(list(distinct), [distinct[prompt] for prompt in prompts], seeds)
        at_once = self._rows_at_once(max(map(len, distinct)), sampling)
        written = decode_in_groups(
            self._model,
            rows,
            sampling,
            self._end_ids,
            stop,
            at_once=at_once,
            on_end=self._ended.append,
        )
        return [self._completion(p, new) for p, new in zip(prompts, written, strict=True)]

    def _rows_at_once(self, longest_prompt: int, sampling: Sampling) -> int:
        """As many rows as the memory for keys and values allows, one at least."""
        from maskdpo_xtuner.engines.decoding import columns_needed

        columns = columns_needed(longest_prompt, sampling, refilled=True)
        rows = self._memory // (columns * cache_bytes(self._model.config, self._model.dtype))
        return max(1, min(self._most_rows, rows))

    def _completion(self, prompt: Sequence[int], new: list[int]) -> Completion:
        stopped = new[-1] in self._end_ids
        ids = new[:-1] if stopped else new
        text = self._decoded(ids, skip_special_tokens=True)
        reasoning, answer = split_reasoning(text)
        reason: Literal['stop', 'length'] = 'stop' if stopped else 'length'
        completion = Completion(answer, reason, len(prompt), len(ids), reasoning)
        if opens_thought(self._decoded(prompt[-_MARK:])):
            return within_thought(completion)
        return completion

    def _decoded(self, ids: Sequence[int], *, skip_special_tokens: bool = False) -> str:
        text: str = self._tokenizer.decode(
            ids, skip_special_tokens=skip_special_tokens, clean_up_tokenization_spaces=False
        )
        return text
