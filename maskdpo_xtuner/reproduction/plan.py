"""What an experiment is made of: steps, each with its commands and the file that it makes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What a step is estimated to take.

    Attributes:
        hours: on the wall.
        gpus: that it takes meanwhile; 0 where two CPU cores do.
        rate: the name of the rate in `rates.RATES` that the hours are estimated from.
    """

    hours: float = 0.0
    gpus: int = 0
    rate: str = ''


FREE = Cost()


@dataclass(frozen=True)
class PlannedStep:
    """A piece of work that is done or not, and is done once.

    Attributes:
        name: the same in every table that needs it.
        commands: of a shell, run in order; none where a person has to do it.
        makes: the file that is there when it is done.
        needs: steps that come before.
        cost: estimated.
        by_hand: what a person has to do, where there are no commands.
        resumes: the work dir of a training, which goes on from its last checkpoint.
        frees: a pattern of files that nothing needs once the step is done.
        determined_by: the commands without what changes nothing in the result, such as the number
            of GPUs; empty where they are the same.
        results: what it found, for the report: the work dir of an evaluation, or a file of text.
    """

    name: str
    commands: tuple[str, ...]
    makes: str
    needs: tuple[PlannedStep, ...] = ()
    cost: Cost = FREE
    by_hand: str = ''
    resumes: str = ''
    frees: str = ''
    determined_by: str = ''
    results: str = ''


@dataclass(frozen=True)
class Reading:
    """What the paper leaves unsaid, and how it is read here."""

    unsaid: str
    ours: str


@dataclass(frozen=True)
class Experiment:
    """A table, a figure or a section of the paper, with what leads to it.

    Attributes:
        name: as it is typed: ``table2``.
        title: what it shows.
        steps: those that end it; what they need is found from there.
        readings: of the paper.
        note: what a reader should know beside that.
    """

    name: str
    title: str
    steps: tuple[PlannedStep, ...] = ()
    readings: tuple[Reading, ...] = ()
    note: str = ''


def in_order(steps: Iterable[PlannedStep]) -> list[PlannedStep]:
    """Give all that the steps need and themselves, each once and after what it needs.

    Raises:
        ValueError: when two steps of one name are not the same.
    """
    found: dict[str, PlannedStep] = {}
    for step in _walk(steps):
        if found.setdefault(step.name, step) != step:
            raise ValueError(f'two different steps are called {step.name!r}')
    return list(found.values())


def _walk(steps: Iterable[PlannedStep]) -> Iterator[PlannedStep]:
    for step in steps:
        yield from _walk(step.needs)
        yield step


def hours(steps: Iterable[PlannedStep]) -> float:
    """Sum up the hours of steps that run one after another."""
    return sum(step.cost.hours for step in steps)


def gpu_hours(steps: Iterable[PlannedStep]) -> float:
    """Sum up the hours of every GPU."""
    return sum(step.cost.hours * step.cost.gpus for step in steps)
