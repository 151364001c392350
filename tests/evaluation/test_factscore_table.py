"""Both countings in two tables, and the tool that prints them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from maskdpo_xtuner.evaluation.factscore_table import (
    count_facts,
    official_rows,
    own_rows,
)
from maskdpo_xtuner.jsonl import write_records
from maskdpo_xtuner.records import AnnotatedResponse
from tests.evaluation.answers import answer
from tests.evaluation.factscored import factscored

TOOL = Path(__file__).parents[2] / 'tools' / 'count_factscore.py'
THREE_OF_FOUR = [factscored(['++', '+-'], 'a'), factscored([''], 'b')]


def test_each_outcome_has_a_count_of_its_own() -> None:
    counts = count_facts(
        [
            factscored(['++-?', 'unparsed: facts: hm', '']),
            factscored(['no_page: x', 'no_page: x']),
            factscored([]),
            factscored(['', '']),
        ]
    )
    assert (counts.supported, counts.unsupported, counts.without_verdict) == (2, 1, 1)
    assert counts.failures == {'no_page': 2, 'unparsed': 1}
    assert (counts.responses, counts.judged, counts.silent) == (4, 3, 2)
    assert counts.precision == pytest.approx(2 / 3)
    assert counts.unjudged == pytest.approx(4 / 7)


def test_the_two_countings_of_the_same_answers() -> None:
    answers = {'base': THREE_OF_FOUR}
    (ours,) = own_rows(answers)
    assert (ours['precision %'], ours['supported/answer']) == ('75.0', '1.50')
    assert ours['answers without facts'] == '1'
    (official,) = official_rows(answers)
    assert official['FActScore % (gamma 10)'] == '16.7'
    assert (official['without penalty %'], official['respond ratio %']) == ('75.0', '50.0')
    assert official['facts/response'] == '4.0'


def test_an_answer_of_which_nothing_is_known_does_not_support_nothing() -> None:
    known, unknown = factscored(['++']), factscored(['no_page: x'])
    (ours,) = own_rows({'base': [known, unknown]})
    assert (ours['supported/answer'], ours['not judged']) == ('2.00', '1')
    (nothing,) = own_rows({'base': [unknown]})
    assert (nothing['supported/answer'], nothing['not judged']) == ('-', '1')


def test_without_any_fact_there_is_no_number() -> None:
    (ours,) = own_rows({'silent': [factscored([])]})
    assert (ours['precision %'], ours['supported/answer']) == ('-', '0.00')
    (official,) = official_rows({'silent': [factscored([])]})
    assert (official['without penalty %'], official['respond ratio %']) == ('-', '0.0')


def run(path: Path, answers: list[AnnotatedResponse]) -> subprocess.CompletedProcess[str]:
    write_records(path, answers)
    return subprocess.run([sys.executable, TOOL, path], capture_output=True, text=True)


def test_a_file_is_called_as_its_name_says(tmp_path: Path) -> None:
    write_records(tmp_path / 'annotated.jsonl', THREE_OF_FOUR)
    named = [f'{name}={tmp_path / "annotated.jsonl"}' for name in ('base', 'base')]
    done = subprocess.run([sys.executable, TOOL, named[0]], capture_output=True, text=True)
    assert [line.split()[0] for line in done.stdout.splitlines()[2::4]] == ['base', 'base']
    twice = subprocess.run([sys.executable, TOOL, *named], capture_output=True, text=True)
    assert twice.returncode != 0
    assert 'two files have the same name' in twice.stderr


def test_the_tool_prints_both(tmp_path: Path) -> None:
    done = run(tmp_path / 'annotated.jsonl', THREE_OF_FOUR)
    assert (done.returncode, done.stderr) == (0, '')
    assert 'precision %' in done.stdout
    assert 'FActScore % (gamma 10)' in done.stdout
    assert '16.7' in done.stdout


def test_the_tool_ends_otherwise_where_half_is_unreadable(tmp_path: Path) -> None:
    done = run(tmp_path / 'annotated.jsonl', [factscored(['+?', 'unparsed: facts: hm', '+'])])
    assert done.returncode == 1
    assert 'annotated.jsonl: 50.0% has no verdict' in done.stdout


def test_the_tool_refuses_another_judges_answers(tmp_path: Path) -> None:
    done = run(tmp_path / 'annotated.jsonl', [answer('q', 0, '+c')])
    assert done.returncode == 1
    assert done.stderr.startswith('error: there are sentences with a label and without facts')
