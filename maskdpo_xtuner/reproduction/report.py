"""What the experiments found so far, each beside the paper's table, as one page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.evaluation.paper import PaperTable, paper
from maskdpo_xtuner.evaluation.results import (
    FILE,
    Evaluation,
    JudgeResult,
    ModelResult,
    read_evaluations,
)
from maskdpo_xtuner.evaluation.side_by_side.table import (
    DECIDING,
    FURTHER,
    PAPERS,
    paper_lines,
    paper_remarks,
    replications,
)
from maskdpo_xtuner.evaluation.verdict import format_value
from maskdpo_xtuner.reproduction.plan import Experiment, PlannedStep, in_order

SHOWN = (
    'precision',
    'supported_per_answer',
    'hallucinated_per_answer',
    'score',
    'tokens_per_answer',
)
COLUMNS = {metric: {**DECIDING, **FURTHER}[metric] for metric in SHOWN}
"""Metric -> its heading and decimals, as `maskdpo compare` has them."""


def write_report(path: str | Path, experiments: Sequence[Experiment]) -> str:
    """Write the page, and say how many experiments it has.

    Args:
        path: of the page.
        experiments: in the order of the page; those without results are named at its end.
    """
    with atomic_writer(Path(path)) as file:
        file.write('\n'.join(report(experiments)) + '\n')
    done = sum(bool(_done(experiment)) for experiment in experiments)
    return f'{done} of {len(experiments)} experiments have results: {path}'


def report(experiments: Sequence[Experiment]) -> Iterator[str]:
    """Give the lines of the page."""
    yield '# What the experiments found'
    for experiment in experiments:
        if steps := _done(experiment):
            yield from _section(experiment, steps)
    missing = [experiment.name for experiment in experiments if not _done(experiment)]
    if missing:
        yield f'\nWithout results: {", ".join(missing)}.'
    yield f'\n{PAPERS}'


def _done(experiment: Experiment) -> list[PlannedStep]:
    """Give the steps of an experiment whose results are there, of however many seeds.

    What was killed has left a page of text that is empty, and not yet its numbers.
    """
    steps = (step for step in in_order(experiment.steps) if step.results)
    return [step for step in steps if _is_there(Path(step.results))]


def _is_there(results: Path) -> bool:
    return results.is_file() and results.stat().st_size > 0 or any(results.rglob(FILE))


def _section(experiment: Experiment, steps: Iterable[PlannedStep]) -> Iterator[str]:
    yield f'\n## {experiment.name}: {experiment.title}'
    for step in steps:
        if Path(step.results).is_file():
            yield f'\n```text\n{Path(step.results).read_text(encoding="utf-8").strip()}\n```'
            continue
        for evaluation in read_evaluations(step.results):
            yield from _evaluation(evaluation)
    for table in paper().tables:
        if table.name == experiment.name:
            yield from _of_paper(table)


def _evaluation(evaluation: Evaluation) -> Iterator[str]:
    name = f'{evaluation.name}: ' if evaluation.name else ''
    yield f'\n{name}{evaluation.questions} questions on {evaluation.topics} topics.'
    for shortfall in evaluation.shortfalls:
        yield f'\n**{shortfall.describe()}**'
    for judged in evaluation.judges:
        yield f'\nJudge: {judged.judge.heading}\n'
        yield from _judged(judged)
        if any(len(model.best_of) > 1 for model in judged.models):
            yield ''
            yield from _best_of(judged)


def _judged(judged: JudgeResult) -> Iterator[str]:
    headings = [heading for heading, _ in COLUMNS.values()]
    rows = [
        [
            model.name,
            replications(model),
            *(_value(model, metric, decimals) for metric, (_, decimals) in COLUMNS.items()),
            model.verdict.label if model.verdict else '',
        ]
        for model in judged.models
    ]
    yield from _table([['model', 'mean of', *headings, 'said'], *rows])


def _value(model: ModelResult, metric: str, decimals: int) -> str:
    found = model.measures.get(metric)
    return format_value(found.value, found.interval, decimals) if found else '-'


def _best_of(judged: JudgeResult) -> Iterator[str]:
    counts = [str(best.count) for best in judged.models[0].best_of]
    rows = [
        [f'{model.name}, {name}', *(_number(getattr(best, field)) for best in model.best_of)]
        for field, name in (('score', "paper's score %"), ('precision', 'precision %'))
        for model in judged.models
    ]
    yield from _table([['best of', *counts], *rows])


def _number(value: float | None) -> str:
    return '-' if value is None else f'{value:.1f}'


def _of_paper(table: PaperTable) -> Iterator[str]:
    heads, rows = paper_lines(table)
    joined = [' '.join(filter(None, column)) for column in zip(*heads, strict=True)]
    yield f'\n{table.heading}\n'
    yield from _table([joined, *rows])
    remarks = paper_remarks(table)
    if remarks:
        yield ''
    yield from (f'- {remark}' for remark in remarks)


def _table(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    head, *rows = lines
    yield f'| {" | ".join(head)} |'
    yield '|' + '---|' * len(head)
    yield from (f'| {" | ".join(row)} |' for row in rows)
