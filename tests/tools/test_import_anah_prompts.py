from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from maskdpo_xtuner.annotators.anah_v2 import read_official_prompts, read_prompts
from tests.annotators.anah_v2.official_prompts import SOURCE

TOOL = Path(__file__).parents[2] / 'tools' / 'import_anah_prompts.py'


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / 'anahv2_prompt.py'
    path.write_text(SOURCE, encoding='utf-8')
    return path


def run(*argv: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOL), *map(str, argv)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_the_prompts_are_kept_with_their_hash(source: Path, tmp_path: Path) -> None:
    done = run(source, cwd=tmp_path)
    kept = read_prompts(tmp_path / 'anah_v2_prompts.json')
    assert kept == read_official_prompts(source)
    assert (done.returncode, done.stderr) == (0, '')
    assert f'sha256 {kept.sha256}' in done.stdout


def test_their_place_can_be_chosen(source: Path, tmp_path: Path) -> None:
    run(source, '--out', 'folder/prompts.json', cwd=tmp_path)
    assert read_prompts(tmp_path / 'folder' / 'prompts.json').source == 'anahv2_prompt.py'


def test_another_file_ends_in_one_line(source: Path, tmp_path: Path) -> None:
    source.write_text('def fact_check_prompt():\n    return ""\n')
    done = run(source, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f'error: {source}: line 2: expected return')
    assert done.stderr.count('\n') == 1
    assert not (tmp_path / 'anah_v2_prompts.json').exists()
