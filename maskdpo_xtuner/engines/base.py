"""What every engine is: requests in, completions out, nothing remembered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.records import FinishReason, Message

# Of the paper (appendix A).
TEMPERATURE, TOP_K, TOP_P = 0.8, 40, 1.0


@dataclass(frozen=True)
class Sampling:
    """Decoding parameters. ``temperature`` 0 is greedy; ``top_k`` 0 and ``top_p`` 1 are off."""

    max_new_tokens: int
    temperature: float = TEMPERATURE
    top_k: int = TOP_K
    top_p: float = TOP_P

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1 or self.temperature < 0 or self.top_k < 0:
            raise ValueError(f'not sampling parameters: {self}')
        if not 0 < self.top_p <= 1:
            raise ValueError(f'top_p must lie in (0, 1], not {self.top_p}')


@dataclass(frozen=True)
class Request:
    """One completion to ask for: the conversation so far, how to decode, and the seed.

    ``seed`` is within 1 .. 2**31 - 1: LMDeploy's server takes 0 for "no seed".
    """

    messages: tuple[Message, ...]
    sampling: Sampling
    seed: int


@dataclass(frozen=True)
class Completion:
    """What the model wrote. ``finish_reason`` is ``length`` when cut at ``max_new_tokens``."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Failure:
    """A request that gave no completion; ``transient`` ones are worth another try."""

    reason: str
    transient: bool = False


class Engine(Protocol):
    """A model that completes conversations.

    Attributes:
        identity: what determines the answers beside the request (model, revision, dtype, chat
            template, ...), the name of the model under ``model``. It is part of the key under
            which completions are stored; without it none is found again.
        batch_size: how many requests one call takes. 1 for servers, which batch by themselves.
            For an engine that batches here, the caller fixes batches by the input, never by
            what happens to be missing, so that a resumed run repeats them.
        concurrency: how many calls may be in flight at once.
    """

    identity: Mapping[str, str]
    batch_size: int
    concurrency: int

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        """Answer ``requests`` in order; one outcome each. What went wrong is a `Failure`."""
        ...


async def in_thread(
    work: Callable[[Sequence[Request], threading.Event], list[Completion | Failure]],
    requests: Sequence[Request],
) -> list[Completion | Failure]:
    """Answer requests in a thread, for an engine that computes here.

    Args:
        work: answers them; it looks at the event from time to time and ends when it is set, which
            it is when this is cancelled.
        requests: what to answer.
    """
    stop = threading.Event()
    try:
        return await asyncio.to_thread(work, requests, stop)
    finally:
        stop.set()


def model_of(engine: Engine) -> str:
    """The name of the model that answers, as its identity gives it."""
    return identity_of(engine).get('model', type(engine).__name__)
