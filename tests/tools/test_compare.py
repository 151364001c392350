"""The tool prints, writes and refuses."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from maskdpo_xtuner.command_line import run_tool
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.evaluation.paper import paper_table
from maskdpo_xtuner.evaluation.run import evaluate
from maskdpo_xtuner.evaluation.side_by_side.table import PAPERS
from tests.evaluation.side_by_side.made import alike, make_run
from tests.evaluation.test_run import engines, settings
from tests.reports.pages import assert_self_contained, parse_page
from tools.compare import main

__all__ = ['engines']  # a fixture


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    trainings = [alike('++c'), alike('+++')]
    a = make_run(tmp_path / 'a', {'base': alike('+c')})
    b = make_run(tmp_path / 'b', {'maskdpo': trainings, 'quiet': alike('.')})
    return [str(a), f'after={b}']


def test_the_table_has_all_models_and_the_paper_stands_apart(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*runs, '--paper', 'table1', 'table8'])
    out = capsys.readouterr().out
    assert out.startswith('truth\n6 questions on 6 topics; decoding: temperature 0.8')
    head, _, papers = (part.strip() for part in out.partition('Table 1 of the paper'))
    assert 'difference to a: base on the same questions' in head
    lines = [line for line in head.splitlines() if line.startswith('after: maskdpo')]
    assert '2 trainings, 1 run each' in lines[1]
    assert len(lines) == 4  # values and differences, of what decides and of what it cost
    assert '+33.3 [+33.3, +33.3]' in lines[2]
    assert papers.endswith(PAPERS)
    printed = [line.split()[:10] for line in papers.splitlines()]
    assert all(list(row.cells) in printed for row in paper_table('table1').rows)
    assert 'SePO: the paper contradicts itself. 254 of 865.4 is 29.35 %.' in papers
    assert 'Ours' not in head


def test_the_csv_has_every_number_and_no_difference_of_the_papers(
    runs: list[str], tmp_path: Path
) -> None:
    main([*runs, '--paper', 'table1', '--csv', str(tmp_path / 'out.csv')])
    with (tmp_path / 'out.csv').open() as file:
        lines = list(csv.DictReader(file))
    (found,) = [x for x in lines if (x['model'], x['metric']) == ('after: maskdpo', 'precision')]
    assert float(found['value']) == pytest.approx((200 / 3 + 100) / 2)
    assert (found['source'], found['against']) == ('run', 'a: base')
    papers = [line for line in lines if line['source'] == 'paper table1']
    assert len(papers) == 11 * 9
    assert not any(line['difference'] or line['against'] for line in papers)
    assert [line['value'] for line in papers if line['model'] == 'Ours'][:3] == [
        *('547.6', '161.4', '77.53'),
    ]
    assert papers[-1]['mean_of'] == 'five'
    assert papers[0]['notes'] == 'one run'


def test_the_page_is_whole_and_shows_every_model_and_the_papers_rows(
    runs: list[str], tmp_path: Path
) -> None:
    page = tmp_path / 'page.html'
    main([*runs, '--paper', 'table1', 'table5', '--page', str(page)])
    text = page.read_text(encoding='utf-8')
    assert_self_contained(text)
    parsed = parse_page(text)
    assert parsed.find('h1')[0].text == 'a and after side by side'
    tables = [[row.text for row in table.find('tr')] for table in parsed.find('table')]
    values, _, differences, _, table1, table5 = tables
    assert [row.startswith(f'{n}. ') for n, row in enumerate(values)][1:] == [True] * 3
    assert [row.split('.')[0] for row in differences[1:]] == ['2', '3']
    assert len(table1) == 3 + 11  # sets, judges, names
    assert len(table5) == 3 + 16
    assert any('Ours547.6161.477.53' in row and row.endswith('mean of five') for row in table1)


def test_runs_of_different_judges_end_in_an_error_that_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = make_run(tmp_path / 'a', {'base': alike('+c')})
    b = make_run(tmp_path / 'b', {'base': alike('+c')}, annotator={'name': 'another'})
    with pytest.raises(SystemExit) as caught:
        run_tool(lambda: main([str(a), str(b)]))
    assert str(caught.value.code).startswith('error: a and b may not stand side by side (truth)')
    assert not capsys.readouterr().out


def test_a_table_that_the_paper_does_not_have_is_refused_first(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the paper has no table 'table13'"):
        main([str(tmp_path), '--paper', 'table13'])


def test_what_evaluate_leaves_can_be_compared(
    tmp_path: Path, engines: list[ScriptedEngine], capsys: pytest.CaptureFixture[str]
) -> None:
    for name, model in (('a', None), ('b', 'good')):
        (tmp_path / name).mkdir()
        asked = settings(tmp_path / name).model_copy(update={'work_dir': tmp_path / name / 'w'})
        evaluate(asked, {'model': model}, quiet=True)
    main([f'{name}={tmp_path / name / "w"}' for name in 'ab'])
    *_, differences = capsys.readouterr().out.partition('difference to a: model')
    row = next(line for line in differences.splitlines() if line.startswith('b: model'))
    assert '+50.0 [+50.0, +50.0]' in row  # precision
