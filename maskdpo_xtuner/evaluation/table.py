"""The result of an evaluation in words and as a table of text."""

from __future__ import annotations

from collections.abc import Sequence

from maskdpo_xtuner.evaluation.best_of import BestOf
from maskdpo_xtuner.evaluation.comparison import Evaluation, ModelResult
from maskdpo_xtuner.evaluation.intervals import Difference, Interval

LESS_SAID = 0.8
"""A score is called the score of a model that says less from this share of correct facts on."""


def statement(result: ModelResult, baseline: ModelResult) -> str:
    """Say plainly how the model compares with the baseline, and whether it just says less.

    Raises:
        ValueError: for the first model, which is compared with none.
    """
    difference = result.difference
    if difference is None:
        raise ValueError(f'{result.name} is the model that others are compared with')
    said = _what_is_said(result, baseline)
    return _comparison(result.name, baseline.name, difference) + (f'; {said}' if said else '')


def _what_is_said(result: ModelResult, baseline: ModelResult) -> str:
    before, now = _correct_facts(baseline), _correct_facts(result)
    if now >= LESS_SAID * before:
        return ''
    return (
        f'but it says less: {now:.1f} correct sentences with facts in all its answers against '
        f'{before:.1f}'
    )


def _correct_facts(result: ModelResult) -> float:
    return result.means['correct'] - result.means['no_facts']


def _comparison(name: str, baseline: str, difference: Difference) -> str:
    if difference.points is None:
        return f'{name} cannot be compared with {baseline}: nothing was judged'
    points = f'{difference.points:+.1f} points'
    if difference.interval is None:
        return f'{points} from {baseline} to {name}; one topic cannot tell if it is noise'
    points += f' {format_interval(difference.interval, signed=True)}'
    if difference.verdict == 'within noise':
        return f'the difference between {name} and {baseline} is within noise: {points}'
    return f'{name} is {difference.verdict} than {baseline}: {points}'


def statements(evaluation: Evaluation) -> list[str]:
    """`statement` of every model after the first."""
    first, *others = evaluation.models
    return [statement(result, first) for result in others]


def format_interval(interval: Interval | None, *, signed: bool = False) -> str:
    """``[71.2, 80.4]``, or ``-`` where there is none."""
    if interval is None:
        return '-'
    form = '+.1f' if signed else '.1f'
    return f'[{interval.low:{form}}, {interval.high:{form}}]'


def score_rows(evaluation: Evaluation) -> list[dict[str, str]]:
    """The table of scores: for each model its columns, name of the column -> text."""
    return [_score_row(result, evaluation.bootstrap.level) for result in evaluation.models]


def content_rows(evaluation: Evaluation) -> list[dict[str, str]]:
    """The table of what the score hides: how much is said, and how much of it can be checked."""
    return [_content_row(result) for result in evaluation.models]


def best_of_rows(evaluation: Evaluation) -> list[dict[str, str]]:
    """The table of the best of N (the paper's Table 6): a row for each N, a column a model."""
    curves = {result.name: result.best_of for result in evaluation.models}
    first = next(iter(curves.values()))
    return [
        {'best of': str(point.count)}
        | {name: _format_best_of(curve[row]) for name, curve in curves.items()}
        for row, point in enumerate(first)
    ]


def _format_best_of(point: BestOf) -> str:
    return '-' if point.score is None else f'{point.score:.2f} {format_interval(point.interval)}'


def _score_row(result: ModelResult, level: float) -> dict[str, str]:
    difference = result.difference
    points = None if difference is None else difference.points
    return {
        'model': result.name,
        'correct': f'{result.means["correct"]:.1f}',
        'incorrect': f'{result.means["incorrect"]:.1f}',
        'score %': '-' if result.score is None else f'{result.score:.2f}',
        f'{level:.0%} interval': format_interval(result.interval),
        'difference': '-' if points is None else f'{points:+.2f}',
        'verdict': '-' if difference is None else difference.verdict,
    }


def _content_row(result: ModelResult) -> dict[str, str]:
    means = result.means
    return {
        'model': result.name,
        'sentences/answer': f'{means["sentences"] / means["answers"]:.1f}',
        'tokens/answer': f'{means["tokens"] / means["answers"]:.0f}',
        'correct with facts': f'{_correct_facts(result):.1f}',
        'no facts': _share(means['no_facts'], means['sentences']),
        'no verdict': f'{means["without_verdict"]:.1f}',
        'empty answers': f'{means["empty"]:.1f}',
        'cut answers': _share(means['truncated'], means['answers']),
    }


def _share(part: float, whole: float) -> str:
    return f'{part / whole:.0%}' if whole else '-'


def format_table(rows: Sequence[dict[str, str]]) -> str:
    """Align rows for a terminal: the first column to the left, the others to the right."""
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return '\n'.join(
        '  '.join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def format_evaluation(evaluation: Evaluation) -> str:
    """What ``tools/evaluate.py`` prints: what was asked, the table, the statements on noise."""
    runs = len(evaluation.models[0].runs)
    head = (
        f'{evaluation.questions} questions on {evaluation.topics} topics, {runs} runs; counts are '
        'totals over the set, averaged over runs'
    )
    tables = [score_rows(evaluation), content_rows(evaluation)]
    if runs > 1:
        tables.append(best_of_rows(evaluation))
    return '\n\n'.join([head, *map(format_table, tables), *statements(evaluation)])
