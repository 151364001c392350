"""The results as CSV and as a LaTeX table."""

from __future__ import annotations

import csv
import io

import pytest

from maskdpo_xtuner.evaluation.exports import as_csv, as_latex
from tests.evaluation.test_comparison import evaluated, judged_twice
from tests.evaluation.test_replications import pooled, replicated


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_metric_of_every_model_by_every_judge_has_a_line() -> None:
    evaluation = judged_twice().model_copy(update={'name': 'near'})
    found = rows(as_csv([evaluation]))
    places = {(row['set'], row['judge'], row['model'], row['metric']) for row in found}
    assert len(places) == len(found)
    for result in evaluation.judges:
        for model in result.models:
            for metric, measure in model.measures.items():
                (row,) = [
                    r
                    for r in found
                    if (r['judge'], r['model'], r['metric'])
                    == (result.judge.name, model.name, metric)
                ]
                assert row['value'] == ('' if measure.value is None else repr(measure.value))
                assert row['k'] == '32'


def test_numbers_survive_the_csv_with_both_spreads() -> None:
    evaluation = replicated({'f1': pooled(9, 1, 'f1'), 'f2': pooled(10, 30, 'f2')})
    (row,) = [
        r for r in rows(as_csv([evaluation])) if (r['model'], r['metric']) == ('maskdpo', 'score')
    ]
    assert float(row['value']) == pytest.approx(57.5)
    assert row['trainings'] == '90.0 25.0'
    assert float(row['std_between_trainings']) > 45
    assert float(row['low']) <= float(row['value']) <= float(row['high'])


def test_the_latex_table_has_the_papers_columns_for_every_judge() -> None:
    evaluation = judged_twice().model_copy(update={'name': 'near_1'})
    lines = as_latex([evaluation]).splitlines()
    body = [line for line in lines if not line.startswith('%')]
    assert body[0] == '\\begin{tabular}{l' + 'r' * 14 + '}'
    assert body[1] == '\\toprule'
    assert '\\multicolumn{7}{c}{near\\_1, judged by kind}' in body[2]
    assert body[3] == '\\cmidrule(lr){2-8} \\cmidrule(lr){9-15}'
    assert body[4].startswith('Model & \\# Cor. & \\# Inc. & \\% Score & Precision & Supp. & F1@32')
    assert body[6].startswith('base & 12.00 & 12.00 & 50.00 & 50.00 & 1.00 &')
    assert {line.count('&') for line in body[6:8]} == {14}
    assert lines[0].startswith('% near_1, kind (made the pairs): questions: ')


def test_a_spread_between_trainings_stands_beside_the_mean_and_nothing_beside_what_is_not() -> None:
    text = as_latex([replicated({'f1': pooled(9, 1, 'f1'), 'f2': pooled(10, 30, 'f2')})])
    assert '$57.50 \\pm 45.96$' in text
    assert ' -- ' in as_latex([evaluated(base='+u', silent='.')])


def test_names_are_escaped() -> None:
    assert 'a\\_b\\&c' in as_latex([evaluated(**{'base': '+', 'a_b&c': '+'})])
