"""Runs that are killed or interrupted at any moment and started again."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from maskdpo_xtuner.annotators.settings import LexicalSettings
from maskdpo_xtuner.completions import CompletionStore
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.engines.settings import TransformersSettings
from maskdpo_xtuner.pipeline.run import run_pipeline
from tests.pipeline.dialogues import anah_v2
from tests.pipeline.interruptible import judge_of, policy_of, settings_for
from tests.pipeline.work_dirs import contents, mixed_response, settings_of

ROOT = Path(__file__).parents[2]
QUESTIONS = 80
BATCH = 4
KILLS = 5


@pytest.fixture
def undisturbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The files of a run that nothing interrupts, in the folder of the one that is."""
    engine = ScriptedEngine(mixed_response, batch_size=BATCH)
    monkeypatch.setattr(TransformersSettings, 'build', lambda policy: engine)
    run_pipeline(settings_of(tmp_path, QUESTIONS), quiet=True)
    written = contents(tmp_path / 'work')
    (tmp_path / 'work').rename(tmp_path / 'undisturbed')
    return written


def start(
    folder: Path, questions: int = QUESTIONS, options: Sequence[str] = ('--batch', str(BATCH))
) -> subprocess.Popen[str]:
    command = [sys.executable, '-m', 'tests.pipeline.interruptible', str(folder), str(questions)]
    return subprocess.Popen([*command, *options], cwd=ROOT, stderr=subprocess.PIPE, text=True)


def wait_for_requests(process: subprocess.Popen[str], folder: Path, more: int) -> None:
    """Wait until the engine was asked so many times more, or the run has ended."""
    target = len(asked(folder)) + more
    while process.poll() is None and len(asked(folder)) < target:
        time.sleep(0.001)


def asked(folder: Path) -> list[str]:
    """Keys of the requests that the engines were asked in any of the runs."""
    path = folder / 'asked.txt'
    return path.read_text().split() if path.exists() else []


def final_files(folder: Path) -> dict[str, bytes]:
    """What is left without the temporary files of killed runs."""
    return {name: data for name, data in contents(folder / 'work').items() if name[0] != '.'}


def test_killed_again_and_again_a_run_ends_in_the_same_bytes(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    moments = random.Random(3)
    killed = 0
    for _ in range(KILLS):
        process = start(tmp_path)
        wait_for_requests(process, tmp_path, more=moments.randrange(1, 6 * BATCH))
        time.sleep(moments.uniform(0, 0.02))
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        # A file is there whole or not at all.
        for name, data in final_files(tmp_path).items():
            assert data == undisturbed[name]
    assert killed > 0
    process = start(tmp_path)
    assert process.communicate()[1] == ''
    assert process.returncode == 0
    assert final_files(tmp_path) == undisturbed
    times = Counter(asked(tmp_path))
    assert len(times) == 2 * QUESTIONS
    # What was in flight when a run was killed, one batch each, is asked again; nothing else is.
    assert sum(times.values()) - len(times) <= KILLS * BATCH


def test_killed_between_two_files_a_run_ends_in_the_same_bytes(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    moments = random.Random(4)
    (tmp_path / 'undisturbed').rename(tmp_path / 'work')
    for _ in range(3):
        # Everything is stored: from here on the stages write their files.
        for name in ('responses.jsonl', 'annotated.jsonl', 'pairs.jsonl', 'summary.json'):
            (tmp_path / 'work' / name).unlink(missing_ok=True)
        process = start(tmp_path)
        while process.poll() is None and not (tmp_path / 'work/responses.jsonl').exists():
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.05))
        process.kill()
        process.communicate()
        for name, data in final_files(tmp_path).items():
            assert data == undisturbed[name]
    process = start(tmp_path)
    assert process.communicate()[1] == ''
    assert final_files(tmp_path) == undisturbed
    assert asked(tmp_path) == []


def test_ctrl_c_says_how_to_go_on_and_leaves_no_half_written_file(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    process = start(tmp_path)
    wait_for_requests(process, tmp_path, more=2 * BATCH)
    process.send_signal(signal.SIGINT)
    accounting, last = process.communicate()[1].splitlines()
    found = re.match(r'sampling: (\d+) requests: (\d+) done, 0 failed, (\d+) pending', accounting)
    assert found
    expected, done, pending = map(int, found.groups())
    assert expected == done + pending
    assert pending > 0
    assert last == 'interrupted; run the same command again to resume'
    assert process.returncode == 130
    assert set(contents(tmp_path / 'work')) == {'settings.json', 'asked.jsonl'}
    before = len(asked(tmp_path))
    process = start(tmp_path)
    assert process.communicate()[1] == ''
    assert contents(tmp_path / 'work') == undisturbed
    assert len(asked(tmp_path)) - before <= 2 * QUESTIONS - before + BATCH


def check_random_kills(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    seed: int,
    kills: int,
    questions: int,
    needed: bool = False,
) -> None:
    """Kill runs of dialogues in any stage, each with another number of workers than the last."""
    policy, judge = ScriptedEngine(policy_of(needed)), ScriptedEngine(judge_of(needed))
    monkeypatch.setattr(TransformersSettings, 'build', lambda self: policy)
    monkeypatch.setattr(LexicalSettings, 'build', lambda self: anah_v2(judge))
    run_pipeline(settings_for(folder, questions, needed), quiet=True)
    expected = contents(folder / 'work')
    (folder / 'work').rename(folder / 'undisturbed')
    with CompletionStore(folder / 'undisturbed' / 'completions.sqlite') as store:
        different = len(store)

    moments = random.Random(seed)
    in_flight = 0
    for _ in range(kills):
        workers = moments.choice([1, 2, 5, 16])
        how = ['--dialogues', '--workers', str(workers), '--latency', '0.005']
        how += ['--needed'] * needed
        process = start(folder, questions, how)
        wait_for_requests(process, folder, more=moments.randrange(1, 2 * different // kills))
        time.sleep(moments.uniform(0, 0.02))
        process.kill()
        assert process.communicate()[1] == ''
        # Beside what the engine works on, what it answered just now is not stored yet.
        in_flight += 2 * workers * (process.returncode == -signal.SIGKILL)
    how = ['--dialogues', '--workers', '3', '--latency', '0', *['--needed'] * needed]
    process = start(folder, questions, how)
    assert process.communicate()[1] == ''
    assert contents(folder / 'work') == expected
    times = Counter(asked(folder))
    assert len(times) == different
    assert in_flight > 0
    assert sum(times.values()) - different <= in_flight


def test_killed_while_dialogues_run_it_ends_in_the_same_bytes_with_other_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_random_kills(tmp_path, monkeypatch, seed=5, kills=6, questions=60)


def test_killed_while_it_asks_what_the_pairs_need_it_ends_in_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_random_kills(tmp_path, monkeypatch, seed=6, kills=3, questions=8, needed=True)


@pytest.mark.slow
@pytest.mark.parametrize('seed', range(4))
def test_killed_many_times_it_ends_in_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    check_random_kills(tmp_path, monkeypatch, seed=seed, kills=30, questions=300)
