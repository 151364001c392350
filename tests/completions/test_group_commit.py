"""Answers that arrive in one tick of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.completions import CompletionStore
from maskdpo_xtuner.completions.group_commit import GroupCommit
from maskdpo_xtuner.engines.base import Completion

GOLD, TIN = Completion('gold', 'stop', 1, 1), Completion('tin', 'stop', 1, 1)


class CountingStore(CompletionStore):
    """Remembers how many completions each of its transactions had."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.sizes: list[int] = []

    def put(self, completions: Mapping[bytes, Completion], served: str = '') -> None:
        super().put(completions, served)
        self.sizes.append(len(completions))


def key(index: int) -> bytes:
    return bytes([index])


async def put_together(store: CompletionStore, *puts: Mapping[bytes, Completion]) -> list[Any]:
    commit = GroupCommit(store)
    return await asyncio.gather(*map(commit.put, puts), return_exceptions=True)


def test_answers_of_one_tick_share_a_transaction(tmp_path: Path) -> None:
    with CountingStore(tmp_path / 'store') as store:
        asyncio.run(put_together(store, *({key(index): GOLD} for index in range(100))))
        assert store.sizes == [100]
        assert len(store) == 100


def test_the_first_of_two_answers_to_one_request_stays(tmp_path: Path) -> None:
    with CountingStore(tmp_path / 'store') as store:
        asyncio.run(put_together(store, {key(1): GOLD}, {key(1): TIN, key(2): TIN}))
        assert store.get([key(1), key(2)]) == {key(1): GOLD, key(2): TIN}


def test_an_answer_is_stored_when_put_comes_back(tmp_path: Path) -> None:
    async def run(store: CompletionStore) -> None:
        commit = GroupCommit(store)
        for index in range(3):
            await commit.put({key(index): GOLD})
            assert len(store) == index + 1

    with CountingStore(tmp_path / 'store') as store:
        asyncio.run(run(store))


def test_what_cannot_be_stored_is_told_to_all_who_wait(tmp_path: Path) -> None:
    bad = Completion('\ud800', 'stop', 1, 1)
    with CountingStore(tmp_path / 'store') as store:
        results = asyncio.run(put_together(store, {key(1): GOLD}, {key(2): bad}))
        assert [type(result) for result in results] == [UnicodeEncodeError] * 2
        assert len(store) == 0


@pytest.mark.parametrize('after_ticks', [0, 1])
def test_what_was_answered_is_stored_also_when_the_run_is_cancelled(
    tmp_path: Path, after_ticks: int
) -> None:
    async def run(store: CompletionStore) -> None:
        commit = GroupCommit(store)
        task = asyncio.create_task(commit.put({key(1): GOLD}))
        await asyncio.sleep(0)
        for _ in range(after_ticks):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with CountingStore(tmp_path / 'store') as store:
        asyncio.run(run(store))
        assert len(store) == 1
