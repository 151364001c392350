"""Runs dialogues over an engine, with the store in front of it.

A dialogue is a generator that yields requests, is sent their outcomes and returns a result. One
that asks a single question is a sample; an annotator's goes on until its verdict.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Generic, TypeVar

from maskdpo_xtuner.completions.accounting import Accounting
from maskdpo_xtuner.completions.store import CompletionStore, request_key
from maskdpo_xtuner.engines.base import Completion, Engine, Failure, Request

Result = TypeVar('Result')
Outcome = Completion | Failure


@dataclass(frozen=True)
class Retry:
    """How transient failures are repeated: the n-th time after ``delay * 2**n`` seconds."""

    times: int = 4
    delay: float = 1.0


class Scheduler(Generic[Result]):
    """Keeps an engine busy with dialogues and gives their results in the order of the input.

    Equal requests are asked once, transient failures again, and every answer is in the store
    before its dialogue goes on.

    Consecutive groups of dialogues form one batch as long as they fit the engine's ``batch_size``;
    a group that is larger is cut. The dialogues of a batch advance together, and a batch of which
    the store lacks anything is asked whole: what an answer is does not depend on what was finished
    before an interruption. With a ``batch_size`` of 1 every dialogue runs by itself.
    """

    def __init__(self, engine: Engine, store: CompletionStore, retry: Retry | None = None) -> None:
        self.accounting = Accounting()
        self._engine = engine
        self._store = store
        self._retry = retry or Retry()
        self._in_flight: dict[tuple[bytes, ...], asyncio.Future[dict[bytes, Outcome]]] = {}

    def run(
        self, groups: Iterable[Sequence[Generator[Request, Outcome, Result]]]
    ) -> Iterator[list[Result]]:
        """Run the dialogues of each group; yields their results, one list a group, in order.

        Groups are taken from the input as there is room for them, so both may be endless. An
        interruption (Ctrl-C, or closing this iterator) loses what is in flight, no more.
        """
        loop = asyncio.new_event_loop()
        self._slots = asyncio.Semaphore(self._engine.concurrency)
        # Twice as many as run at once: the next one is there when one ends.
        window = 2 * self._engine.concurrency
        ahead: deque[tuple[list[int], list[asyncio.Task[list[Result]]]]] = deque()
        try:
            for sizes, units in self._units(groups):
                ahead.append((sizes, [loop.create_task(self._run_unit(unit)) for unit in units]))
                while sum(len(tasks) for _, tasks in ahead) >= window:
                    yield from _collect(loop, *ahead.popleft())
            while ahead:
                yield from _collect(loop, *ahead.popleft())
        finally:
            _cancel_all(loop, [task for _, tasks in ahead for task in tasks])

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
        self, dialogues: Sequence[Generator[Request, Outcome, Result]]
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
            answers = await self._ask(list(requests.values())) if requests else []
            outcomes = dict(zip(requests, answers, strict=True))
        return [results[index] for index in range(len(dialogues))]

    async def _ask(self, requests: Sequence[Request]) -> list[Outcome]:
        """One outcome a request: of the store, or of the engine for the lot of them."""
        keys = [request_key(self._engine.identity, request) for request in requests]
        self.accounting.expected += len(keys)
        unique = dict(zip(keys, requests, strict=True))
        stored = self._store.get(keys)
        outcomes: dict[bytes, Outcome] = {**stored}
        if len(stored) < len(unique):
            # What is stored stays, also what another batch has stored by now: files are made of it.
            outcomes = {**await self._ask_once(unique), **self._store.get(keys)}
        for key in keys:
            self.accounting.count(outcomes[key], from_store=key in stored)
        return [outcomes[key] for key in keys]

    async def _ask_once(self, unique: dict[bytes, Request]) -> dict[bytes, Outcome]:
        """Ask the engine, or wait for the answer to an equal question that is on its way."""
        question = tuple(unique)
        task = self._in_flight.get(question)
        if task is None:
            task = asyncio.ensure_future(self._complete(unique))
            self._in_flight[question] = task
            task.add_done_callback(lambda _: self._in_flight.pop(question))
        return await task

    async def _complete(self, unique: dict[bytes, Request]) -> dict[bytes, Outcome]:
        self.accounting.asked += len(unique)
        outcomes = await self._call(unique)
        for attempt in range(self._retry.times):
            again = {k: unique[k] for k, outcome in outcomes.items() if _is_transient(outcome)}
            if not again:
                break
            await asyncio.sleep(self._retry.delay * 2**attempt)
            outcomes.update(await self._call(again))
        return outcomes

    async def _call(self, unique: dict[bytes, Request]) -> dict[bytes, Outcome]:
        async with self._slots:
            answers = await self._engine.complete(list(unique.values()))
        outcomes = dict(zip(unique, answers, strict=True))
        self._store.put({k: o for k, o in outcomes.items() if isinstance(o, Completion)})
        return outcomes


def _is_transient(outcome: Outcome) -> bool:
    return isinstance(outcome, Failure) and outcome.transient


def _cut(items: Sequence[Any], size: int) -> list[list[Any]]:
    """The items in lists of ``size``; the last one may be shorter."""
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def _collect(
    loop: asyncio.AbstractEventLoop, sizes: Sequence[int], tasks: Sequence[asyncio.Task[list[Any]]]
) -> Iterator[list[Any]]:
    """Wait for the tasks and cut their results, put end to end, into lists of these sizes."""
    results = iter(chain.from_iterable(loop.run_until_complete(_gather(tasks))))
    for size in sizes:
        yield list(islice(results, size))


def _cancel_all(loop: asyncio.AbstractEventLoop, left: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel what runs and close the loop; exceptions of the tasks that are left are dropped."""
    tasks = asyncio.all_tasks(loop).union(left)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(_gather(tasks, return_exceptions=True))
    loop.close()


async def _gather(
    tasks: Iterable[asyncio.Task[Any]], *, return_exceptions: bool = False
) -> list[Any]:
    """`asyncio.gather` that belongs to the running loop also when there are no tasks."""
    return await asyncio.gather(*tasks, return_exceptions=return_exceptions)
