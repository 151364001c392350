"""Settings of all tests, and what any of them may use."""

import asyncio
import os

import pytest

# Two workers with as many threads each as there are cores wait for each other most of the time.
os.environ.setdefault('OMP_NUM_THREADS', '1')


@pytest.fixture
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is repeated after a while be repeated at once."""
    sleep = asyncio.sleep

    async def at_once(seconds: float) -> None:
        await sleep(0)

    monkeypatch.setattr(asyncio, 'sleep', at_once)
