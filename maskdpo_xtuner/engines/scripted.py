"""An engine that answers from a script: for tests and dry runs, without a model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from maskdpo_xtuner.engines.base import Completion, Failure, Request

Script = Callable[[Request], 'str | Completion | Failure']


class ScriptedEngine:
    """Answers each request by calling ``script``; a text stands for a completion of its words.

    Attributes:
        calls: what was asked, one list a call, for tests to look at.
    """

    def __init__(
        self,
        script: Script,
        *,
        batch_size: int = 1,
        concurrency: int = 1,
        latency_s: float = 0.0,
        identity: Mapping[str, str] | None = None,
    ) -> None:
        self.identity = identity or {'engine': 'scripted', 'model': 'script'}
        self.batch_size = batch_size
        self.concurrency = concurrency
        self.calls: list[list[Request]] = []
        self._script = script
        self._latency_s = latency_s

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        """Answer after ``latency_s`` seconds."""
        self.calls.append(list(requests))
        await asyncio.sleep(self._latency_s)
        return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Completion | Failure:
        answer = self._script(request)
        if not isinstance(answer, str):
            return answer
        prompt_tokens = sum(len(message.content.split()) for message in request.messages)
        return Completion(answer, 'stop', prompt_tokens, len(answer.split()))
