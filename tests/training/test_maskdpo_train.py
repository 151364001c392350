"""The commands that `maskdpo` prints one after the other, run for real on a small random model."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

from tests.xtuner_runs import ROOT, small_training

NAME = 'llama3_8b_maskdpo'


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    """Options of the config for a small model and as few pairs."""
    return [*small_training(tmp_path, 8), 'train_cfg.max_epochs=1']


def maskdpo(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        'PYTHONPATH': str(ROOT),
        'HF_DATASETS_CACHE': str(folder / 'datasets_cache'),
        'HF_HUB_OFFLINE': '1',
    }
    command = [sys.executable, '-m', 'maskdpo_xtuner', *argv]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_training_ends_with_the_command_that_makes_a_model_of_it(
    options: list[str], tmp_path: Path
) -> None:
    trained = maskdpo(tmp_path, 'train', NAME, '--deepspeed', 'zero2', '--cfg-options', *options)
    said = trained.stdout + trained.stderr
    assert trained.returncode == 0, said[-2000:]
    assert not [text for text in ('\r', 'torch_dtype', 'deprecated') if text in said]
    convert, evaluate = trained.stdout.splitlines()[-2:]
    command, *argv = shlex.split(convert.removeprefix('next: '))
    assert command == 'maskdpo'
    assert maskdpo(tmp_path, *argv).returncode == 0
    folder = tmp_path / 'work_dirs' / NAME / 'hf'
    assert AutoModelForCausalLM.from_pretrained(folder).num_parameters() > 0
    assert evaluate == (
        f'then: maskdpo evaluate DATA_CONFIG --models base aligned=work_dirs/{NAME}/hf '
        f'--training work_dirs/{NAME}'
    )


def test_a_training_that_fails_has_another_status_and_says_nothing_of_what_is_next(
    options: list[str], tmp_path: Path
) -> None:
    (tmp_path / 'pairs.jsonl').write_text('{"prompt": "Tin?"}\n')
    failed = maskdpo(tmp_path, 'train', NAME, '--deepspeed', 'zero2', '--cfg-options', *options)
    assert failed.returncode == 1
    assert 'pairs.jsonl:1: ' in failed.stderr
    assert 'next: ' not in failed.stdout
