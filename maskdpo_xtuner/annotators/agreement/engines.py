"""The engines of several judges as one."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from maskdpo_xtuner.engines.base import Completion, Engine, Failure, Request, model_of
from maskdpo_xtuner.identity import identity_of

Result = TypeVar('Result')
Outcome = Completion | Failure


@dataclass(frozen=True)
class JudgeRequest(Request):
    """A request of one of the judges; ``own`` is what it asked."""

    judge: int
    own: Request


def of_judge(
    judge: int, asking: Generator[Request, Outcome, Result]
) -> Generator[Request, Outcome, Result]:
    """Have what a dialogue asks answered by the engine of its judge."""
    try:
        own = next(asking)
        while True:
            outcome = yield JudgeRequest(own.messages, own.sampling, own.seed, judge, own)
            own = asking.send(outcome)
    except StopIteration as stop:
        result: Result = stop.value
        return result


class JudgesEngines:
    """Sends a `JudgeRequest` to the engine of its judge.

    What is stored has the key that it has where the judge works alone (`identity_for`), so that
    nothing is asked again that a run of one of them asked. The scheduler asks one engine at a time.

    Args:
        engines: by the number of their judge; a judge that asks nothing has none.
    """

    def __init__(self, engines: Mapping[int, Engine]) -> None:
        self._engines = dict(engines)
        every = list(self._engines.values())
        self.identity: Mapping[str, str] = _joined(self._engines)
        self.batch_size = max(engine.batch_size for engine in every)
        self.concurrency = min(engine.concurrency for engine in every)

    def identity_for(self, request: Request) -> Mapping[str, str]:
        """Give what determines the answer to a request; empty if its engine does not say it."""
        return identity_of(self._engine(request))

    async def complete(self, requests: Sequence[Request]) -> list[Outcome]:
        """Answer requests in order, as many at a time as their engine takes."""
        outcomes: dict[int, Outcome] = {}
        for judge, engine in self._engines.items():
            places = [n for n, each in enumerate(requests) if _judge_of(each) == judge]
            for start in range(0, len(places), engine.batch_size):
                part = places[start : start + engine.batch_size]
                answers = await engine.complete([_own(requests[place]) for place in part])
                outcomes.update(zip(part, answers, strict=True))
        return [outcomes[place] for place in range(len(requests))]

    def _engine(self, request: Request) -> Engine:
        return self._engines[_judge_of(request)]


def _judge_of(request: Request) -> int:
    assert isinstance(request, JudgeRequest), 'of_judge makes all requests'
    return request.judge


def _own(request: Request) -> Request:
    assert isinstance(request, JudgeRequest), 'of_judge makes all requests'
    return request.own


def _joined(engines: Mapping[int, Engine]) -> dict[str, str]:
    """What determines the answers of all; empty if any does not say it."""
    told = {judge: identity_of(engine) for judge, engine in engines.items()}
    if not all(told.values()):
        return {}
    flat = {f'judge{n}.{key}': value for n, each in told.items() for key, value in each.items()}
    return {'model': ', '.join(model_of(engine) for engine in engines.values()), **flat}
