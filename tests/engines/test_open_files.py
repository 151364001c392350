"""The limit of open files, in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / 'tools' / 'sample_and_annotate.py'

CODE = (
    'import resource, sys\n'
    'soft, hard, count = map(int, sys.argv[1:])\n'
    'resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))\n'
    'from maskdpo_xtuner.engines.open_files import allow_connections\n'
    'allow_connections(count)\n'
    'print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])\n'
)


def limited(*values: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-c', CODE, *map(str, values)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize(('soft', 'left'), [(100, 128), (200, 200)])
def test_the_limit_is_raised_as_far_as_needed(soft: int, left: int) -> None:
    assert limited(soft, 500, 80).stdout == f'{left}\n'


def test_a_limit_that_is_too_low_is_said_with_the_mend() -> None:
    error = limited(40, 40, 128).stderr.splitlines()[-1]
    assert error.startswith('ValueError: concurrency_per_endpoint: 128 connections in all need 176')
    assert error.endswith('raise the limit (`ulimit -n 176`)'), 'fewer would not do either'
    assert limited(100, 100, 128).stderr.endswith('or set it so low that there are 52 in all\n')


def run_limited(folder: Path, files: int, policy: str) -> subprocess.CompletedProcess[str]:
    """Run the pipeline by its command, in a process that may open so many files."""
    question = {'question_id': 'a', 'question': 'What is gold?', 'document': 'Gold is a metal.'}
    line = {**question, 'language': 'en', 'topic': 'gold'}
    (folder / 'q.jsonl').write_text(json.dumps(line) + '\n')
    (folder / 'c.py').write_text(
        "work_dir = 'w'\n"
        "questions = dict(type='jsonl', path='q.jsonl')\n"
        f'policy = {policy}\n'
        "annotator = dict(type='lexical')\n"
        'sampling = dict(num_samples=4, max_new_tokens=8)\n'
    )
    code = (
        'import resource, runpy, sys\n'
        f'resource.setrlimit(resource.RLIMIT_NOFILE, ({files}, {files}))\n'
        "sys.argv = ['sample_and_annotate.py', 'c.py', '--quiet']\n"
        f"runpy.run_path({str(TOOL)!r}, run_name='__main__')\n"
    )
    return subprocess.run(
        [sys.executable, '-c', code], cwd=folder, capture_output=True, text=True, timeout=600
    )


def test_forty_files_are_too_few_for_servers_which_is_one_line(tmp_path: Path) -> None:
    done = run_limited(tmp_path, 40, "dict(type='openai', model='m', base_urls=['http://a:1'])")
    assert (done.returncode, done.stderr.count('\n')) == (1, 1)
    assert 'this process may have 40; raise the limit (`ulimit -n 176`)' in done.stderr


@pytest.mark.slow
def test_forty_files_do_for_a_model_of_this_process(tmp_path: Path, model_folder: Path) -> None:
    done = run_limited(tmp_path, 40, f"dict(type='transformers', model={str(model_folder)!r})")
    assert 'Traceback' not in done.stderr
    assert 'all 1 questions were dropped' in done.stderr
    assert len((tmp_path / 'w' / 'responses.jsonl').read_text().splitlines()) == 4
