"""Groups that ask in rounds."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.completions import CompletionStore, EngineDown, Retry, Scheduler, run_rounds
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from tests.completions.dialogues import Dialogue, Said, asked, batches, flat, talk


def counting(name: str, rounds: int, width: int = 2) -> Generator[list[Dialogue], list[Said], str]:
    """Ask ``width`` things a round; what was said decides what is asked next."""
    heard = name
    for _ in range(rounds):
        said = yield [talk(f'{heard}{place}') for place in range(width)]
        heard = said[-1][0]
    return heard


class Watched(ScriptedEngine):
    """Keeps how many calls there were, with each new one."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.in_flight: list[int] = []
        self.now = 0

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        self.now += 1
        self.in_flight.append(self.now)
        answers = await super().complete(requests)
        self.now -= 1
        return answers


def answer(request: Request) -> str:
    return asked(request)


def run(engine: ScriptedEngine, folder: Path, *groups: tuple[str, int]) -> list[str]:
    with CompletionStore(folder / 'completions.sqlite') as store:
        scheduler: Scheduler[Said] = Scheduler(engine, store, Retry(times=0, delay=0))
        return list(run_rounds(scheduler, (counting(*group) for group in groups), width=2))


@pytest.mark.parametrize(('workers', 'batch'), [(1, 1), (3, 1), (16, 1), (1, 4), (2, 6)])
def test_results_come_in_order_whatever_the_engine_takes_at_once(
    tmp_path: Path, workers: int, batch: int
) -> None:
    engine = ScriptedEngine(answer, concurrency=workers, batch_size=batch)
    groups = [(name, 1 + place % 3) for place, name in enumerate('abcdefgh')]
    expected = [name + '1' * rounds for name, rounds in groups]
    assert run(engine, tmp_path, *groups) == expected
    assert len(flat(engine)) == 2 * sum(rounds for _, rounds in groups)
    again = ScriptedEngine(answer, concurrency=5, batch_size=batch)
    assert run(again, tmp_path, *groups) == expected
    assert flat(again) == []


def test_a_group_that_asks_nothing_has_its_result(tmp_path: Path) -> None:
    assert run(ScriptedEngine(answer), tmp_path, ('a', 0), ('b', 1)) == ['a', 'b1']


def test_the_groups_of_a_batch_advance_together(tmp_path: Path) -> None:
    engine = ScriptedEngine(answer, batch_size=4)
    run(engine, tmp_path, ('a', 2), ('b', 1), ('c', 1))
    assert sorted(batches(engine)) == ['a0 a1 b0 b1', 'a10 a11', 'c0 c1']


def test_an_earlier_group_goes_on_before_a_later_one(tmp_path: Path) -> None:
    engine = ScriptedEngine(answer, concurrency=2)
    run(engine, tmp_path, ('a', 2), ('b', 2), ('c', 2))
    order = flat(engine)
    assert order.index('a10') < order.index('b10') < order.index('c0')


def test_the_engine_is_full_though_a_group_asks_little_at_a_time(tmp_path: Path) -> None:
    engine = Watched(answer, concurrency=8, latency_s=0.002)
    run(engine, tmp_path, *[(f'{place},', 5) for place in range(64)])
    # All calls take as long as each other: of the 80 times that they begin, but for the last ones.
    assert engine.in_flight.count(8) > 75
    assert max(engine.in_flight) == 8


def test_an_engine_that_is_down_ends_the_run(tmp_path: Path) -> None:
    engine = ScriptedEngine(lambda request: Failure('busy', transient=True), concurrency=4)
    with pytest.raises(EngineDown):
        run(engine, tmp_path, *[(str(place), 30) for place in range(40)])
