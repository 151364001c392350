"""Runs dialogues over an engine, with the store in front of it.

A dialogue is a generator that yields requests, is sent their outcomes and returns a result. One
that asks a single question is a sample; an annotator's continues until its verdict.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeGuard, TypeVar
from uuid import uuid4

from maskdpo_xtuner.completions.accounting import Accounting, Source
from maskdpo_xtuner.completions.breaker import CircuitBreaker
from maskdpo_xtuner.completions.group_commit import GroupCommit
from maskdpo_xtuner.completions.loops import run_loop
from maskdpo_xtuner.completions.slots import Slot, Slots
from maskdpo_xtuner.completions.store import CompletionStore, request_key
from maskdpo_xtuner.completions.window import Window
from maskdpo_xtuner.engines.base import Completion, Engine, Failure, Origin, Request, served_by
from maskdpo_xtuner.identity import identity_of

Result = TypeVar('Result')
Outcome = Completion | Failure

# Dialogues, or batches of them, that run for each call that the engine takes at once: the next
# ones are there when some end.
RUNNING = 2
# The same together with those that have ended and wait for an earlier one.
HELD = 32
LEAST_PATIENCE = 20


@dataclass(frozen=True)
class Retry:
    """How transient failures are repeated: the n-th time after ``delay * 2**n`` seconds."""

    times: int = 4
    delay: float = 1.0


class _Answer(NamedTuple):
    """The outcome of one request."""

    outcome: Outcome
    source: Source


class Scheduler(Generic[Result]):
    """Keeps an engine busy with dialogues and gives their results in the order of the input.

    Equal requests are asked once, transient failures again, and every answer is in the store
    before its dialogue continues. A dialogue continues before a later one begins, so that its first
    turns are still in the engine's prefix cache.

    Consecutive groups of dialogues form one batch as long as they fit the engine's ``batch_size``;
    a group that is larger is cut. The dialogues of a batch advance together, and a batch of which
    the store lacks anything is asked whole: what an answer is does not depend on what was finished
    before an interruption. With a ``batch_size`` of 1 every dialogue runs by itself.

    Args:
        engine: that answers.
        store: what it has answered already, and will have.
        retry: how transient failures are repeated.
        patience: how many requests may fail in all their attempts, with nothing else answered in
            between, before the engine counts as down. None for twice what it works on at once, and
            `LEAST_PATIENCE` at least.

    Attributes:
        accounting: what became of every request, up to date at any time.
        concurrency: calls that the engine takes at once; ``batch_size``: requests of each.
    """

    def __init__(
        self,
        engine: Engine,
        store: CompletionStore,
        retry: Retry | None = None,
        *,
        patience: int | None = None,
    ) -> None:
        self.accounting = Accounting(origin=Origin(store.run))
        self.concurrency, self.batch_size = engine.concurrency, engine.batch_size
        self._engine = engine
        # Of an engine that does not say what determines its answers, none is found again.
        self._identity = identity_of(engine) or {'run': uuid4().hex}
        self._store = store
        self._written = GroupCommit(store)
        self._retry = retry or Retry()
        at_once = engine.concurrency * engine.batch_size
        limit = max(LEAST_PATIENCE, 2 * at_once) if patience is None else patience
        self._breaker = CircuitBreaker(limit, self.accounting)
        self._in_flight: dict[tuple[bytes, ...], asyncio.Task[dict[bytes, _Answer]]] = {}

    def run(
        self, groups: Iterable[Sequence[Generator[Request, Outcome, Result]]]
    ) -> Iterator[list[Result]]:
        """Run the dialogues of each group; yields their results, one list a group, in order.

        Groups are taken from the input as there is room for them, so both may be endless. An
        interruption (Ctrl-C, or closing this iterator) loses what is in flight, no more.

        Raises:
            EngineDown: when the engine does not answer any more.
        """
        at_once = self._engine.concurrency
        started = (
            (sizes, [self._run_unit(unit) for unit in units])
            for sizes, units in self._units(groups)
        )
        return self.stream(started, running=RUNNING * at_once, held=HELD * at_once)

    def stream(
        self,
        started: Iterable[tuple[Sequence[int], Sequence[Coroutine[Any, Any, list[Any]]]]],
        *,
        running: int,
        held: int,
    ) -> Iterator[Any]:
        """Run tasks and give the results of each group in order; see `Window` for the limits.

        Args:
            started: sizes of some consecutive groups, with the tasks that give their results.
            running: tasks that may run at once.
            held: these, and those whose results wait for earlier ones.
        """
        loop = asyncio.new_event_loop()
        self._slots = Slots(self._engine.concurrency)
        self._serving: asyncio.Future[str] | None = None
        window: Window[Any] = Window(
            loop, running=running, held=held, on_group=self.accounting.rates.count_group
        )
        try:
            for sizes, units in started:
                window.start(sizes, units)
                while window.full:
                    yield from window.collect(until_room=True)
            while window:
                yield from window.collect(until_room=False)
        finally:
            _cancel_all(loop)

    def in_call(self) -> str:
        """Say how much of its present call the engine has answered; empty if it does not say."""
        look = getattr(self._engine, 'in_call', None)
        ended, asked = look() if look else (0, 0)
        return f'{ended} of {asked} answers of this call' if ended < asked else ''

    async def run_side_by_side(
        self, dialogues: Sequence[Generator[Request, Outcome, Result]], place: int
    ) -> list[Result]:
        """Run dialogues within a task of `stream`, before those of a later place."""
        units = _cut(dialogues, self._engine.batch_size)
        results = await asyncio.gather(*(self._run_unit(unit, place) for unit in units))
        return list(chain.from_iterable(results))

    def _units(
        self, groups: Iterable[Sequence[Generator[Request, Outcome, Result]]]
    ) -> Iterator[tuple[list[int], list[list[Generator[Request, Outcome, Result]]]]]:
        """Yield the sizes of some consecutive groups with the batches of their dialogues."""
        most = self._engine.batch_size
        sizes: list[int] = []
        dialogues: list[Generator[Request, Outcome, Result]] = []
        for group in groups:
            if sizes and len(dialogues) + len(group) > most:
                yield sizes, _cut(dialogues, most)
                sizes, dialogues = [], []
            sizes.append(len(group))
            dialogues.extend(group)
        if sizes:
            yield sizes, _cut(dialogues, most)

    async def _run_unit(
        self, dialogues: Sequence[Generator[Request, Outcome, Result]], place: int = 0
    ) -> list[Result]:
        with self._slots.for_dialogue(place) as slot:
            return await self._advance(slot, dialogues)

    async def _advance(
        self, slot: Slot, dialogues: Sequence[Generator[Request, Outcome, Result]]
    ) -> list[Result]:
        """Advance dialogues together, one request of each at a time, until all have returned."""
        results: dict[int, Result] = {}
        requests: dict[int, Request] = {}
        outcomes: dict[int, Outcome | None] = dict.fromkeys(range(len(dialogues)))
        while outcomes:
            requests.clear()
            for index, outcome in outcomes.items():
                try:
                    # Sending None starts a generator.
                    requests[index] = dialogues[index].send(outcome)  # type: ignore[arg-type]
                except StopIteration as stop:
                    results[index] = stop.value
            answers = await self._ask(slot, list(requests.values())) if requests else []
            outcomes = dict(zip(requests, answers, strict=True))
        return [results[index] for index in range(len(dialogues))]

    async def _ask(self, slot: Slot, requests: Sequence[Request]) -> list[Outcome]:
        """Answer each request from the store, or ask the engine for the lot of them."""
        keys = [request_key(self._identity_for(request), request) for request in requests]
        self.accounting.expected += len(keys)
        stored = self._get(keys)
        answers = {key: _Answer(completion, Source.STORE) for key, completion in stored.items()}
        for unique in self._by_engine(dict(zip(keys, requests, strict=True))):
            if not unique.keys() <= stored.keys():
                answers = {**await self._ask_once(slot, unique), **answers}
        for key in keys:
            self.accounting.count(answers[key].outcome, answers[key].source)
            if answers[key].source is Source.ENGINE:  # For others like it in this batch.
                answers[key] = answers[key]._replace(source=Source.EQUAL_REQUEST)
        return [answers[key].outcome for key in keys]

    def _identity_for(self, request: Request) -> Mapping[str, str]:
        """Give what determines the answer, by the engine behind this one that gives it."""
        of = getattr(self._engine, 'identity_for', None)
        return (of(request) if of else None) or self._identity

    def _by_engine(self, unique: dict[bytes, Request]) -> Iterable[dict[bytes, Request]]:
        """Divide requests by what determines their answers: each part is asked by itself."""
        if not hasattr(self._engine, 'identity_for'):
            return [unique]
        parts: dict[tuple[tuple[str, str], ...], dict[bytes, Request]] = {}
        for key, request in unique.items():
            identity = tuple(sorted(self._identity_for(request).items()))
            parts.setdefault(identity, {})[key] = request
        return parts.values()

    async def _ask_once(self, slot: Slot, unique: dict[bytes, Request]) -> dict[bytes, _Answer]:
        """Ask the engine, or wait for the answer to an equal question that is on its way."""
        question = tuple(unique)
        if question in self._in_flight:
            slot.leave()
            answers = await self._in_flight[question]
            return {k: a._replace(source=Source.EQUAL_REQUEST) for k, a in answers.items()}
        task = asyncio.ensure_future(self._complete(slot, unique))
        self._in_flight[question] = task
        task.add_done_callback(lambda _: self._in_flight.pop(question))
        return await task

    async def _complete(self, slot: Slot, unique: dict[bytes, Request]) -> dict[bytes, _Answer]:
        """Ask the engine, and again for what failed in a way that may pass."""
        self.accounting.asked += len(unique)
        with self.accounting.rates.working():
            outcomes = await self._call(slot, unique)
            for attempt in range(self._retry.times):
                again = {k: unique[k] for k, outcome in outcomes.items() if _is_transient(outcome)}
                if not again:
                    break
                slot.leave()
                await asyncio.sleep(self._retry.delay * 2**attempt)
                outcomes.update(await self._call(slot, again))
        for outcome in filter(_is_transient, outcomes.values()):
            self._breaker.failed(outcome.reason)
        return {k: _Answer(o, Source.ENGINE) for k, o in outcomes.items()}

    async def _call(self, slot: Slot, unique: dict[bytes, Request]) -> dict[bytes, Outcome]:
        """Call the engine once; what it answers is stored."""
        await slot.take()
        await self._note_origin()
        answers = await self._engine.complete(list(unique.values()))
        outcomes = dict(zip(unique, answers, strict=True))
        if not all(map(_is_transient, answers)):
            self._breaker.answered()
        await self._written.put({k: o for k, o in outcomes.items() if isinstance(o, Completion)})
        # What is stored stays, also what another batch has stored by now: files are made of it.
        return {**outcomes, **self._store.get(list(unique))}

    async def _note_origin(self) -> None:
        """Learn once what the server has loaded, before the first answer of it is stored."""
        if self._serving is None:
            self._serving = asyncio.ensure_future(served_by(self._engine))
        self._written.served = await asyncio.shield(self._serving)
        self.accounting.origin = Origin(self._store.run, self._written.served)

    def _get(self, keys: Sequence[bytes]) -> dict[bytes, Completion]:
        """Give what the store has; rows that are found to be damaged are counted."""
        before = len(self._store.damaged)
        stored = self._store.get(keys)
        self.accounting.damaged += len(self._store.damaged) - before
        return stored


def _is_transient(outcome: Outcome) -> TypeGuard[Failure]:
    return isinstance(outcome, Failure) and outcome.transient


def _cut(items: Sequence[Any], size: int) -> list[list[Any]]:
    """Cut the items into lists of ``size``; the last one may be shorter."""
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what runs and close the loop; exceptions of the tasks that are left are dropped."""

    async def gather(tasks: Iterable[asyncio.Task[Any]]) -> None:
        await asyncio.gather(*tasks, return_exceptions=True)

    # One that Ctrl-C met while it was made is not known to the loop, and would be reported.
    loop.set_exception_handler(lambda loop, context: None)
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    run_loop(loop, partial(loop.run_until_complete, gather(tasks)))
    loop.close()
