"""Compared runs as tables of text, with the paper's rows in tables of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from maskdpo_xtuner.columns import align
from maskdpo_xtuner.evaluation.paper import RUNS, PaperRow, PaperTable
from maskdpo_xtuner.evaluation.results import ModelResult
from maskdpo_xtuner.evaluation.side_by_side.differences import Compared, ComparedModel
from maskdpo_xtuner.evaluation.table import Row, format_table, paper_counts
from maskdpo_xtuner.evaluation.verdict import format_difference, format_value

PAPERS = (
    'Numbers of the paper are of questions that are not published, by its judges and prompts: '
    'they are shown as printed, and no difference to them is computed.'
)
# Metric -> its heading and decimals: what decides, then what it may have cost.
Metrics = Mapping[str, tuple[str, int]]
DECIDING: Metrics = {
    'score': ("paper's score %", 2),
    'precision': ('precision %', 1),
    'supported_per_answer': ('supported/answer', 2),
    'f1_at_k': ('F1@{k} %', 1),
}
FURTHER: Metrics = {
    'hallucinated_per_answer': ('hallucinated/answer', 2),
    'response_ratio': ('response ratio %', 1),
    'tokens_per_answer': ('tokens/answer', 0),
    'rep_4': ('rep-4 %', 1),
}


def about(compared: Compared) -> list[str]:
    """Give lines that say what the numbers of a group are of."""
    evaluation = compared.evaluation
    decoding = ', '.join(f'{key} {value:g}' for key, value in evaluation.sampling.items())
    made = ', '.join(f'{key}: {value}' for key, value in compared.judge.annotator.items())
    lines = [
        f'{compared.questions} questions on {compared.topics} topics; decoding: {decoding}',
        f'judge: {" ".join(made.split())}',
    ]
    if compared.left_out:
        lines.append(f'{compared.left_out} questions are left out: not every model answered them')
    return lines


def value_tables(compared: Compared) -> list[list[Row]]:
    """Give the values of every model with their intervals; the counts stand in the first table."""
    first = [
        {'model': model.name, **_counts(compared, model), **_values(compared, model, DECIDING)}
        for model in compared.models
    ]
    further = [
        {
            'model': model.name,
            'mean of': replications(model.result),
            **_values(compared, model, FURTHER),
        }
        for model in compared.models
    ]
    return [first, further]


def difference_tables(compared: Compared) -> list[list[Row]]:
    """Give the paired differences to the baseline; no tables where it stands alone."""
    others = [model for model in compared.models if model.name != compared.baseline]
    tables = [
        [{'model': model.name, **_differences(compared, model, metrics)} for model in others]
        for metrics in (DECIDING, FURTHER)
    ]
    return tables if others else []


def replications(model: ModelResult) -> str:
    """Say how many trainings and runs the numbers are the mean of."""
    trainings = max(len(model.trainings), 1)
    runs = len(model.runs) // trainings
    said = f'{runs} run' + 's' * (runs > 1)
    return said if trainings == 1 else f'{trainings} trainings, {said} each'


def _counts(compared: Compared, model: ComparedModel) -> Row:
    correct, incorrect = paper_counts(compared.judge, model.result)
    return {'correct': f'{correct:.1f}', 'incorrect': f'{incorrect:.1f}'}


def _values(compared: Compared, model: ComparedModel, metrics: Metrics) -> Row:
    row = {}
    for metric, (heading, decimals) in metrics.items():
        found = model.measures[metric]
        text = format_value(found.value, found.interval, decimals)
        row[heading.format(k=compared.evaluation.k)] = text
    return row


def _differences(compared: Compared, model: ComparedModel, metrics: Metrics) -> Row:
    return {
        heading.format(k=compared.evaluation.k): format_difference(
            model.measures[metric].difference, decimals
        )
        or '-'
        for metric, (heading, decimals) in metrics.items()
    }


def format_compared(compared: Compared) -> str:
    """Format a group for the terminal."""
    blocks = ['\n'.join([compared.title, *about(compared)])]
    blocks += map(format_table, value_tables(compared))
    if differences := difference_tables(compared):
        blocks.append(f'difference to {compared.baseline} on the same questions:')
        blocks += map(format_table, differences)
    return '\n\n'.join(blocks)


def paper_lines(table: PaperTable) -> tuple[list[list[str]], list[list[str]]]:
    """Give the lines of a table's head (sets, judges, names) and its rows, as printed.

    The last column says how many runs a row is the mean of.
    """
    heads = [[column.set for column in table.columns], [column.judge for column in table.columns]]
    names = [column.name for column in table.columns]
    above = [[*head, ''] for head in heads if any(head)]
    rows = [[*row.cells, RUNS[row.runs]] for row in table.rows]
    return [*above, [*names, 'numbers']], rows


def paper_remarks(table: PaperTable) -> list[str]:
    """Give what is said of a table and of its rows."""
    return [
        *table.remarks,
        *(f'{table.label_of(row)}: {said}' for row in table.rows for said in _remarks(row)),
    ]


def _remarks(row: PaperRow) -> list[str]:
    said = [f'the paper contradicts itself. {row.contradiction}'] if row.contradiction else []
    return [*said, row.remark] if row.remark else said


def format_paper(table: PaperTable) -> str:
    """Format a table of the paper for the terminal."""
    heads, rows = paper_lines(table)
    return '\n'.join([table.heading, align([*heads, *rows], right=True), *paper_remarks(table)])


def format_all(
    groups: Sequence[Compared], alone: Sequence[str], tables: Sequence[PaperTable]
) -> str:
    """Give what ``tools/compare.py`` prints."""
    blocks = [format_compared(each) for each in groups]
    if alone:
        blocks.append('not compared:\n' + '\n'.join(f'  {line}' for line in alone))
    if tables:
        blocks += [*map(format_paper, tables), PAPERS]
    return '\n\n'.join(blocks)
