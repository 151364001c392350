"""Compared runs as CSV, a number a line; the paper's are marked as its own."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from maskdpo_xtuner.evaluation.paper import PaperTable
from maskdpo_xtuner.evaluation.ratios import Measure
from maskdpo_xtuner.evaluation.side_by_side.differences import Compared, ComparedModel
from maskdpo_xtuner.evaluation.side_by_side.table import replications

COLUMNS = (
    *('source', 'set', 'judge', 'model', 'mean_of', 'metric', 'value', 'low', 'high'),
    *('against', 'difference', 'difference_low', 'difference_high', 'notes'),
)
Line = dict[str, object]


def as_csv(groups: Sequence[Compared], tables: Sequence[PaperTable] = ()) -> str:
    """Write all values, intervals, differences; lines of the paper have none of the latter two.

    ``source`` is ``run`` or the name of the paper's table.
    """
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, restval='', lineterminator='\n')
    writer.writeheader()
    for compared in groups:
        for model in compared.models:
            writer.writerows(_lines(compared, model))
    for table in tables:
        writer.writerows(_paper_lines(table))
    return file.getvalue()


def _lines(compared: Compared, model: ComparedModel) -> Iterator[Line]:
    about = {
        'source': 'run',
        'set': compared.evaluation.name,
        'judge': compared.judge.judge.name,
        'model': model.name,
        'mean_of': replications(model.result),
    }
    for name in ('correct', 'incorrect'):
        yield {**about, 'metric': name, 'value': model.result.means[name]}
    for name, found in model.measures.items():
        yield {**about, 'metric': name, **_numbers(found, compared.baseline)}


def _numbers(found: Measure, baseline: str) -> Line:
    values: Line = {'value': found.value}
    if found.interval:
        values |= {'low': found.interval.low, 'high': found.interval.high}
    if found.difference:
        values |= {'against': baseline, 'difference': found.difference.points}
        if interval := found.difference.interval:
            values |= {'difference_low': interval.low, 'difference_high': interval.high}
    return values


def _paper_lines(table: PaperTable) -> Iterator[Line]:
    for row in table.rows:
        for column, cell in zip(table.columns, row.cells, strict=True):
            if cell and not column.is_label:
                yield {
                    'source': f'paper {table.name}',
                    'set': column.set,
                    'judge': column.judge,
                    'model': table.label_of(row),
                    'mean_of': row.runs,
                    'metric': column.name,
                    'value': cell,
                    'notes': row.notes,
                }
