"""Tables 1 to 12 of the Mask-DPO paper, from ``paper_tables.json`` beside this file.

Cells are the paper's digits. Where the paper contradicts itself, the row says so; what stands in
the tables is never corrected. Its numbers are of questions that are not published: they stand
beside other runs to be read, and are in no difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import model_validator
from typing_extensions import Self

from maskdpo_xtuner.records import Record

Kind = Literal['label', 'correct', 'incorrect', 'score', 'difference']
Runs = Literal['one', 'five', 'unsaid']
RUNS: dict[Runs, str] = {
    'one': 'one run',
    'five': 'mean of five',
    'unsaid': 'runs not said',
}


class Column(Record):
    """A column of a table.

    Attributes:
        name: as printed.
        kind: ``label`` for what tells the rows apart; ``score`` is in percent.
        set: of the questions, or the benchmark.
        judge: who counted.
    """

    name: str
    kind: Kind
    set: str = ''
    judge: str = ''

    @property
    def is_label(self) -> bool:
        """Whether it tells the rows apart and counts nothing."""
        return self.kind == 'label'

    @property
    def heading(self) -> str:
        """The name with set and judge, where there are any."""
        return f'{self.name} ({self.set} by {self.judge})' if self.judge else self.name


class PaperRow(Record):
    """A row: one cell a column, empty where nothing is printed.

    Attributes:
        cells: the digits as printed.
        runs: how many runs the numbers are the mean of, by section 3.1.
        experiment: equal for rows of several tables that are one experiment.
        contradiction: in what the row contradicts another place of the paper, or itself.
        remark: what else a reader should know.
    """

    cells: tuple[str, ...]
    runs: Runs
    experiment: str = ''
    contradiction: str = ''
    remark: str = ''

    @property
    def notes(self) -> str:
        """How many runs, and all that is said of the row."""
        return '. '.join(
            text.rstrip('.') for text in (RUNS[self.runs], self.contradiction, self.remark) if text
        )


class PaperTable(Record):
    """A table; ``name`` is ``table1`` to ``table12``."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[PaperRow, ...]
    remarks: tuple[str, ...] = ()

    @model_validator(mode='after')
    def _check_widths(self) -> Self:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(f'{self.name}: {len(row.cells)} cells: {row.cells}')
        return self

    @property
    def heading(self) -> str:
        """``Table 1 of the paper: title``."""
        return f'Table {self.name.removeprefix("table")} of the paper: {self.title}'

    def label_of(self, row: PaperRow) -> str:
        """Give what tells a row apart: its label cells."""
        return ', '.join(c for c, of in zip(row.cells, self.columns, strict=True) if of.is_label)

    def counted(self, row: PaperRow) -> Iterator[tuple[Column, float, float, float]]:
        """Correct, incorrect and score of a row, for every set and judge that has all three."""
        found: dict[tuple[str, str], dict[Kind, float]] = {}
        for column, cell in zip(self.columns, row.cells, strict=True):
            if cell and not column.is_label:
                found.setdefault((column.set, column.judge), {})[column.kind] = float(cell)
        for column in self.columns:
            values = found.get((column.set, column.judge), {})
            if column.kind == 'score' and {'correct', 'incorrect'} <= values.keys():
                yield column, values['correct'], values['incorrect'], values['score']


class Paper(Record):
    """The tables, and what the paper leaves open."""

    source: str
    tables: tuple[PaperTable, ...]
    remarks: tuple[str, ...]


@cache
def paper() -> Paper:
    """Read the file."""
    file = resources.files(__package__).joinpath('paper_tables.json')
    return Paper.model_validate_json(file.read_text(encoding='utf-8'))


def paper_table(name: str) -> PaperTable:
    """Give the table of a name.

    Raises:
        ValueError: for a name that no table has, with those that there are.
    """
    for table in paper().tables:
        if table.name == name:
            return table
    names = ', '.join(table.name for table in paper().tables)
    raise ValueError(f'the paper has no table {name!r}; there are {names}')
