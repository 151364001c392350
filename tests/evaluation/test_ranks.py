"""Orders of judges against the paper's table and closed forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.evaluation.rank_sources import names_of, read_scores
from maskdpo_xtuner.evaluation.ranks import rank_agreements
from maskdpo_xtuner.jsonl import RecordError, write_records
from tests.evaluation.answers import answer
from tools.rank_agreement import main

# The three columns of scores of the paper's Table 1.
TABLE_1 = """model,ANAH-v2,FActScore,FActScore on Biography
Qwen2-7B,34.03,15.57,27.28
Qwen2-72B,43.81,20.76,34.06
Gemma2-9B,43.13,18.29,29.52
Gemma2-27B,44.47,20.14,29.99
Yi1.5-6B,27.79,11.92,15.81
Yi1.5-9B,29.83,10.42,15.33
Yi1.5-34B,36.99,13.27,25.49
Llama3.1-8B,49.19,19.43,30.29
Llama3.1-70B,53.44,21.92,40.47
FactTune,56.83,22.67,37.97
Mask-DPO,77.53,25.56,39.39
"""
FEW = Bootstrap(resamples=50)


def table(folder: Path, text: str = TABLE_1) -> Path:
    path = folder / 'scores.csv'
    path.write_text(text)
    return path


def test_the_columns_of_table_1_agree_as_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores, _ = read_scores({'t': table(tmp_path)})
    found = rank_agreements(scores, bootstrap=FEW)
    assert [round(each.spearman or 0, 3) for each in found] == [0.945, 0.927, 0.964]
    # Of 55 pairs of models 5, 6 and 3 stand in opposite orders.
    assert [each.kendall for each in found] == pytest.approx([45 / 55, 43 / 55, 49 / 55])
    assert all(each.spearman_interval and each.kendall_interval for each in found)
    assert main([str(tmp_path / 'scores.csv'), '--resamples', '50']) == 0
    assert '0.945' in capsys.readouterr().out


def test_ties_share_their_rank_and_are_out_of_kendalls_pairs() -> None:
    first = {'a': 1.0, 'b': 1.0, 'c': 2.0, 'd': 3.0}
    second = {'a': 1.0, 'b': 2.0, 'c': 2.0, 'd': 3.0}
    (found,) = rank_agreements({'x': first, 'y': second}, bootstrap=FEW)
    # Ranks 1.5 1.5 3 4 and 1 2.5 2.5 4: products 3.75, both squares 4.5.
    assert found.spearman == pytest.approx(3.75 / 4.5)
    # Four pairs in the same order, none opposite; each judge ties one of six pairs.
    assert found.kendall == pytest.approx(4 / 5)


def test_what_one_judge_alone_scored_is_counted_and_a_constant_judge_has_no_order() -> None:
    (found,) = rank_agreements({'x': {'a': 1, 'b': 2, 'c': 3}, 'y': {'a': 3, 'b': 3, 'd': 1}})
    assert (found.items, found.left_out, found.unscored) == (2, 2, 0)
    assert found.spearman is None
    assert found.kendall is None
    assert found.spearman_interval is None


def test_what_neither_judge_could_score_is_counted() -> None:
    first, second = {'a': 1, 'b': 2, 'mute': None}, {'a': 1, 'b': None, 'mute': None}
    (found,) = rank_agreements({'x': first, 'y': second})
    assert (found.items, found.left_out, found.unscored) == (1, 1, 1)


def test_opposite_orders_are_minus_one_without_an_interval() -> None:
    (found,) = rank_agreements(
        {'x': {str(n): n for n in range(9)}, 'y': {str(n): -n for n in range(9)}},
        bootstrap=FEW,
    )
    assert found.spearman == pytest.approx(-1)
    assert found.kendall == pytest.approx(-1)
    # Every resample is in the opposite order, too: [-1, -1] would leave nothing to chance.
    assert (found.spearman_interval, found.kendall_interval) == (None, None)


def test_one_judge_alone_is_refused() -> None:
    with pytest.raises(ValueError, match='there is 1 judge'):
        rank_agreements({'x': {'a': 1}})


def test_responses_are_ranked_by_their_own_score_and_models_by_the_pooled_one(
    tmp_path: Path,
) -> None:
    files = {}
    for judge, marks in {'a': ('++', 'cu', '..'), 'b': ('+c', 'cc', '++')}.items():
        responses = [answer('q', 0, marks[0]), answer('r', 0, marks[1]), answer('r', 1, '?')]
        responses.append(answer('q', 0, marks[2], model='other'))
        path = tmp_path / f'annotated-{judge}.jsonl'
        write_records(path, responses)
        files[judge] = path
    scores, questions = read_scores(files, 'responses')
    assert scores['b'] == {
        **{'test q#0': 50.0, 'test r#0': 0.0, 'test r#1': None, 'other q#0': 100.0}
    }
    assert questions['test r#0'] == 'r'
    models, _ = read_scores(files, 'models')
    assert models == {'a': {'test': 50.0, 'other': 100.0}, 'b': {'test': 25.0, 'other': 100.0}}
    precise, _ = read_scores(files, 'models', 'precision')
    assert precise['a'] == {'test': 50.0, 'other': None}
    with pytest.raises(ValueError, match="no 'beauty' of responses"):
        read_scores(files, 'models', 'beauty')
    assert names_of([(None, files['a']), ('x', files['b'])]) == {'a': files['a'], 'x': files['b']}
    with pytest.raises(ValueError, match='two files are named a; write NAME=FILE'):
        names_of([(None, files['a']), ('a', files['b'])])


@pytest.mark.parametrize(
    ('row', 'message'), [('x,1', '1 scores, but 3 judges'), ('x,1,2,z', "'z' is no number")]
)
def test_a_row_that_cannot_be_read_is_named(row: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=f'scores.csv:13: .*{message}'):
        read_scores({'t': table(tmp_path, TABLE_1 + row)})


def test_another_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'x.json'
    path.write_text('{}')
    with pytest.raises(ValueError, match='x.json: questions: Field required; evaluate again'):
        read_scores({'x': path})
