"""What every engine is: requests in, completions out, nothing remembered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

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


class Origin(NamedTuple):
    """Who gave a completion that is stored: the run, and what its server said that it serves."""

    run: str = ''
    served: str = ''


@dataclass(frozen=True)
class Completion:
    """What the model wrote. ``finish_reason`` is ``length`` when cut at ``max_new_tokens``.

    Attributes:
        prompt_tokens: None where nobody counted them; ``completion_tokens`` likewise.
        reasoning: what the model thought before, where the server gives it or it stands at the
            start of the text; ``text`` is then what follows.
        note: what a reader of the summary should know of how it came about; not stored.
        origin: of one that was found in a store; None where it is not known.
    """

    text: str
    finish_reason: FinishReason
    prompt_tokens: int | None
    completion_tokens: int | None
    reasoning: str | None = None
    note: str | None = field(default=None, compare=False)
    origin: Origin | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Failure:
    """A request that gave no completion.

    A ``transient`` one is worth another try. Any other is final: the same request would fail
    again, as one that is longer than the context does, though others are answered.
    """

    reason: str
    transient: bool = False

    @property
    def kind(self) -> str:
        """``failed`` for one that another run asks again, ``no_answer`` for a final one."""
        return 'failed' if self.transient else 'no_answer'


class EngineRefusal(ConnectionError):
    """An engine refuses whatever it is asked until somebody mends something: key, model, credit.

    What it had answered is in the store.
    """


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

    An engine may have a method ``async served() -> str`` that says what a server has loaded, beyond
    its name; it is kept beside the answers and compared, and is not part of their key. One that
    stands for several has ``identity_for(request)``, the identity of the one that answers. One
    whose chat template has variables gives them as ``template_kwargs``: training needs the same.
    One that takes long for a call has ``in_call() -> (ended, asked)``, which another thread may
    call: how many of the requests of the present call have been answered, and how many it has.
    """

    identity: Mapping[str, str]
    batch_size: int
    concurrency: int

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        """Answer ``requests`` in order; one outcome each. What went wrong is a `Failure`.

        Raises:
            EngineRefusal: when no request will be answered, so that none need be tried again.
        """
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


async def served_by(engine: Engine) -> str:
    """Give what the server of an engine says that it serves; empty where none says anything."""
    ask = getattr(engine, 'served', None)
    return str(await ask()) if ask else ''


def model_of(engine: Engine) -> str:
    """Give the name of the model that answers, as its identity gives it."""
    return identity_of(engine).get('model', type(engine).__name__)
