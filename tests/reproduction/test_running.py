"""Steps are done once, in order, whatever was killed in between."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from maskdpo_xtuner.reproduction.running import STATE, commands_of, is_done, run_steps
from maskdpo_xtuner.reproduction.steps import Step, in_order

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def step(name: str, *needs: Step, command: str = '') -> Step:
    """A step that notes that it ran."""
    return Step(name, (command or f'echo {name} >> ran', f'touch {name}.out'), f'{name}.out', needs)


def ran() -> list[str]:
    return Path('ran').read_text().split() if Path('ran').exists() else []


def test_what_a_step_needs_runs_before_it_and_shared_steps_run_once() -> None:
    data = step('data')
    steps = in_order([step('a', data), step('b', data)])
    run_steps(steps)
    assert ran() == ['data', 'a', 'b']
    run_steps(steps)
    assert ran() == ['data', 'a', 'b']


def test_a_file_that_was_made_by_hand_counts() -> None:
    Path('data.out').touch()
    run_steps(in_order([step('a', step('data'))]))
    assert ran() == ['a']


def test_a_step_that_fails_ends_the_run_with_its_command_and_is_run_again() -> None:
    failing = step('a', command='echo a >> ran; false')
    with pytest.raises(ValueError, match=r'step a failed with status 1(.|\n)*echo a >> ran; false'):
        run_steps([failing, step('b')])
    assert ran() == ['a']
    run_steps([step('a'), step('b')])
    assert ran() == ['a', 'a', 'b']


def test_a_command_that_fails_before_a_pipe_is_a_failure() -> None:
    with pytest.raises(ValueError, match='step a failed'):
        run_steps([step('a', command='false | cat')])


def test_a_file_that_a_failing_step_left_is_not_taken_for_its_result() -> None:
    half = Step('a', ('echo half > a.out', 'false'), 'a.out')
    with pytest.raises(ValueError, match='step a failed'):
        run_steps([half])
    assert Path('a.out').exists()
    assert not is_done(half)


def test_a_step_that_makes_nothing_is_a_failure() -> None:
    with pytest.raises(ValueError, match=r'step a made no b\.out'):
        run_steps([replace(step('a'), makes='b.out')])


def test_what_a_person_has_to_do_is_said_where_it_is_missing() -> None:
    asked = Step('questions', (), 'q.jsonl', by_hand='put them there')
    steps = in_order([step('a', asked)])
    with pytest.raises(ValueError, match=r'q\.jsonl is missing\. By hand: put them there'):
        run_steps(steps)
    Path('q.jsonl').touch()
    run_steps(steps)
    assert ran() == ['a']


def test_an_interrupted_training_goes_on_from_its_last_checkpoint() -> None:
    training = Step('t', ('train a --cfg-options b=1',), 'w/last_checkpoint', resumes='w')
    Path('w').mkdir()
    Path('w/iter_2.pth').touch()
    Path('w/last_checkpoint').write_text('w/iter_2.pth')
    assert commands_of(training) == ['train a --cfg-options b=1']
    STATE.mkdir(parents=True)
    (STATE / 't.begun').touch()
    assert not is_done(training)
    assert commands_of(training) == ['train a --cfg-options b=1 --resume w/iter_2.pth']
    Path('w/iter_2.pth').unlink()
    assert commands_of(training) == ['train a --cfg-options b=1']


def test_what_nothing_needs_any_more_is_removed_after_the_step() -> None:
    Path('w/iter_2.pth').mkdir(parents=True)
    run_steps([replace(step('a'), frees='w/iter_*.pth')])
    assert not Path('w/iter_2.pth').exists()


def test_times_are_noted() -> None:
    run_steps([step('a')])
    (line,) = (STATE / 'times.jsonl').read_text().splitlines()
    assert json.loads(line)['step'] == 'a'


SCRIPT = """
from maskdpo_xtuner.reproduction.running import run_steps
from maskdpo_xtuner.reproduction.steps import Step
first = Step('a', ('echo a >> ran; touch a.out',), 'a.out')
second = Step('b', ('echo b >> ran; touch b.out; sleep 3; echo end >> ran',), 'b.out', (first,))
run_steps([first, second])
"""


def test_killed_it_goes_on_once_what_it_left_running_has_ended(folder: Path) -> None:
    command = [sys.executable, '-c', SCRIPT]
    environment = {'PYTHONPATH': str(ROOT), 'PATH': '/usr/bin:/bin'}
    process = subprocess.Popen(command, env=environment)
    while not Path('b.out').exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # The command of the step is still at work and must not be started beside itself.
    with pytest.raises(ValueError, match='is at work in this folder'):
        run_steps([step('c')])
    while 'end' not in ran():
        time.sleep(0.05)
    time.sleep(0.3)
    subprocess.run(command, env=environment, check=True)
    assert ran() == ['a', 'b', 'end', 'b', 'end']
