"""`maskdpo convert merge`: an adapter and its base as one folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from maskdpo_xtuner import cli
from maskdpo_xtuner.engines.merging import _check_written
from tests.engines.test_adapters import answer_of, folders

__all__ = ['folders']  # a fixture


def run(monkeypatch: pytest.MonkeyPatch, *argv: object) -> object:
    """Exit status, or the line on stderr."""
    monkeypatch.setattr(sys, 'argv', ['maskdpo', 'convert', 'merge', *map(str, argv)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code


def test_the_folder_answers_as_base_and_adapter_do(
    folders: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Transformers refuses to save this.
    (folders['base'] / 'generation_config.json').write_text(
        json.dumps({'temperature': 0.6, 'eos_token_id': 2})
    )
    folder = tmp_path / 'merged'
    assert run(monkeypatch, folders['base'], folders['adapter'], folder) == 0
    assert capsys.readouterr().out.endswith('tensors in float32\n')
    assert not (folder / 'adapter_config.json').exists()
    assert answer_of(folder) == answer_of(folders['adapter'])
    ended = run(monkeypatch, folders['base'], folders['adapter'], folder)
    assert ended == f'error: {folder}: there are weights already; name another folder'


def test_the_format_may_be_another(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    arguments = (folders['base'], folders['adapter'], tmp_path, '--dtype', 'bfloat16')
    assert run(monkeypatch, *arguments) == 0
    written = AutoModelForCausalLM.from_pretrained(tmp_path, torch_dtype='auto')
    assert {weight.dtype for weight in written.parameters()} == {torch.bfloat16}
    exact = AutoModelForCausalLM.from_pretrained(folders['merged'], torch_dtype='float32')
    # The sums are made in fp32 and rounded once.
    assert all(
        torch.equal(one, other.to(torch.bfloat16))
        for one, other in zip(written.parameters(), exact.parameters(), strict=True)
    )


def test_sums_that_are_not_finite_are_refused(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file, save_file

    path = folders['adapter'] / 'adapter_model.safetensors'
    save_file({name: weight * float('inf') for name, weight in load_file(path).items()}, path)
    ended = run(monkeypatch, folders['base'], folders['adapter'], tmp_path / 'out')
    assert 'NaNs detected' in str(ended)
    assert not (tmp_path / 'out').exists()


def test_weights_that_were_written_otherwise_are_refused(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    assert _check_written(folders['base'], 'float32').endswith('tensors in float32')
    with pytest.raises(ValueError, match=r"not in bfloat16, but in \{'F32'\}"):
        _check_written(folders['base'], 'bfloat16')
    with pytest.raises(ValueError, match='not in float32, but in none'):
        _check_written(tmp_path / 'nothing', 'float32')


def test_what_does_not_fit_is_refused(
    folders: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from tests.models import tiny_llama
    from tests.tokenizers import tokenizer_folder

    ended = run(monkeypatch, folders['base'], folders['merged'], tmp_path / 'out')
    assert str(ended).startswith(f'error: {folders["merged"]}: this is no folder of a LoRA adapter')
    other = tiny_llama(tmp_path / 'other', tokenizer_folder('smollm2'), hidden_size=64)
    ended = run(monkeypatch, other, folders['adapter'], tmp_path / 'out')
    assert f'the adapter does not fit {other}' in str(ended)
    assert f'names another base than {other}' in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()
