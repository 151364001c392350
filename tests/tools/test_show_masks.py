"""The printer of masks as a command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.preference_pairs import CORRECT, WRONG, released_pair
from tests.tokenizers import tokenizer_folder
from tools.show_masks import main


def write(path: Path, *pairs: dict[str, Any]) -> str:
    path.write_text(''.join(json.dumps(pair) + '\n' for pair in pairs))
    return str(path)


def show(*argv: str) -> None:
    main([*argv, '--tokenizer', str(tokenizer_folder('llama3'))])


def test_shows_what_each_side_supervises(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = write(tmp_path / 'pairs.jsonl', *[released_pair()] * 3)
    show(pairs, '--num', '2', '--no-color')
    chosen, rejected = (text.replace(' ', '·') for text in (CORRECT, WRONG))
    out = capsys.readouterr().out
    assert out.count(f'⟦{chosen}⟧ {WRONG}⟦<|eot_id|>⟧') == 2
    assert out.count(f'⟦{rejected}⟧ {CORRECT}⟦<|eot_id|>⟧') == 2
    assert f'=== {pairs}:2' in out
    assert f'=== {pairs}:3' not in out


def test_settings_of_the_end_and_the_length_are_followed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = write(tmp_path / 'pairs.jsonl', released_pair())
    show(pairs, '--end-of-turn', 'never', '--max-length', '7')
    out = capsys.readouterr().out
    assert out.count('0 of 7 tokens supervised') == 2
    show(pairs, '--end-of-turn', 'never')
    out = capsys.readouterr().out
    assert f'\x1b[32m{CORRECT.replace(" ", "·")}\x1b[0m {WRONG}<|eot_id|>' in out
    assert f'\x1b[31m{WRONG.replace(" ", "·")}\x1b[0m {CORRECT}<|eot_id|>' in out


def test_a_bad_pair_is_named_by_file_and_line(tmp_path: Path) -> None:
    bad = released_pair(chosen_item={'sents': ['Not there.'], 'type': ['hallucination']})
    pairs = write(tmp_path / 'pairs.jsonl', released_pair(), bad)
    with pytest.raises(SystemExit, match=r'error: .*pairs.jsonl:2: chosen_item.sents\[0\] is not'):
        show(pairs)


def test_a_negative_number_of_pairs_is_refused(tmp_path: Path) -> None:
    pairs = write(tmp_path / 'pairs.jsonl', released_pair())
    with pytest.raises(SystemExit, match='error: --num has to be 1 or more, not -1'):
        show(pairs, '--num', '-1')
