"""What a clause states about the columns of a table: a reader for each kind of check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from maskdpo_xtuner.annotators.table.categories import read_category
from maskdpo_xtuner.annotators.table.columns import Column, Finding
from maskdpo_xtuner.annotators.table.names import read_names, read_persons
from maskdpo_xtuner.annotators.table.numbers import read_number, read_year
from maskdpo_xtuner.annotators.table.prose import read_origin, read_words
from maskdpo_xtuner.annotators.table.reading import Clause
from maskdpo_xtuner.annotators.table.signs import read_symbol
from maskdpo_xtuner.builtin import checks

READERS: Mapping[type[checks.Check], Callable[[Column, str, Clause], Iterator[Finding]]] = {
    checks.Year: read_year,
    checks.Number: read_number,
    checks.Persons: read_persons,
    checks.Names: read_names,
    checks.Symbol: read_symbol,
    checks.Category: read_category,
    checks.Words: read_words,
    checks.Origin: read_origin,
}


def statements(
    clauses: Sequence[Clause], columns: Sequence[Column], row: Mapping[str, str]
) -> list[Finding]:
    """All that the clauses of a sentence state about the columns that the row has."""
    return [
        found
        for clause in clauses
        for column in columns
        if column.check.column in row
        for found in READERS[type(column.check)](column, row[column.check.column], clause)
    ]
