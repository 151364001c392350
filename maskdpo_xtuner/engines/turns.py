"""How many requests a server gets at once, and when: fewer and later when it says so."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

# Seconds to wait when a server has too much to do and does not say for how long: doubled each
# time, up to the last.
FIRST_WAIT, LAST_WAIT = 1.0, 30.0


@dataclass(eq=False)
class Pace:
    """How fast a server may be asked.

    Told that it has too much to do, it is asked for nothing for as long as it says, and then by
    half as many requests at once; each round of good answers allows one more again.

    Attributes:
        most: requests at once that it never gets more of.
        limit: of them now.
        not_before: when the next one may be sent, by the clock.
        refused: how often in a row it had too much to do.
    """

    most: int
    limit: float = 0.0
    not_before: float = 0.0
    refused: int = 0

    def __post_init__(self) -> None:
        self.limit = self.limit or float(self.most)

    def slow_down(self, now: float, wait: float | None) -> None:
        """Enter that it has too much to do; ``wait`` are the seconds that it asks for."""
        if now >= self.not_before:  # Requests that were on their way say nothing new.
            self.limit = max(1.0, self.limit / 2)
            self.refused += 1
        if wait is None:
            wait = min(FIRST_WAIT * 2 ** (self.refused - 1), LAST_WAIT)
        self.not_before = max(self.not_before, now + wait)

    def speed_up(self) -> None:
        """Enter a good answer."""
        self.refused = 0
        self.limit = min(float(self.most), self.limit + 1 / self.limit)


class Turns:
    """Lets requests go in the order in which they came, as fast as the pace allows.

    Args:
        pace: of the server.
        clock: seconds, never going back, as the pace is told them.
    """

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace, self._clock = pace, clock
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn, which lasts as long as the block."""
        await self._take()
        try:
            yield
        finally:
            self._give_back()

    async def _take(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._pass_on()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # It had just been given one.
                self._give_back()
            raise

    def _give_back(self) -> None:
        self._running -= 1
        self._pass_on()

    def _pass_on(self) -> None:
        """Give turns to those who wait, as many as the pace allows now; the rest when it does."""
        pause = self._pace.not_before - self._clock()
        if pause > 0:
            if self._waiting and self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(pause, self._end_pause)
            return
        while self._waiting and self._running < int(self._pace.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self._running += 1
                turn.set_result(None)

    def _end_pause(self) -> None:
        self._timer = None
        self._pass_on()
