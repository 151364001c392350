"""The page docs/paper.md, from the experiments: ``python -m maskdpo_xtuner.reproduction.page``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Template

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.reproduction.listing import experiments
from maskdpo_xtuner.reproduction.plan import (
    Experiment,
    PlannedStep,
    Reading,
    gpu_hours,
    hours,
    in_order,
)
from maskdpo_xtuner.reproduction.rates import RATES
from maskdpo_xtuner.reproduction.readings import EVERYWHERE

PAGE = Path(__file__).parents[2] / 'docs' / 'paper.md'
TEMPLATE = Path(__file__).with_name('page.md')


def page() -> str:
    """Give the text of the page."""
    whole, small = experiments(), experiments(small=True)
    shown: set[str] = set()
    sections = (
        line
        for experiment, one_seed in zip(whole, experiments(seeds=1), strict=True)
        for line in _section(experiment, one_seed, shown)
    )
    parts = {
        'overview': _overview(whole, {experiment.name: experiment for experiment in small}),
        'everywhere': _readings(EVERYWHERE),
        'rates': (f'- *{name}*: {text}.' for name, text in RATES.items()),
        'sections': sections,
        'small': _small_table(small),
    }
    template = Template(TEMPLATE.read_text(encoding='utf-8'))
    return template.substitute({name: '\n'.join(lines) for name, lines in parts.items()})


def _overview(whole: Sequence[Experiment], small: Mapping[str, Experiment]) -> Iterator[str]:
    yield '| | shows | steps | hours | GPU hours | in small, h |'
    yield '|---|---|---|---|---|---|'
    for experiment in whole:
        steps = in_order(experiment.steps)
        least = small.get(experiment.name)
        in_small = f'{hours(in_order(least.steps)):.1f}' if least else '-'
        yield (
            f'| [{experiment.name}](#{experiment.name}) | {experiment.title} | {len(steps)} | '
            f'{hours(steps):.1f} | {gpu_hours(steps):.0f} | {in_small} |'
        )
    everything = in_order(step for experiment in whole for step in experiment.steps)
    least_steps = in_order(step for experiment in small.values() for step in experiment.steps)
    yield (
        f'| all | each step once | {len(everything)} | {hours(everything):.0f} | '
        f'{gpu_hours(everything):.0f} | {hours(least_steps):.1f} |'
    )


def _section(experiment: Experiment, one_seed: Experiment, shown: set[str]) -> Iterator[str]:
    steps = in_order(experiment.steps)
    yield f'\n<a id="{experiment.name}"></a>\n\n## {experiment.name}: {experiment.title}\n'
    yield (
        f'`maskdpo reproduce {experiment.name} --run`: {hours(steps):.1f} h, '
        f'{gpu_hours(steps):.0f} GPU hours.\n'
    )
    mine = in_order(one_seed.steps)
    earlier = [step for step in mine if step.name in shown]
    if earlier:
        yield 'As above: ' + ', '.join(f'`{step.name}`' for step in earlier) + '.\n'
    yield from _commands([step for step in mine if step.name not in shown])
    shown.update(step.name for step in mine)
    if experiment.readings:
        yield ''
        yield from _readings(experiment.readings)


def _commands(steps: Sequence[PlannedStep]) -> Iterator[str]:
    for step in (s for s in steps if not s.commands):
        yield f'- **{step.name}** (`{step.makes}`), by hand: {step.by_hand}.'
    yield '\n```shell'
    for step in (s for s in steps if s.commands):
        gpus = f' on {step.cost.gpus} GPUs' if step.cost.gpus else ''
        cost = f', {step.cost.hours:.2f} h{gpus} ({step.cost.rate})' if step.cost.rate else ''
        yield f'# {step.name}{cost}'
        yield from step.commands
    yield '```'


def _readings(readings: Sequence[Reading]) -> Iterator[str]:
    yield '| unsaid | here |'
    yield '|---|---|'
    yield from (f'| {reading.unsaid} | {reading.ours} |' for reading in readings)


def _small_table(small: Sequence[Experiment]) -> Iterator[str]:
    yield '| | steps | hours | new after those above |'
    yield '|---|---|---|---|'
    before: list[PlannedStep] = []
    for experiment in small:
        steps = in_order(experiment.steps)
        new = [step for step in steps if step not in before]
        before += new
        yield f'| {experiment.name} | {len(steps)} | {hours(steps):.2f} | {hours(new):.2f} |'
    yield f'| all | {len(before)} | {hours(before):.1f} | |'


if __name__ == '__main__':
    with atomic_writer(PAGE) as file:
        file.write(page())
