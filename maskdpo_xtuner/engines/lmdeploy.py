"""Engine ``lmdeploy``: LMDeploy's TurboMind or PyTorch engine in this process, on its GPU.

Written for LMDeploy v0.9 to v0.18. Tried, without a GPU, over a stand-in for TurboMind: 0.9.2,
0.10.2, 0.11.1, 0.12.0, 0.13.0, 0.14.0, 0.15.0, 0.16.0 and 0.18.0.
"""

from __future__ import annotations

import asyncio
import dataclasses
import difflib
import importlib.util
import inspect
import itertools
import json
import weakref
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

from maskdpo_xtuner.chat_templates import ChatTemplate
from maskdpo_xtuner.engines.answers import judge_text, shorten
from maskdpo_xtuner.engines.base import Completion, Failure, Request, Sampling
from maskdpo_xtuner.engines.model_files import check_model, name_and_revision
from maskdpo_xtuner.engines.reasoning import opens_thought, within_thought

INSTEAD = (
    'use type="transformers" on this machine, or type="openai" with the base_urls of LMDeploy '
    'servers that run elsewhere'
)
# Options of LMDeploy's engines that change what a model answers; others only how fast it does.
DECISIVE = ('adapters', 'dtype', 'hf_overrides', 'model_format', 'quant_policy', 'session_len')
DEFAULTS = {'max_batch_size': 128, 'enable_prefix_caching': True}


class LMDeployEngine:
    """Completes conversations in this process; the model is loaded on the first request.

    Prompts are rendered by the tokenizer's own chat template and go in as ids. Every request has
    its own seed and is submitted by itself, so that answers come as they are ready: LMDeploy's
    batches of prompts return together, and those of one prompt (``n``) are cut to one. The model
    leaves the GPU when this object is dropped.

    Args:
        model: a folder, or a name on the hub.
        backend: LMDeploy's engine. It would replace TurboMind by PyTorch in silence where it has
            to; here that is an error.
        revision: branch, tag or commit on the hub.
        trust_remote_code: whether Python files of the model may be executed. LMDeploy before
            v0.13 executes them in any case.
        timeout: seconds for one answer.
        template_kwargs: variables of the chat template, such as ``enable_thinking``.
        options: further fields of LMDeploy's ``TurbomindEngineConfig`` or ``PytorchEngineConfig``,
            such as ``tp``, ``session_len`` or ``cache_max_entry_count``. ``max_batch_size`` is
            128 unless they say otherwise, and ``enable_prefix_caching`` is on: the samples of a
            question share their prompt, and a turn of a dialogue begins with all before it.

    Raises:
        ValueError: when LMDeploy or a GPU is missing, there is no such model, or it has no chat
            template.
    """

    batch_size = 1

    def __init__(
        self,
        model: str,
        *,
        backend: Literal['turbomind', 'pytorch'] = 'turbomind',
        revision: str | None = None,
        trust_remote_code: bool = False,
        timeout: float = 600.0,
        template_kwargs: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        # First of all: who has no GPU need not wait for the hub to hear so.
        _check_machine((options or {}).get('device_type', 'cuda'))
        check_model(model)
        name, commit = name_and_revision(model, revision, trust_remote_code)
        self._model, self._backend, self._timeout = model, backend, timeout
        self._trust_remote_code = trust_remote_code
        self._options = {**DEFAULTS, 'revision': revision, **(options or {})}
        self.template_kwargs = template_kwargs
        self._template = ChatTemplate(model, revision, trust_remote_code, template_kwargs)
        self._sessions = itertools.count(1)
        # A few more than it works on: the next one is there when one ends.
        self.concurrency = self._options['max_batch_size'] * 5 // 4
        self.identity: Mapping[str, str] = {
            'engine': 'lmdeploy',
            'model': name,
            'revision': commit,
            'backend': backend,
            'options': json.dumps(decisive(self._options), sort_keys=True, default=str),
            'chat_template': self._template.digest,
        }

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        """Answer ``requests`` in order, each by itself.

        Raises:
            ValueError: when an option is wrong, or the model cannot be run as it says.
        """
        return list(await asyncio.gather(*(self._complete(request) for request in requests)))

    async def _complete(self, request: Request) -> Completion | Failure:
        ids = self._template.encode(request.messages)
        context = getattr(self._pipeline, 'async_engine', self._pipeline).session_len
        if len(ids) >= context:
            return Failure(f'a prompt of {len(ids)} tokens does not fit the context of {context}')
        generation = _generation(
            getattr(self._pipeline, 'async_engine', self._pipeline),
            messages=None,
            session_id=next(self._sessions),
            gen_config=generation_config(request.sampling, request.seed),
            input_ids=ids,
        )
        # LMDeploy's engines belong to the event loop of its own thread.
        loop = self._pipeline.internal_thread.loop
        future = asyncio.run_coroutine_threadsafe(_answer(generation, self._timeout), loop)
        outcome = await asyncio.wrap_future(future)
        if isinstance(outcome, Completion) and opens_thought(
            self._template.render(request.messages)
        ):
            return within_thought(outcome)
        return outcome

    @cached_property
    def _pipeline(self) -> Any:
        """LMDeploy's pipeline; up to v0.11 it is the async engine itself."""
        import lmdeploy

        configs = {
            'turbomind': lmdeploy.TurbomindEngineConfig,
            'pytorch': lmdeploy.PytorchEngineConfig,
        }
        config = _engine_config(configs[self._backend], self._options)
        trust = {}
        if 'trust_remote_code' in inspect.signature(lmdeploy.pipeline).parameters:
            trust = {'trust_remote_code': self._trust_remote_code}
        pipeline = lmdeploy.pipeline(self._model, backend_config=config, **trust)
        weakref.finalize(self, pipeline.close)
        used = getattr(pipeline, 'async_engine', pipeline).backend
        if used != self._backend:
            raise ValueError(
                f'LMDeploy cannot run {self._model} with backend="{self._backend}" here and took '
                f'"{used}"; set backend="{used}" to accept that'
            )
        return pipeline


def decisive(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the engine's options that change what a model answers."""
    return {key: value for key, value in options.items() if key in DECISIVE}


def generation_config(sampling: Sampling, seed: int) -> Any:
    """LMDeploy's form of it. Sampling is off by default there: 32 samples would be 32 copies."""
    from lmdeploy import GenerationConfig

    return GenerationConfig(
        max_new_tokens=sampling.max_new_tokens,
        do_sample=sampling.temperature > 0,
        temperature=sampling.temperature,
        top_k=sampling.top_k,
        top_p=sampling.top_p,
        min_p=0.0,
        repetition_penalty=1.0,
        random_seed=seed,
    )


async def _generation(engine: Any, **request: Any) -> AsyncIterator[Any]:
    """Give the pieces of an answer; since v0.18 a request is prepared by a call of its own."""
    if hasattr(engine, 'preprocess'):
        pieces = engine.generate(await engine.preprocess(**request), stream_response=False)
    else:
        pieces = engine.generate(**request, stream_response=False)
    async for piece in pieces:
        yield piece


async def _answer(generation: Any, timeout: float) -> Completion | Failure:
    """Wait for an answer, but not for ever; runs in LMDeploy's event loop."""
    task = asyncio.ensure_future(_collect(generation))
    try:
        done, _ = await asyncio.wait({task}, timeout=timeout)
        if not done:
            return Failure(f'no answer within {timeout:g} s', transient=True)
        error = task.exception()
        return task.result() if error is None else _failure(error)
    finally:
        # Not awaited: an engine that is dead does not end its requests either.
        task.cancel()


async def _collect(generation: Any) -> Completion | Failure:
    """Put the pieces of an answer together and judge the whole."""
    text, last = '', None
    async for last in generation:
        text += last.response
    if last is None:
        return Failure('the engine ended without an answer', transient=True)
    return judge_text(text, last.finish_reason, last.input_token_len, last.generate_token_len)


def _failure(error: BaseException) -> Failure:
    """What LMDeploy raised; from v0.16 on it tells bad requests by their HTTP status."""
    bad_request = 400 <= getattr(error, 'status_code', 500) < 500
    return Failure(shorten(f'{type(error).__name__}: {error}'), transient=not bad_request)


def _engine_config(config: type, options: Mapping[str, Any]) -> Any:
    """Build LMDeploy's config of an engine; TurboMind's would ignore an unknown option."""
    known = [field.name for field in dataclasses.fields(config)]
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else ''
            raise ValueError(f'options: {config.__name__} has no field {name!r}{hint}')
    return config(**options)


def _check_machine(device_type: str) -> None:
    """LMDeploy knows CUDA and some other accelerators, but no CPU."""
    if importlib.util.find_spec('lmdeploy') is None:
        raise ValueError(
            'type="lmdeploy" needs the package lmdeploy: run '
            f'`pip install "maskdpo_xtuner[lmdeploy]"`, or {INSTEAD}'
        )
    import torch

    if device_type == 'cuda' and not torch.cuda.is_available():
        raise ValueError(
            'type="lmdeploy" needs an NVIDIA GPU and torch sees none; set options device_type for '
            f'another accelerator, or {INSTEAD}'
        )
