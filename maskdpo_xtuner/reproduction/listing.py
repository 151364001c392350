"""Finding experiments by name, and printing what is to be done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from maskdpo_xtuner.reproduction.commands import Scale
from maskdpo_xtuner.reproduction.paper import Paper
from maskdpo_xtuner.reproduction.pieces import DATA_OPTIONS
from maskdpo_xtuner.reproduction.plan import Experiment, PlannedStep, gpu_hours, hours
from maskdpo_xtuner.reproduction.running import step_of
from maskdpo_xtuner.reproduction.small import Small
from maskdpo_xtuner.steps.records import Step, commands_of, difference, is_done

SEEDS, SMALL_SEEDS = 5, 3
ALL = 'all'
DONE = 'done'


def experiments(
    *,
    small: bool = False,
    gpus: int = 8,
    seeds: int | None = None,
    data_options: Sequence[str] = (),
    train_options: Sequence[str] = (),
    keep_checkpoints: bool = False,
) -> list[Experiment]:
    """Give all experiments.

    Args:
        small: with the built-in model on two cores.
        gpus: of this machine: 1, 2, 4 or 8.
        seeds: trainings a row; None: five as in the paper, three in small.
        data_options: ``KEY=VALUE`` for sampling, judging and evaluation.
        train_options: ``KEY=VALUE`` for all trainings; those that name the model are left out where
            a training starts from what another one made.
        keep_checkpoints: whether checkpoints stay when they have been converted.

    Raises:
        ValueError: for another number of GPUs or seeds.
    """
    if gpus not in (1, 2, 4, 8):
        raise ValueError(f'--gpus must be 1, 2, 4 or 8, so that a step has 64 pairs; not {gpus}')
    if seeds is not None and seeds < 1:
        raise ValueError(f'--seeds must be 1 or more, not {seeds}')
    given = (*(() if small else DATA_OPTIONS), *data_options)
    number = seeds or (SMALL_SEEDS if small else SEEDS)
    scale = Scale(0 if small else gpus, number, given, tuple(train_options), keep_checkpoints)
    return list((Small(scale) if small else Paper(scale)).experiments())


def find(known: Sequence[Experiment], names: Sequence[str]) -> list[Experiment]:
    """Give the experiments that are named; all of them for ``all``.

    Raises:
        ValueError: for a name that there is not, with those that there are.
    """
    by_name = {experiment.name: experiment for experiment in known}
    wrong = [name for name in names if name not in (*by_name, ALL)]
    if wrong:
        raise ValueError(f'there is no {wrong[0]!r} here; there are {", ".join(by_name)}, {ALL}')
    return list(known) if ALL in names else [by_name[name] for name in names]


def describe(planned: Sequence[PlannedStep]) -> Iterator[str]:
    """Give the lines that say what is to be done: a script but for what is done by hand."""
    states = [(each, _state(step_of(each))) for each in planned]
    left = [each for each, state in states if state != DONE]
    yield f'# {len(planned)} steps, {len(planned) - len(left)} done; {_estimate(left)} left'
    for each, state in states:
        yield ''
        if state == DONE:
            yield f'# {each.name}: done ({each.makes})'
            continue
        yield f'# {each.name}: {_estimate([each])}; makes {each.makes}'
        if state:
            yield f'# {state}'
        (command,) = commands_of(step_of(each))
        yield from str(command).splitlines() or [f'# by hand: {each.by_hand}']


def _state(step: Step) -> str:
    """Give `DONE`, or what is to be said of what is there."""
    try:
        if is_done(step):
            return DONE
    except ValueError as error:
        return str(error)
    changed = difference(step)
    return f'was made from something else ({changed})' if changed else ''


def _estimate(steps: Sequence[PlannedStep]) -> str:
    wall, gpus = hours(steps), gpu_hours(steps)
    time = f'{wall:.1f} h' if wall >= 1 else f'{60 * wall:.1f} min'
    return f'{time}, {gpus:.1f} GPU hours' if gpus else time
