"""Differences are of the same questions, and counts are those of the results."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdpo_xtuner.evaluation.results import FILE, QUESTIONS_FILE, read_evaluation
from maskdpo_xtuner.evaluation.side_by_side.differences import Compared, compare_group
from maskdpo_xtuner.evaluation.side_by_side.groups import group
from maskdpo_xtuner.evaluation.side_by_side.runs import read_runs
from tests.evaluation.side_by_side.made import alike, make_run

UNEVEN = {f'q{n}': ['+' * n + 'c' * (6 - n)] for n in range(6)}


def compared(*folders: Path, against: str | None = None) -> Compared:
    (only,) = group(read_runs([*map(str, folders)])).groups
    return compare_group(only, against)


def test_differences_are_to_the_first_model_of_the_first_run(tmp_path: Path) -> None:
    a = make_run(tmp_path / 'a', {'base': alike('+c'), 'dpo': alike('++c')})
    b = make_run(tmp_path / 'b', {'maskdpo': alike('+++c')})
    found = compared(a, b)
    assert found.baseline == 'a: base'
    assert [model.name for model in found.models] == ['a: base', 'a: dpo', 'b: maskdpo']
    values = [model.measures['precision'].value for model in found.models]
    assert values == pytest.approx([50, 200 / 3, 75])
    base, _, maskdpo = (model.measures['precision'].difference for model in found.models)
    assert base is None
    assert maskdpo is not None
    assert maskdpo.points == pytest.approx(25)
    # Every topic has the same, so nothing varies between resamples.
    assert maskdpo.interval is not None
    assert (maskdpo.interval.low, maskdpo.interval.high) == pytest.approx((25, 25))


def test_two_runs_are_paired_as_one_run_with_both_models_is(tmp_path: Path) -> None:
    one = make_run(tmp_path / 'one', {'base': alike('+c'), 'aligned': UNEVEN})
    a = make_run(tmp_path / 'a', {'base': alike('+c')})
    b = make_run(tmp_path / 'b', {'aligned': UNEVEN})
    within = read_evaluation(one / 'evaluation' / FILE).judges[0].models[1].measures
    across = compared(a, b).models[1].measures
    for metric in ('score', 'precision', 'f1_at_k', 'tokens_per_answer'):
        assert across[metric] == within[metric]
    assert within['precision'].difference is not None
    assert within['precision'].difference.points == pytest.approx(100 * 15 / 36 - 50)


def test_another_baseline_turns_the_sign(tmp_path: Path) -> None:
    a = make_run(tmp_path / 'a', {'base': alike('+c')})
    b = make_run(tmp_path / 'b', {'aligned': alike('++')})
    base = compared(a, b, against='b: aligned').models[0]
    assert base.measures['precision'].difference is not None
    assert base.measures['precision'].difference.points == -50
    assert compared(a, b, against='b:aligned') == compared(a, b, against='b: aligned')
    with pytest.raises(ValueError, match=r'no model b:base to compare with; there are a:base, b:'):
        compared(a, b, against='b:base')


def test_a_model_against_itself_differs_by_nothing(tmp_path: Path) -> None:
    runs = [make_run(tmp_path / name, {'base': UNEVEN}) for name in ('a', 'b')]
    for found in compared(*runs).models[1].measures.values():
        if found.difference is not None and found.difference.points is not None:
            assert found.difference.points == 0


def test_questions_that_one_model_did_not_answer_are_left_out_for_all(tmp_path: Path) -> None:
    hard = {'q5': ['cccc', 'cccc']}
    a = make_run(tmp_path / 'a', {'base': alike('+c', '+c') | hard})
    b = make_run(tmp_path / 'b', {'lost': alike('++', '++') | {'q5': ['++']}})
    found = compared(a, b)
    assert (found.questions, found.topics, found.left_out) == (5, 5, 1)
    assert found.models[0].measures['precision'].value == 50  # without q5
    assert found.models[0].result.means['incorrect'] == 5  # a run, and without q5
    assert found.models[0].result.measures['precision'].value == pytest.approx(100 * 10 / 28)


def test_trainings_are_one_row_with_their_spread(tmp_path: Path) -> None:
    trainings = [alike('+c'), alike('++'), alike('++')]
    a = make_run(tmp_path / 'a', {'base': alike('+c'), 'maskdpo': trainings})
    _, model = compared(a).models
    assert model.measures['precision'].trainings == (50, 100, 100)
    assert model.measures['precision'].value == pytest.approx(250 / 3)
    assert model.measures['precision'].difference is not None
    assert model.measures['precision'].difference.points == pytest.approx(100 / 3)


def test_responses_that_the_result_did_not_count_are_refused(tmp_path: Path) -> None:
    a = make_run(tmp_path / 'a', {'base': alike('+c')})
    make_run(tmp_path / 'b', {'base': alike('++')})
    file = 'evaluation/base/annotated-truth.jsonl'
    (a / file).write_bytes((tmp_path / 'b' / file).read_bytes())
    with pytest.raises(ValueError, match=r'of base are not those that evaluation.json counted'):
        compared(a)


def test_files_that_are_not_there_or_of_others_are_named(tmp_path: Path) -> None:
    a = make_run(tmp_path / 'a', {'base': alike('+c')})
    b = make_run(tmp_path / 'b', {'base': alike('+c')}, document='other')
    questions = a / 'evaluation' / QUESTIONS_FILE
    questions.write_bytes((b / 'evaluation' / QUESTIONS_FILE).read_bytes())
    with pytest.raises(ValueError, match='has other questions than those of the result'):
        compared(a)
    questions.unlink()
    with pytest.raises(ValueError, match=r'questions.jsonl is not there; evaluate again'):
        compared(a)
    (a / 'evaluation/base/annotated-truth.jsonl').unlink()
    with pytest.raises(ValueError, match=r'annotated-truth.jsonl is not there: a difference needs'):
        compared(a)
