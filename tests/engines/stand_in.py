"""LMDeploy's real code over an engine that needs no GPU: it writes the answer that a test wants.

What the conversation says decides what happens: ``[slow 2]`` sleeps two seconds, ``[raise]``,
``[error]``, ``[too long]``, ``[break off]``, ``[empty]`` and ``[long]`` do as they are called.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch


class StandIn:
    """What LMDeploy's async engine wants of TurboMind, which it cannot load without a GPU."""

    def __init__(self, model_path: str, engine_config: Any) -> None:
        from transformers import AutoConfig, AutoTokenizer

        self.engine_config = engine_config
        # Up to v0.10 the context length is read here.
        self.config = AutoConfig.from_pretrained(model_path)
        self.model_config = SimpleNamespace(hf_config=self.config)
        self.tokenizer = AutoTokenizer.from_pretrained(model_path)
        self.seen: list[dict[str, Any]] = []
        self.running = self.most_running = self.cancelled = 0
        self.closed = False

    def create_instance(self) -> Handle:
        return Handle(self)

    def close(self) -> None:
        self.closed = True

    def get_schedule_metrics(self) -> SimpleNamespace:
        return SimpleNamespace(active_seqs=0, waiting_seqs=0, total_blocks=1, free_blocks=1)


class Handle:
    """One place in the batch."""

    def __init__(self, engine: StandIn) -> None:
        self.engine = engine

    async def async_cancel(self, session_id: int) -> None:
        self.engine.cancelled += 1

    async def async_end(self, session_id: int) -> None:
        pass

    async def async_stream_infer(
        self, session_id: int, input_ids: list[int], gen_config: Any, **_: Any
    ) -> AsyncIterator[Any]:
        prompt = self.engine.tokenizer.decode(input_ids)
        fields = ('top_k', 'top_p', 'min_p', 'temperature', 'repetition_penalty', 'random_seed')
        told = {name: getattr(gen_config, name) for name in (*fields, 'max_new_tokens')}
        self.engine.seen.append({'prompt': prompt, 'input_ids': list(input_ids), **told})
        self.engine.running += 1
        self.engine.most_running = max(self.engine.most_running, self.engine.running)
        try:
            async for output in self._outputs(prompt, gen_config):
                yield output
        finally:
            self.engine.running -= 1

    async def _outputs(self, prompt: str, gen_config: Any) -> AsyncIterator[Any]:
        from lmdeploy.messages import ResponseType

        if slow := re.search(r'\[slow ([0-9.]+)\]', prompt):
            await asyncio.sleep(float(slow[1]))
        if '[raise]' in prompt:
            raise RuntimeError('the engine is out of order')
        if '[error]' in prompt:
            yield engine_output(ResponseType.INTERNAL_ENGINE_ERROR, [])
            return
        if '[too long]' in prompt:
            yield engine_output(ResponseType.INPUT_LENGTH_ERROR, [])
            return
        tokens = self.engine.tokenizer.encode(
            f'answer to seed {gen_config.random_seed}', add_special_tokens=False
        )
        if '[break off]' in prompt:
            yield engine_output(ResponseType.SUCCESS, tokens)
            raise RuntimeError('the engine broke off')
        if '[long]' in prompt:
            whole = (tokens * gen_config.max_new_tokens)[: gen_config.max_new_tokens]
            yield engine_output(ResponseType.FINISH, whole)
            return
        end = gen_config.stop_token_ids[0]
        yield engine_output(ResponseType.FINISH, [end] if '[empty]' in prompt else [*tokens, end])


def engine_output(status: Any, tokens: list[int]) -> Any:
    """An output of the engine; LMDeploy up to v0.10 counts the tokens beside them."""
    import dataclasses

    from lmdeploy.messages import EngineOutput

    counted = 'num_token' in {field.name for field in dataclasses.fields(EngineOutput)}
    return EngineOutput(status, tokens, **({'num_token': len(tokens)} if counted else {}))


@contextmanager
def stand_in_turbomind() -> Iterator[list[StandIn]]:
    """Put stand-ins in TurboMind's place; gives the list of those built."""
    from lmdeploy import archs

    built: list[StandIn] = []

    def build(self: Any, model_path: str, backend_config: Any = None, **_: Any) -> StandIn:
        backend_config.max_batch_size = backend_config.max_batch_size or 64
        built.append(StandIn(model_path, backend_config))
        # LMDeploy v0.9 expects the builder to set these itself.
        self.engine, self.backend_config = built[-1], backend_config
        self.hf_tm_cfg = built[-1].config
        return built[-1]

    with (
        patch.object(async_engine_class(), '_build_turbomind', build),
        patch.object(archs, 'autoget_backend', lambda *_, **__: 'turbomind'),
    ):
        yield built


def async_engine_class() -> type:
    """LMDeploy's, which moved in v0.12."""
    try:
        from lmdeploy.serve.core import AsyncEngine
    except ImportError:
        from lmdeploy.serve.async_engine import AsyncEngine
    found: type = AsyncEngine
    return found
