"""The command line of the token selection."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdpo_xtuner.jsonl import read_records, write_records
from maskdpo_xtuner.records import PreferencePair
from tests.models import tiny_llama
from tests.preference_pairs import released_pair
from tests.tokenizers import tokenizer_folder
from tools.select_tokens import main


def test_pairs_come_out_weighted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tokenizer = tokenizer_folder('smollm2')
    oracle = tiny_llama(tmp_path / 'oracle', tokenizer)
    reference = tiny_llama(tmp_path / 'reference', tokenizer, initializer_range=0.1)
    pairs, out = tmp_path / 'pairs.jsonl', tmp_path / 'out.jsonl'
    questions = [f'What is element {index}?' for index in range(3)]
    records = [PreferencePair.model_validate(released_pair(question=text)) for text in questions]
    write_records(pairs, records)
    options = ['--oracle', str(oracle), '--reference', str(reference), '--batch-size', '2']
    assert main([str(pairs), str(out), *options]) == 0
    assert capsys.readouterr().out == f'{out}: 3 pairs\n'
    selected = list(read_records(out, PreferencePair))
    assert [pair.prompt for pair in selected] == [pair.prompt for pair in records]
    assert all(pair.chosen_item.weights and pair.rejected_item.weights for pair in selected)


def test_a_missing_model_is_named_and_nothing_written(tmp_path: Path) -> None:
    pairs = tmp_path / 'pairs.jsonl'
    write_records(pairs, [PreferencePair.model_validate(released_pair())])
    absent = str(tmp_path / 'no')
    with pytest.raises(ValueError, match=f'^{absent} cannot be loaded'):
        main([str(pairs), str(tmp_path / 'out'), '--oracle', absent, '--reference', absent])
    assert not (tmp_path / 'out').exists()
