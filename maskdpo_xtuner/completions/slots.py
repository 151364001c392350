"""The engine's places for calls, and who gets the next one."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count


class Slots:
    """At most ``limit`` holders at once; of those that wait, the one with the lowest place is next.

    With the number of its dialogue as the place of a request, a dialogue that has begun goes on
    before a new one begins, while the engine still has its turns in the prefix cache.
    """

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._order = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def hold(self, place: int) -> AsyncIterator[None]:
        """Wait for a slot and keep it inside of the block."""
        await self._take(place)
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, place: int) -> None:
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (place, next(self._order), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # It had just been given a slot.
                self._give_back()
            raise

    def _give_back(self) -> None:
        while self._waiting:
            turn = heapq.heappop(self._waiting)[-1]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
