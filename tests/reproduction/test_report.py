"""The page of what was found, from a run that is kept in this repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from maskdpo_xtuner.evaluation.best_of import BestOf
from maskdpo_xtuner.evaluation.results import Evaluation, read_evaluation
from maskdpo_xtuner.evaluation.shortfalls import Shortfall
from maskdpo_xtuner.evaluation.verdict import format_value
from tools.reproduce import main

TABLE7 = Path(__file__).parents[2] / 'results' / 'paper_small' / 'table7' / 'evaluation.json'
Put = Callable[[str, Evaluation], None]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def put() -> Put:
    """Leave an evaluation as its step does."""

    def put(table: str, evaluation: Evaluation) -> None:
        folder = Path(f'work_dirs/paper/small-{table}/evaluation')
        folder.mkdir(parents=True)
        (folder / 'evaluation.json').write_text(evaluation.model_dump_json())
        Path(f'work_dirs/paper/small-{table}.txt').touch()

    return put


def written(*tables: str) -> str:
    main([*tables, '--small', '--report', 'page.md'])
    return Path('page.md').read_text()


def test_tables_stand_beside_the_papers(put: Put, capsys: pytest.CaptureFixture[str]) -> None:
    put('table7', read_evaluation(TABLE7))

    page = written('table7', 'table8')

    assert capsys.readouterr().out == '1 of 2 experiments have results: page.md\n'
    after = read_evaluation(TABLE7).judges[0].models[1]
    precision = after.measures['precision']
    ours = f'| sft_maskdpo | 1 run | {format_value(precision.value, precision.interval)} |'
    theirs = '| Llama-3.1-8B + SFT + Mask-DPO | 631 | 192 | 76.67 | mean of five |'
    assert page.index('## table7') < page.index(ours) < page.index(theirs)
    assert 'Judge: lexical (did not make the pairs)' in page
    assert '## table8' not in page
    assert 'Without results: table8.' in page


def test_an_evaluation_that_was_killed_is_no_result(put: Put) -> None:
    put('table7', read_evaluation(TABLE7))
    Path('work_dirs/paper/small-table7/evaluation/evaluation.json').unlink()

    assert 'Without results: table7.' in written('table7')


def test_what_is_missing_from_the_numbers_is_said(put: Put) -> None:
    gone = Shortfall(kind='no answer', model='base', count=3, of=80)
    put('table7', read_evaluation(TABLE7).model_copy(update={'shortfalls': (gone,)}))

    assert f'**{gone.describe()}**' in written('table7')


def test_the_best_of_several_answers_has_a_table(put: Put) -> None:
    evaluation = read_evaluation(TABLE7)
    best = tuple(BestOf(n, 10.0 * n, None, 0, 0, 5.0 * n, None, None) for n in (1, 2, 4))
    judges = tuple(
        judged.model_copy(
            update={'models': tuple(m.model_copy(update={'best_of': best}) for m in judged.models)}
        )
        for judged in evaluation.judges
    )
    put('table6', evaluation.model_copy(update={'judges': judges}))

    page = written('table6')

    assert '| best of | 1 | 2 | 4 |' in page
    assert '| maskdpo, precision % | 5.0 | 10.0 | 20.0 |' in page


def test_affinity_is_shown_as_its_command_printed_it() -> None:
    printed = Path('work_dirs/paper/small-affinity.txt')
    printed.parent.mkdir(parents=True)
    printed.touch()
    assert 'Without results: affinity.' in written('affinity')

    printed.write_text('entities of  change\nchosen        -0.18\n')
    assert '```text\nentities of  change\nchosen        -0.18\n```' in written('affinity')
