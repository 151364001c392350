"""The paper's tables: their arithmetic holds, but for the places that are noted beside the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction

import pytest

from maskdpo_xtuner.evaluation.paper import PaperRow, PaperTable, paper, paper_table

TABLES = paper().tables


def rows() -> Iterator[tuple[PaperTable, PaperRow]]:
    return ((table, row) for table in TABLES for row in table.rows)


def cells_of(table: PaperTable, row: PaperRow) -> dict[str, float]:
    """The numbers of a row under kind, set and judge."""
    return {
        f'{column.kind} {column.set} {column.judge}': float(cell)
        for column, cell in zip(table.columns, row.cells, strict=True)
        if cell and column.kind in ('correct', 'incorrect', 'score')
    }


def test_there_are_twelve_tables_with_all_their_rows() -> None:
    assert [table.name for table in TABLES] == [f'table{n}' for n in range(1, 13)]
    assert [len(table.rows) for table in TABLES] == [11, 2, 3, 6, 16, 2, 2, 5, 3, 2, 5, 2]
    assert [len(table.columns) for table in TABLES] == [10, 7, 7, 8, 7, 7, 4, 4, 4, 6, 4, 5]


def test_single_runs_have_the_ratio_of_their_counts_as_score() -> None:
    """Of ANAH-v2; a score by FactScore is the mean of the answers' scores."""
    checked = 0
    for table, row in rows():
        whole = all('.' not in cell for cell in row.cells[1:3])
        for column, correct, incorrect, score in table.counted(row):
            single = row.runs == 'one' or (whole and 'one run gives' in row.remark)
            if column.judge == 'ANAH-v2' and single:
                assert score == pytest.approx(100 * correct / (correct + incorrect), abs=0.0101)
                checked += 1
    assert checked == 9 + 5


def test_scores_far_from_the_ratio_of_their_counts_are_noted() -> None:
    """Means of ratios may differ from ratios of means, by a point at most as it looks."""
    far = {}
    for table, row in rows():
        for column, correct, incorrect, score in table.counted(row):
            ratio = 100 * correct / (correct + incorrect)
            if column.judge == 'ANAH-v2' and abs(score - ratio) > 1:
                far[table.name, table.label_of(row)] = ratio
                assert f'{ratio:.2f}' in row.contradiction + row.remark
    assert list(far) == [
        ('table5', 'Llama3.1-8B, InternLM2-7B, near'),
        ('table5', 'Llama3.1-8B, OpenAI, near'),
        ('table5', 'Llama3.1-8B, Random, -'),
        ('table8', 'SePO'),
        ('table11', '1.0'),
    ]


def test_one_experiment_has_equal_numbers_in_all_tables_but_where_it_is_noted() -> None:
    values: dict[tuple[str, str], dict[float, list[tuple[str, PaperRow]]]] = {}
    for table, row in rows():
        for key, value in cells_of(table, row).items() if row.experiment else ():
            found = values.setdefault((row.experiment, key), defaultdict(list))
            found[value].append((table.name, row))
    unequal = {key: found for key, found in values.items() if len(found) > 1}
    assert set(unequal) == {
        ('maskdpo', 'correct ANAH FactScore'),
        ('dpo', 'correct ANAH ANAH-v2'),
    }
    odd = [place for found in unequal.values() for places in found.values() for place in places]
    noted = [(name, row.experiment) for name, row in odd if row.contradiction]
    assert noted == [('table3', 'maskdpo'), ('table8', 'dpo')]
    assert len(values['maskdpo', 'score ANAH ANAH-v2'][77.53]) == 9


def test_differences_are_those_of_their_scores_but_for_one() -> None:
    wrong = []
    for name, step in (('table4', 1), ('table5', 1), ('table12', 1)):
        table = paper_table(name)
        for before, row in zip(table.rows, table.rows[step:], strict=False):
            printed = row.cells[-1]
            scores = [Fraction(r.cells[-2]) for r in (before, row)]
            if printed and Fraction(printed) != scores[1] - scores[0]:
                wrong.append((name, table.label_of(row), row.contradiction))
    assert wrong == [
        ('table5', 'Llama3.1-8B, Random, -', 'The two scores differ by 0.51.'),
    ]


def runs_of_digits(cells: tuple[str, ...]) -> int:
    """The fewest runs whose mean of whole counts is printed as these digits."""
    return next(
        n
        for n in range(1, 100)
        if all(
            abs(round(float(cell) * n) / n - float(cell)) <= 0.5 * 10 ** -len(cell.split('.')[1])
            for cell in cells
            if '.' in cell
        )
    )


def test_counts_that_five_runs_cannot_have_are_noted() -> None:
    odd = set()
    for table, row in rows():
        counts = tuple(
            cell
            for column, cell in zip(table.columns, row.cells, strict=True)
            if column.kind in ('correct', 'incorrect') and column.judge == 'ANAH-v2'
        )
        runs = runs_of_digits(counts)
        if runs not in (1, 5):
            assert f'a mean of {runs} runs' in row.remark
            odd.add(table.name)
        else:
            assert 'a mean of' not in row.remark
    assert odd == {'table5'}


def test_exactly_these_rows_contradict_the_paper() -> None:
    assert [(t.name, t.label_of(row)) for t, row in rows() if row.contradiction] == [
        ('table3', 'Llama'),
        ('table4', 'topic, 1788, 3, 2/3'),
        ('table5', 'InternLM2-7B, InternLM2-7B, near'),
        ('table5', 'Llama3.1-8B, InternLM2-7B, near'),
        ('table5', 'Llama3.1-8B, Random, -'),
        ('table8', 'DPO'),
        ('table8', 'SePO'),
    ]


@pytest.mark.parametrize(
    ('benchmark', 'questions'),
    [('GSM8K', 1319), ('MATH', 5000), ('GPQA', 198), ('HumanEval', 164), ('MBPP', 257)],
)
def test_the_benchmarks_of_table_10_have_as_many_questions(benchmark: str, questions: int) -> None:
    table = paper_table('table10')
    column = [column.name for column in table.columns].index(benchmark)
    for row in table.rows:
        right = round(float(row.cells[column]) * questions / 100)
        assert f'{100 * right / questions:.2f}' == row.cells[column]
    assert str(questions) in table.remarks[0]


def test_the_nine_open_models_are_single_runs_and_all_else_of_table_1_is_not() -> None:
    assert [row.runs for row in paper_table('table1').rows] == ['one'] * 9 + ['five'] * 2


def test_a_table_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"no table 'table13'; there are table1, .*table12"):
        paper_table('table13')
