"""Groups of dialogues that ask in rounds: what is asked next depends on what came of the last."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import chain, count, islice
from typing import Any, TypeVar

from maskdpo_xtuner.completions.scheduler import RUNNING, Outcome, Scheduler
from maskdpo_xtuner.engines.base import Request

Result = TypeVar('Result')
Final = TypeVar('Final')
Dialogue = Generator[Request, Outcome, Result]
Rounds = Generator[Sequence[Dialogue[Result]], list[Result], Final]
"""Yields dialogues, is sent all their results in order, returns what came of them in the end."""

# Groups that have ended and wait for an earlier one, for each that runs.
_HELD = 4


def run_rounds(
    scheduler: Scheduler[Result], groups: Iterable[Rounds[Result, Final]], width: int
) -> Iterator[Final]:
    """Run groups side by side; yields what each returns, in order.

    What is asked does not depend on how many run: a group sees the results of a round all at once.
    Of an engine that takes batches, so many consecutive groups advance together that their rounds
    fill one.

    Args:
        scheduler: that runs the dialogues.
        groups: taken as there is room for them.
        width: dialogues that a group yields at a time, as a rule.

    Raises:
        EngineDown: when the engine does not answer any more.
    """
    together = max(1, scheduler.batch_size // width)
    calls = max(1, together * width // scheduler.batch_size)
    running = max(1, RUNNING * scheduler.concurrency // calls)
    started = (
        ([1] * len(pack), [_run_together(scheduler, pack, place)])
        for place, pack in zip(count(), _packs(groups, together))
    )
    for (final,) in scheduler.stream(started, running=running, held=_HELD * running):
        yield final


def _packs(
    groups: Iterable[Rounds[Result, Final]], size: int
) -> Iterator[list[Rounds[Result, Final]]]:
    left = iter(groups)
    while pack := list(islice(left, size)):
        yield pack


async def _run_together(
    scheduler: Scheduler[Result], groups: Sequence[Rounds[Result, Final]], place: int
) -> list[Final]:
    """Advance groups together, one round of each at a time, until all have returned."""
    finals: dict[int, Final] = {}
    sent: dict[int, Any] = dict.fromkeys(range(len(groups)))
    while sent:
        rounds: dict[int, Sequence[Dialogue[Result]]] = {}
        for index, results in sent.items():
            try:
                # Sending None starts a generator.
                rounds[index] = groups[index].send(results)
            except StopIteration as stop:
                finals[index] = stop.value
        dialogues = list(chain.from_iterable(rounds.values()))
        found = iter(await scheduler.run_side_by_side(dialogues, place))
        sent = {index: list(islice(found, len(asked))) for index, asked in rounds.items()}
    return [finals[index] for index in range(len(groups))]
