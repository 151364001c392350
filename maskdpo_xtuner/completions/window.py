"""The dialogues that run, and results that wait for those before them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Any, Generic, TypeVar

from maskdpo_xtuner.completions.loops import run_loop

Result = TypeVar('Result')


@dataclass(eq=False)
class _Entry(Generic[Result]):
    """Consecutive groups with the tasks that give their results, put end to end."""

    sizes: Sequence[int]
    tasks: Sequence[asyncio.Task[list[Result]]]
    left: int

    def groups(self) -> Iterator[list[Result]]:
        results = iter(chain.from_iterable(task.result() for task in self.tasks))
        for size in self.sizes:
            yield list(islice(results, size))


class Window(Generic[Result]):
    """Tasks in flight, with their results in the order of the input.

    Args:
        loop: that runs the tasks while `collect` waits.
        running: how many tasks may run at once.
        held: how many there may be together with those whose results wait for earlier ones. One
            slow task stops the input only when so many others have ended behind it.
        on_group: called when all tasks of a group have ended.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        running: int,
        held: int,
        on_group: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._most_running, self._most_held = running, held
        self._on_group = on_group
        self._running = self._held = 0
        self._ahead: deque[_Entry[Result]] = deque()
        self._failed: asyncio.Task[list[Result]] | None = None
        self._waits = False
        self._until_room = False

    def __len__(self) -> int:
        return len(self._ahead)

    def start(
        self, sizes: Sequence[int], units: Sequence[Coroutine[Any, Any, list[Result]]]
    ) -> None:
        """Start the tasks of groups of these sizes."""
        try:
            tasks = [self._loop.create_task(unit) for unit in units]
        except BaseException:  # Ctrl-C
            for unit in units:
                unit.close()
            raise
        entry = _Entry(sizes, tasks, len(tasks))
        for task in tasks:
            task.add_done_callback(partial(self._note_end, entry))
        self._running += len(tasks)
        self._held += len(tasks)
        self._ahead.append(entry)

    @property
    def full(self) -> bool:
        return self._running >= self._most_running or self._held >= self._most_held

    def collect(self, *, until_room: bool) -> Iterator[list[Result]]:
        """Run the tasks until the first groups are ready and give all that are.

        Args:
            until_room: come back with nothing also when there is room for more tasks.

        Raises:
            BaseException: what any of the tasks raised, as soon as it did.
        """
        if not (self._is_ready() or (until_room and self._has_room())):
            self._wait(until_room)
        if self._failed is not None:
            self._failed.result()
        while self._is_ready():
            entry = self._ahead.popleft()
            self._held -= len(entry.tasks)
            yield from entry.groups()

    def _wait(self, until_room: bool) -> None:
        self._until_room = until_room
        self._waits = True
        try:
            run_loop(self._loop, self._loop.run_forever)
        finally:
            self._waits = False

    def _note_end(self, entry: _Entry[Result], task: asyncio.Task[list[Result]]) -> None:
        self._running -= 1
        entry.left -= 1
        if not entry.left:
            for _ in entry.sizes:
                self._on_group()
        # Of every task, so that asyncio logs none that was not looked at.
        failed = task.cancelled() or task.exception() is not None
        if failed and self._failed is None:
            self._failed = task
        if self._waits and (
            self._is_ready() or self._failed or (self._until_room and self._has_room())
        ):
            self._loop.stop()

    def _is_ready(self) -> bool:
        return bool(self._ahead) and not self._ahead[0].left

    def _has_room(self) -> bool:
        """Tell whether a quarter of the running tasks has ended; to wake for each costs more."""
        return self._running <= 3 * self._most_running // 4 and self._held < self._most_held
