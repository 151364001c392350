"""Running an event loop where another one may be running already, as in a notebook."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar('Result')


def run_loop(loop: asyncio.AbstractEventLoop, work: Callable[[], Result]) -> Result:
    """Call ``loop.run_forever`` or the like, and wait for it.

    A thread runs one loop at a time. Where one runs in this thread, the call is made in another,
    and this one waits, its own loop with it, as for any function that is not asynchronous.

    Args:
        loop: that ``work`` runs; stopped when the wait is interrupted.
        work: a method of the loop.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(work)
        try:
            return running.result()
        except BaseException:
            if not running.done():  # Ctrl-C reaches the thread that waits.
                loop.call_soon_threadsafe(loop.stop)
            raise
