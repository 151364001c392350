"""How fast the engine works, whatever the store gives beside it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

WINDOW = 60.0  # seconds
_STEP = 1.0  # seconds between two marks of the window


@dataclass(frozen=True)
class _Mark:
    """What was counted up to a time."""

    time: float = 0.0
    answers: int = 0
    tokens: int = 0
    groups: int = 0


class EngineRates:
    """Answers, tokens and groups a second over the last `WINDOW` seconds of the engine's work.

    The clock runs only while the engine has something to do, and a group counts only when it ends
    in that time. So neither a restart, which finds everything of the first hours in the store, nor
    a store with few gaps distorts the rates.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting = 0
        self._worked = self._since = 0.0
        self._now = _Mark()
        self._marks = deque([self._now])

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count the time inside of the block as work of the engine; blocks may overlap."""
        if not self._waiting:
            self._since = self._clock()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._worked += self._clock() - self._since

    def count_answer(self, tokens: int) -> None:
        """Count an answer of so many tokens."""
        now = self._now
        self._advance(_Mark(self._time(), now.answers + 1, now.tokens + tokens, now.groups))

    def count_group(self) -> None:
        """Count a group of which all dialogues have ended."""
        if self._waiting:
            now = self._now
            self._advance(_Mark(self._time(), now.answers, now.tokens, now.groups + 1))

    @property
    def answers(self) -> float:
        """Answers of the engine a second."""
        return self._per_second(self._now.answers - self._marks[0].answers)

    @property
    def tokens(self) -> float:
        """Tokens that the engine writes a second."""
        return self._per_second(self._now.tokens - self._marks[0].tokens)

    @property
    def groups(self) -> float:
        """Groups a second that end while the engine works, whoever gave their answers."""
        return self._per_second(self._now.groups - self._marks[0].groups)

    def _time(self) -> float:
        """Seconds of work so far."""
        return self._worked + (self._clock() - self._since if self._waiting else 0.0)

    def _per_second(self, count: int) -> float:
        seconds = self._time() - self._marks[0].time
        return count / seconds if seconds > 0 else 0.0

    def _advance(self, mark: _Mark) -> None:
        self._now = mark
        if mark.time - self._marks[-1].time >= _STEP:
            self._marks.append(mark)
        while len(self._marks) > 1 and self._marks[1].time <= mark.time - WINDOW:
            self._marks.popleft()
