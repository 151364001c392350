"""Pairs from and to other projects, as a user converts them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from maskdpo_xtuner.command_line import run_tool
from maskdpo_xtuner.forms import write_pairs
from tests.evaluation.answers import answer
from tests.reports.pair_records import pair
from tools.convert_pairs import main

PAIR = pair(answer('tin', 0, '+u'), answer('tin', 1, 'c'))


def test_there_and_back_is_the_same_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, there, back = (tmp_path / f'{name}.jsonl' for name in ('pairs', 'there', 'back'))
    write_pairs(ours, [PAIR, PAIR], 'ours')
    for form in ('trl', 'swift'):
        assert main([str(tmp_path), str(there), '--to', form]) == 0
        assert main([str(there), str(back), '--to', 'ours']) == 0
        assert back.read_bytes() == ours.read_bytes()
    assert capsys.readouterr().out == f'{there}: 2 pairs\n{back}: 2 pairs\n' * 2


def test_what_is_left_out_and_what_has_no_labels_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / 'theirs.jsonl', tmp_path / 'ours.jsonl'
    row = {'prompt': 'What is tin?', 'chosen': 'A metal.', 'rejected': 'A gas.'}
    rows = [row, {**row, 'score': 3, 'images': ['tin.png']}, {**row, 'score': 4}]
    path.write_text(''.join(json.dumps(each) + '\n' for each in rows))
    main([str(path), str(out), '--to', 'ours'])
    said = capsys.readouterr().out
    assert 'left out, since a pair has no place for them: score (2 pairs), images (1 pairs)' in said
    assert '3 pairs have no labelled sentence: plain DPO trains on them' in said


def test_a_bad_row_ends_in_one_line_and_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    path, out = tmp_path / 'theirs.jsonl', tmp_path / 'ours.jsonl'
    out.write_text('before')
    path.write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}\n{"prompt": "a"}\n')
    with pytest.raises(SystemExit) as caught:
        run_tool(lambda: main([str(path), str(out), '--to', 'ours']))
    assert caught.value.code == f'error: {path}:2: field "chosen" is missing; add it'
    assert out.read_text() == 'before'
