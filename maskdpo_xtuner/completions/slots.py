"""The engine's places for calls, and who gets the next one."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

Place = tuple[int, int]
"""Group, then how many dialogues began before."""


class Slots:
    """At most ``limit`` at once; of the dialogues that wait, the one that began first is next.

    A dialogue keeps its slot from turn to turn: it continues before a later one begins, while the
    engine still has its turns in the prefix cache.
    """

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._places = count()
        self._waiting: list[tuple[Place, asyncio.Future[None]]] = []

    @contextmanager
    def for_dialogue(self, group: int = 0) -> Iterator[Slot]:
        """Give a slot to take and leave inside of the block; it is left at the end.

        Dialogues of a lower group come before those that began earlier.
        """
        slot = Slot(self, (group, next(self._places)))
        try:
            yield slot
        finally:
            slot.leave()

    async def take(self, place: Place) -> None:
        """Wait for a slot; the lowest place is next."""
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (place, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # It had just been given a slot.
                self.give_back()
            raise

    def give_back(self) -> None:
        """Pass a slot on to whoever is next."""
        while self._waiting:
            _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Slot:
    """What one dialogue, or a batch of them, has of the slots: one or none."""

    def __init__(self, slots: Slots, place: Place) -> None:
        self._slots = slots
        self._place = place
        self._taken = False

    async def take(self) -> None:
        """Have one, waiting if need be."""
        if not self._taken:
            await self._slots.take(self._place)
            self._taken = True

    def leave(self) -> None:
        """Have none: the dialogue has ended, or waits for something else than the engine."""
        if self._taken:
            self._taken = False
            self._slots.give_back()
