"""Two engines as one: the first finds facts, the second verifies them."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from maskdpo_xtuner.engines.base import Completion, Engine, Failure, Request, model_of
from maskdpo_xtuner.identity import identity_of

Result = TypeVar('Result')
Outcome = Completion | Failure


@dataclass(frozen=True)
class VerdictRequest(Request):
    """A request for the engine that verifies; to any other engine it is a request like others."""


def to_verifier(
    asking: Generator[Request, Outcome, Result],
) -> Generator[Request, Outcome, Result]:
    """Have what a dialogue asks answered by the engine that verifies."""
    try:
        request = next(asking)
        while True:
            outcome = yield VerdictRequest(**vars(request))
            request = asking.send(outcome)
    except StopIteration as stop:
        result: Result = stop.value
        return result


class TwoEngines:
    """Sends a `VerdictRequest` to the second engine and others to the first.

    A call takes as many requests as either engine may; one that takes fewer gets them in several
    calls. As many calls are in flight as both engines may have.
    """

    def __init__(self, first: Engine, verifier: Engine) -> None:
        self._first, self._verifier = first, verifier
        self.identity = _joined(first, verifier)
        self.batch_size = max(first.batch_size, verifier.batch_size)
        self.concurrency = min(first.concurrency, verifier.concurrency)

    async def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        """Answer requests in order, those to different engines side by side."""
        places: dict[bool, list[int]] = {False: [], True: []}
        for place, request in enumerate(requests):
            places[isinstance(request, VerdictRequest)].append(place)
        answers = await asyncio.gather(
            _complete(self._first, [requests[place] for place in places[False]]),
            _complete(self._verifier, [requests[place] for place in places[True]]),
        )
        by_place = dict(zip(places[False] + places[True], answers[0] + answers[1], strict=True))
        return [by_place[place] for place in range(len(requests))]


async def _complete(engine: Engine, requests: Sequence[Request]) -> list[Outcome]:
    size = engine.batch_size
    parts = [requests[start : start + size] for start in range(0, len(requests), size)]
    answers = await asyncio.gather(*map(engine.complete, parts))
    return [answer for part in answers for answer in part]


def _joined(first: Engine, verifier: Engine) -> Mapping[str, str]:
    """What determines the answers of both; empty if either does not say it."""
    mine, theirs = identity_of(first), identity_of(verifier)
    if not mine or not theirs:
        return {}
    return {
        'model': f'{model_of(first)}, verified by {model_of(verifier)}',
        **{f'facts.{key}': value for key, value in mine.items()},
        **{f'verifier.{key}': value for key, value in theirs.items()},
    }
