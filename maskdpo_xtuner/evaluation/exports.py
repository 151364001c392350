"""The results of all sets as files for other programs: CSV, and a LaTeX table (booktabs)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from maskdpo_xtuner.evaluation.ratios import Measure
from maskdpo_xtuner.evaluation.results import Evaluation, JudgeResult, ModelResult
from maskdpo_xtuner.evaluation.table import Row, paper_counts

_NUMBERS = (
    *('value', 'low', 'high', 'std_between_trainings', 'trainings'),
    *('difference', 'difference_low', 'difference_high'),
)
_EMPTY = dict.fromkeys(_NUMBERS, '')


def as_csv(evaluations: Sequence[Evaluation]) -> str:
    """Every number in a line of its own: set, judge, model, metric, value, both spreads.

    ``low`` and ``high`` are the ends of the interval between topics; ``trainings`` are the values
    of the trainings of one row, separated by blanks.
    """
    rows = [row for e in evaluations for result in e.judges for row in _lines(e, result)]
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), lineterminator='\n')
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _lines(evaluation: Evaluation, result: JudgeResult) -> Iterator[Row]:
    for model in result.models:
        place = {
            'set': evaluation.name,
            'judge': result.judge.name,
            'unit': result.unit,
            'k': str(evaluation.k),
            'model': model.name,
        }
        for name in ('correct', 'incorrect'):
            yield {**place, 'metric': name, **_EMPTY, 'value': repr(model.means[name])}
        for name, found in model.measures.items():
            yield {**place, 'metric': name, **_EMPTY, **_numbers(found)}


def _numbers(found: Measure) -> Row:
    values = {
        'value': found.value,
        'std_between_trainings': found.std,
        'low': found.interval and found.interval.low,
        'high': found.interval and found.interval.high,
        'difference': found.difference and found.difference.points,
    }
    if found.difference and found.difference.interval:
        values['difference_low'] = found.difference.interval.low
        values['difference_high'] = found.difference.interval.high
    each = ' '.join('' if value is None else repr(value) for value in found.trainings)
    return {k: '' if v is None else repr(v) for k, v in values.items()} | {'trainings': each}


def as_latex(evaluations: Sequence[Evaluation]) -> str:
    r"""Write a ``tabular`` of sets and judges, a line a model; it needs ``\usepackage{booktabs}``.

    The first three columns of a judge are those of the paper's tables. The spread beside a value is
    the standard deviation between trainings, where there are several.
    """
    columns = [(evaluation, result) for evaluation in evaluations for result in evaluation.judges]
    about = [f'% {line}' for evaluation, result in columns for line in _made_of(evaluation, result)]
    heads = [_head(evaluation, result) for evaluation, result in columns]
    width = len(_names(columns[0][0]))
    rules = [
        f'\\cmidrule(lr){{{2 + n * width}-{1 + (n + 1) * width}}}' for n in range(len(columns))
    ]
    names = [name for evaluation, _ in columns for name in _names(evaluation)]
    lines = [
        *about,
        '\\begin{tabular}{l' + 'r' * width * len(columns) + '}',
        '\\toprule',
        _line(['', *heads]),
        ' '.join(rules),
        _line(['Model', *names]),
        '\\midrule',
        *(_line(_cells(name, columns)) for name in _models(columns)),
        '\\bottomrule',
        '\\end{tabular}',
    ]
    return '\n'.join(lines) + '\n'


def _made_of(evaluation: Evaluation, result: JudgeResult) -> Iterator[str]:
    """Give what made the numbers, as comments: a table without it cannot be compared."""
    made = {'questions': evaluation.questions_sha256[:12], **evaluation.sampling}
    made |= {'runs': evaluation.num_runs, **{f'judge.{k}': v for k, v in result.annotator.items()}}
    said = ', '.join(f'{key}: {value}' for key, value in made.items())
    yield f'{evaluation.name or "set"}, {result.judge.heading}: {" ".join(said.split())}'


def _head(evaluation: Evaluation, result: JudgeResult) -> str:
    name = f'{evaluation.name}, ' if evaluation.name else ''
    text = _escaped(f'{name}judged by {result.judge.name}')
    return f'\\multicolumn{{{len(_names(evaluation))}}}{{c}}{{{text}}}'


def _names(evaluation: Evaluation) -> list[str]:
    return [
        *('\\# Cor.', '\\# Inc.', '\\% Score', 'Precision', 'Supp.', f'F1@{evaluation.k}', 'Resp.')
    ]


def _models(columns: Sequence[tuple[Evaluation, JudgeResult]]) -> list[str]:
    return list(dict.fromkeys(model.name for _, result in columns for model in result.models))


def _cells(name: str, columns: Sequence[tuple[Evaluation, JudgeResult]]) -> Iterator[str]:
    yield _escaped(name)
    for _, result in columns:
        model = next(model for model in result.models if model.name == name)
        yield from _numbers_of(result, model)


def _numbers_of(result: JudgeResult, model: ModelResult) -> Iterator[str]:
    correct, incorrect = paper_counts(result, model)
    yield f'{correct:.2f}'
    yield f'{incorrect:.2f}'
    for key in ('score', 'precision', 'supported_per_answer', 'f1_at_k', 'response_ratio'):
        found = model.measures[key]
        if found.value is None:
            yield '--'
        elif found.std is None:
            yield f'{found.value:.2f}'
        else:
            yield f'${found.value:.2f} \\pm {found.std:.2f}$'


def _line(cells: Sequence[str] | Iterator[str]) -> str:
    return ' & '.join(cells) + ' \\\\'


def _escaped(text: str) -> str:
    special = {'\\': r'\textbackslash{}', '~': r'\textasciitilde{}', '^': r'\textasciicircum{}'}
    special |= {mark: f'\\{mark}' for mark in '&%$#_{}'}
    return ''.join(special.get(mark, mark) for mark in text)
