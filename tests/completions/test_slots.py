"""Which dialogue gets the engine's next free slot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from maskdpo_xtuner.completions.slots import Slot, Slots

Use = Callable[[Slot], Coroutine[Any, Any, None]]


async def ticks() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def run(limit: int, dialogues: list[Use]) -> None:
    slots = Slots(limit)

    async def start(dialogue: Use) -> None:
        with slots.for_dialogue() as slot:
            await dialogue(slot)

    await asyncio.wait_for(asyncio.gather(*map(start, dialogues)), timeout=10)


def test_a_dialogue_keeps_its_slot_and_takes_up_again_before_later_ones() -> None:
    turns = []

    def dialogue(name: str, *, leaves: bool) -> Use:
        async def use(slot: Slot) -> None:
            for turn in 'abc':
                await slot.take()
                turns.append(name + turn)
                if leaves:
                    slot.leave()
                await ticks()

        return use

    keeping = [dialogue(name, leaves=False) for name in '123']
    asyncio.run(run(1, keeping))
    assert turns == ['1a', '1b', '1c', '2a', '2b', '2c', '3a', '3b', '3c']
    turns.clear()
    asyncio.run(run(1, [dialogue('1', leaves=True), *keeping[1:]]))
    assert turns == ['1a', '2a', '2b', '2c', '1b', '3a', '3b', '3c', '1c']


def test_no_more_than_the_limit_have_a_slot() -> None:
    most = now = 0

    async def use(slot: Slot) -> None:
        nonlocal most, now
        await slot.take()
        now += 1
        most = max(most, now)
        await ticks()
        now -= 1

    asyncio.run(run(3, [use] * 10))
    assert most == 3


def test_a_slot_whose_taker_is_cancelled_goes_to_another() -> None:
    async def cancel_two() -> None:
        slots = Slots(1)
        await slots.take((0, 0))
        waits, given = (asyncio.create_task(slots.take((place, 0))) for place in (1, 2))
        await ticks()
        waits.cancel()
        await ticks()
        slots.give_back()
        given.cancel()  # It was just given the slot and has not yet run.
        await ticks()
        assert waits.cancelled()
        assert given.cancelled()
        await asyncio.wait_for(slots.take((3, 0)), timeout=10)

    asyncio.run(cancel_two())
