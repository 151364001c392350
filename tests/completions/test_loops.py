"""An event loop of ours inside one that runs, as in a notebook."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import pytest

from maskdpo_xtuner.completions.loops import run_loop


@pytest.fixture
def ours() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    assert not loop.is_running()
    loop.close()


async def thread() -> int:
    await asyncio.sleep(0)
    return threading.get_ident()


def wait(loop: asyncio.AbstractEventLoop, task: Callable[[], Awaitable[int]]) -> int:
    return run_loop(loop, lambda: loop.run_until_complete(task()))


def test_without_another_loop_it_runs_in_this_thread(ours: asyncio.AbstractEventLoop) -> None:
    assert wait(ours, thread) == threading.get_ident()


def test_inside_another_loop_it_runs_in_a_thread_of_its_own(
    ours: asyncio.AbstractEventLoop,
) -> None:
    async def notebook() -> tuple[int, int]:
        return wait(ours, thread), wait(ours, thread)

    assert threading.get_ident() not in asyncio.run(notebook())


def test_what_it_raises_comes_out_and_it_can_run_again(ours: asyncio.AbstractEventLoop) -> None:
    async def fails() -> int:
        raise ValueError('no model')

    async def notebook() -> int:
        with pytest.raises(ValueError, match='no model'):
            wait(ours, fails)
        return wait(ours, thread)

    assert asyncio.run(notebook())


def test_an_interrupted_wait_stops_it(
    ours: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    async def notebook() -> None:
        monkeypatch.setattr('concurrent.futures.Future.result', interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_loop(ours, partial(ours.run_forever))

    asyncio.run(notebook())
