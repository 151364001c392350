"""Scores of judges from the files that hold them: an evaluation, annotated responses, a table."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from maskdpo_xtuner.evaluation.counts import Counts, count_response
from maskdpo_xtuner.evaluation.results import read_evaluation
from maskdpo_xtuner.jsonl import RecordError, read_records
from maskdpo_xtuner.records import AnnotatedResponse

Over = Literal['models', 'responses']
METRICS = ('score', 'precision')


def read_scores(
    sources: Mapping[str, Path], over: Over = 'models', metric: str = 'score'
) -> tuple[dict[str, dict[str, float | None]], dict[str, str]]:
    """Read judge -> item -> score, and item -> question where the items are responses.

    An item without anything to score has None.

    Args:
        sources: name -> ``evaluation.json`` or a table, alone; or annotated responses, one file a
            judge, whose name is that of the judge.
        over: what is ranked; of annotated responses models are pooled over theirs.
        metric: ``score`` (the paper's) or ``precision``; of an evaluation any that it has.

    Raises:
        ValueError: naming file and remedy.
    """
    paths = list(sources.values())
    if len(paths) == 1 and paths[0].suffix == '.json':
        return _of_evaluation(paths[0], metric), {}
    if len(paths) == 1 and paths[0].suffix == '.csv':
        return _of_table(paths[0]), {}
    if metric not in METRICS:
        raise ValueError(f'there is no {metric!r} of responses; choose {" or ".join(METRICS)}')
    found, questions = {}, {}
    for judge, path in sources.items():
        responses = list(read_records(path, AnnotatedResponse))
        found[judge] = _of_responses(responses, over, metric)
        if over == 'responses':
            questions.update({_name(response): response.question_id for response in responses})
    return found, questions


def _of_evaluation(path: Path, metric: str) -> dict[str, dict[str, float | None]]:
    """By judge, the metric of each model."""
    if not path.is_file():
        raise RecordError(path, None, 'there is no such file; check the path')
    evaluation = read_evaluation(path)
    found: dict[str, dict[str, float | None]] = {}
    for result in evaluation.judges:
        known = {name for model in result.models for name in model.measures}
        if metric not in known:
            raise ValueError(f'{path}: no {metric!r}; choose of {", ".join(sorted(known))}')
        found[result.judge.name] = {m.name: m.measures[metric].value for m in result.models}
    return found


def _of_table(path: Path) -> dict[str, dict[str, float | None]]:
    """Read a column a judge; the first column names the items, the first row the judges."""
    if not path.is_file():
        raise RecordError(path, None, 'there is no such file; check the path')
    with path.open(encoding='utf-8-sig', newline='') as file:
        (_, *judges), *rows = [row for row in csv.reader(file) if row] or [['']]
    found: dict[str, dict[str, float | None]] = {judge: {} for judge in judges}
    for number, (item, *cells) in enumerate(rows, start=2):
        if len(cells) != len(judges):
            raise RecordError(path, number, f'{len(cells)} scores, but {len(judges)} judges')
        for judge, cell in zip(judges, cells, strict=True):
            try:
                found[judge][item] = float(cell)
            except ValueError:
                raise RecordError(path, number, f'{judge}: {cell!r} is no number') from None
    return found


def _of_responses(
    responses: Iterable[AnnotatedResponse], over: Over, metric: str
) -> dict[str, float | None]:
    """Score the responses, or the models; one without a sentence to score has None."""
    counts: dict[str, Counts] = {}
    for response in responses:
        item = response.model if over == 'models' else _name(response)
        counts[item] = counts.get(item, Counts()) + count_response(response)
    return {item: getattr(count, metric) for item, count in counts.items()}


def _name(response: AnnotatedResponse) -> str:
    return f'{response.model} {response.response_id}'


def names_of(sources: Sequence[tuple[str | None, Path]]) -> dict[str, Path]:
    """Name each source by what was said, or by its file without ``annotated-``.

    Raises:
        ValueError: when two have the same name.
    """
    named: dict[str, Path] = {}
    for said, path in sources:
        name = said or path.stem.removeprefix('annotated-')
        if name in named:
            raise ValueError(f'two files are named {name}; write NAME=FILE')
        named[name] = path
    return named
