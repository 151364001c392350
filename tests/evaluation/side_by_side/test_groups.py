"""Only results of the same questions, judge, prompts, K and decoding stand side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.evaluation.judges import Judge
from maskdpo_xtuner.evaluation.side_by_side.groups import Grouping, group
from maskdpo_xtuner.evaluation.side_by_side.runs import read_runs
from tests.evaluation.side_by_side.made import SAMPLING, alike, make_run

MODELS = {'base': alike('+c')}
OTHER = Judge(name='other', made_pairs=True)


def grouped(*folders: Path, **options: Any) -> Grouping:
    return group(read_runs([*map(str, folders)]), **options)


def test_equal_origins_make_one_group_of_all_runs(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name, MODELS) for name in ('a', 'b', 'c')]
    grouping = grouped(*runs)
    assert [each.runs for each in grouping.groups] == [['a', 'b', 'c']]
    assert grouping.alone == ()


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'document': 'other'}, 'the questions or their documents are not the same'),
        ({'annotator': {'name': 'by hand', 'prompts': 'other'}}, r'the judges are not the same'),
        ({'k': 64}, 'F1@32 is not F1@64'),
        ({'sampling': {**SAMPLING, 'top_k': 1.0}}, r'decoded differently \(top_k: 40.0 -> 1.0\)'),
    ],
)
def test_what_differs_is_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    a, b = make_run(tmp_path / 'a', MODELS), make_run(tmp_path / 'b', MODELS, **changes)
    with pytest.raises(ValueError, match=f'a and b may not stand side by side .truth.: .*{reason}'):
        grouped(a, b)


def test_decoding_may_differ_where_that_is_allowed(tmp_path: Path) -> None:
    a = make_run(tmp_path / 'a', MODELS)
    b = make_run(tmp_path / 'b', MODELS, sampling={**SAMPLING, 'top_k': 1.0})
    assert len(grouped(a, b, allowed=['decoding']).groups) == 1


def test_a_set_that_only_one_run_has_is_said_and_not_compared(tmp_path: Path) -> None:
    a = make_run(tmp_path / 'a', MODELS, name='anah')
    make_run(tmp_path / 'a', MODELS, name='biography', document='of persons')
    b = make_run(tmp_path / 'b', MODELS, name='anah')
    grouping = grouped(a, b)
    assert [each.title for each in grouping.groups] == ['anah, judged by truth']
    assert grouping.alone == ('biography, judged by truth: only in a',)


def test_another_name_of_the_same_set_changes_nothing(tmp_path: Path) -> None:
    a = make_run(tmp_path / 'a', MODELS)
    b = make_run(tmp_path / 'b', MODELS, name='anah')
    assert [each.runs for each in grouped(a, b).groups] == [['a', 'b']]


def test_runs_with_nothing_in_common_are_refused_with_the_reason(tmp_path: Path) -> None:
    a = make_run(tmp_path / 'a', MODELS)
    b = make_run(tmp_path / 'b', MODELS, judge=OTHER, annotator={'name': 'another'})
    message = r'a \(truth\) and b \(other\) may not stand side by side: the judges are not the same'
    with pytest.raises(ValueError, match=message):
        grouped(a, b)


def test_one_run_alone_has_all_its_groups(tmp_path: Path) -> None:
    a = make_run(tmp_path / 'a', MODELS, name='anah')
    make_run(tmp_path / 'a', MODELS, name='biography', document='of persons')
    grouping = grouped(a)
    assert len(grouping.groups) == 2
    assert grouping.alone == ()


def test_runs_are_called_as_their_work_dirs_or_as_the_user_says(tmp_path: Path) -> None:
    a = make_run(tmp_path / 'x' / 'run', MODELS, name='anah')
    b = make_run(tmp_path / 'y' / 'run', MODELS)
    files = [a / 'evaluation' / 'anah' / 'evaluation.json', b / 'evaluation', b]
    assert [read_runs([str(path)])[0].run for path in files] == ['run'] * 3
    assert [f.run for f in read_runs([f'before={a}', f'after={b}'])] == ['before', 'after']
    with pytest.raises(ValueError, match='two runs are called run; give them names: NAME=PATH'):
        read_runs([str(a), str(b)])


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'there is no evaluation.json'):
        read_runs([str(tmp_path)])
