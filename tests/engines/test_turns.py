"""How fast a server is asked, with a clock that the test moves."""

from __future__ import annotations

import asyncio
import time

import pytest

from maskdpo_xtuner.engines.turns import FIRST_WAIT, LAST_WAIT, Pace, Turns


def test_too_much_to_do_halves_what_is_asked_at_once_a_pause_at_a_time() -> None:
    pace = Pace(64)
    for _ in range(10):  # They were on their way together.
        pace.slow_down(100.0, 2.0)
    assert (pace.limit, pace.not_before) == (32.0, 102.0)
    pace.slow_down(102.5, 2.0)
    assert (pace.limit, pace.not_before) == (16.0, 104.5)
    for n in range(100):
        pace.slow_down(200.0 + 10 * n, 2.0)
    assert pace.limit == 1.0


def test_a_round_of_good_answers_allows_one_more_and_never_too_many() -> None:
    pace = Pace(8, limit=4.0)
    for _ in range(5):
        pace.speed_up()
    assert 5.0 <= pace.limit < 5.5
    for _ in range(100):
        pace.speed_up()
    assert pace.limit == 8.0


def test_without_a_word_for_how_long_the_pauses_grow() -> None:
    pace, now, waits = Pace(8), 0.0, []
    for _ in range(8):
        pace.slow_down(now, None)
        waits.append(pace.not_before - now)
        now = pace.not_before
    assert waits[:4] == [FIRST_WAIT, 2.0, 4.0, 8.0]
    assert waits[-1] == LAST_WAIT
    pace.speed_up()
    pace.slow_down(now, None)
    assert pace.not_before - now == FIRST_WAIT


def test_no_more_at_once_than_the_limit_and_in_order() -> None:
    order: list[int] = []
    running, most = 0, 0

    async def one(turns: Turns, n: int) -> None:
        nonlocal running, most
        async with turns.turn():
            order.append(n)
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.001)
            running -= 1

    async def many() -> None:
        turns = Turns(Pace(3))
        await asyncio.gather(*(one(turns, n) for n in range(20)))

    asyncio.run(many())
    assert order == list(range(20))
    assert most == 3


def test_a_pause_is_kept_and_then_all_go_on() -> None:
    async def after_a_pause() -> float:
        pace = Pace(4)
        turns = Turns(pace)
        pace.slow_down(time.monotonic(), 0.2)
        start = time.monotonic()

        async def one() -> None:
            async with turns.turn():
                await asyncio.sleep(0)

        await asyncio.gather(*(one() for _ in range(20)))
        return time.monotonic() - start

    assert asyncio.run(after_a_pause()) >= 0.2


@pytest.mark.parametrize('waiting', [1, 5])
def test_who_is_cancelled_passes_the_turn_on(waiting: int) -> None:
    async def cancel_some() -> None:
        turns = Turns(Pace(1))

        async def one() -> None:
            async with turns.turn():
                await asyncio.sleep(0.01)

        tasks = [asyncio.create_task(one()) for _ in range(waiting + 2)]
        await asyncio.sleep(0)
        for task in tasks[1 : 1 + waiting]:
            task.cancel()
        await asyncio.wait_for(tasks[-1], 5)

    asyncio.run(cancel_some())
