"""Requests as the tests of engines make them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal

from maskdpo_xtuner.engines.base import Completion, Engine, Failure, Request, Sampling
from maskdpo_xtuner.records import Message

SHORT = Sampling(max_new_tokens=16)


def request_of(*contents: str, seed: int = 7, sampling: Sampling = SHORT) -> Request:
    """A conversation of these turns, the user's first."""
    roles: tuple[Literal['user'], Literal['assistant']] = ('user', 'assistant')
    turns = (Message(role=roles[n % 2], content=text) for n, text in enumerate(contents))
    return Request(tuple(turns), sampling, seed)


def ask(engine: Engine, *requests: Request) -> list[Completion | Failure]:
    """Ask all at once, one call each, as the scheduler does."""
    return asyncio.run(gather(engine, requests))


async def gather(engine: Engine, requests: Iterable[Request]) -> list[Completion | Failure]:
    """The same, in a loop that runs."""
    answers = await asyncio.gather(*(engine.complete([request]) for request in requests))
    return [outcome for (outcome,) in answers]
