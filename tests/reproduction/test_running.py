"""Steps are done once, in order, whatever was killed in between."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import pytest

from maskdpo_xtuner.config_files import config_file
from maskdpo_xtuner.reproduction import running
from maskdpo_xtuner.reproduction.listing import describe, experiments, find
from maskdpo_xtuner.reproduction.plan import PlannedStep, in_order
from maskdpo_xtuner.reproduction.running import STATE, run_steps, step_of
from maskdpo_xtuner.steps.records import commands_of, is_done, write_record

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def step(name: str, *needs: PlannedStep, command: str = '') -> PlannedStep:
    """A step that notes that it ran."""
    return PlannedStep(
        name, (command or f'echo {name} >> ran', f'touch {name}.out'), f'{name}.out', needs
    )


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
    with pytest.raises(ValueError, match=r'a ended with 1: echo a >> ran; false'):
        run_steps([failing, step('b')])
    assert ran() == ['a']
    run_steps([step('a'), step('b')])
    assert ran() == ['a', 'a', 'b']


def test_a_command_that_fails_before_a_pipe_is_a_failure() -> None:
    with pytest.raises(ValueError, match='a ended with 1: '):
        run_steps([step('a', command='false | cat')])


def test_a_file_that_a_failing_step_left_is_not_taken_for_its_result() -> None:
    half = PlannedStep('a', ('echo half > a.out', 'false'), 'a.out')
    with pytest.raises(ValueError, match='a ended with 1: '):
        run_steps([half])
    assert Path('a.out').exists()
    assert not is_done(step_of(half))


def test_a_step_that_makes_nothing_is_a_failure() -> None:
    with pytest.raises(ValueError, match=r'a did not write b\.out'):
        run_steps([replace(step('a'), makes='b.out')])


def test_what_a_person_has_to_do_is_said_where_it_is_missing() -> None:
    asked = PlannedStep('questions', (), 'q.jsonl', by_hand='put them there')
    steps = in_order([step('a', asked)])
    with pytest.raises(ValueError, match=r'q\.jsonl is missing\. By hand: put them there'):
        run_steps(steps)
    Path('q.jsonl').touch()
    run_steps(steps)
    assert ran() == ['a']


def test_a_config_that_was_edited_makes_a_step_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    sampling = step('a', command='echo maskdpo sample smollm2_135m_elements; echo a >> ran')
    run_steps([sampling])
    run_steps([sampling])
    assert ran() == ['a']
    edited = {'sampling': {'num_samples': 9}}
    monkeypatch.setattr(running, '_content', lambda config: repr(edited))
    (said,) = [line for line in describe([sampling]) if 'made from something else' in line]
    assert 'config smollm2_135m_elements: ' in said
    run_steps([sampling])
    assert ran() == ['a', 'a']


def test_a_training_by_a_config_that_was_edited_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    done = step_of(training('maskdpo train smollm2_135m_maskdpo --work-dir w'))
    write_record(done, 'done')
    assert is_done(done)
    monkeypatch.setattr(running, '_content', lambda config: 'another')
    with pytest.raises(ValueError, match='config smollm2_135m_maskdpo: .* Remove w and '):
        is_done(step_of(training('maskdpo train smollm2_135m_maskdpo --work-dir w')))


@pytest.mark.parametrize('name', ['smollm2_135m_maskdpo', 'llama3_8b_anah'])
def test_what_a_base_sets_is_of_the_config_and_comments_are_not(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    known = {'whole': config_file(name)}
    for other, line in (('told', '# A remark.'), ('edited', 'x = 1')):
        known[other] = str(folder / f'{other}.py')
        Path(known[other]).write_text(f"_base_ = 'maskdpo_xtuner::{name}'\n{line}\n")
    monkeypatch.setattr(running, 'config_file', known.__getitem__)
    whole, told, edited = map(running._content.__wrapped__, known)
    assert whole == told != edited


def training(command: str = 'train a --cfg-options b=1', *needs: PlannedStep) -> PlannedStep:
    """A training of which the first checkpoint is there."""
    Path('w/iter_2.pth').mkdir(parents=True, exist_ok=True)
    Path('w/last_checkpoint').write_text('w/iter_2.pth')
    return PlannedStep('t', (command,), 'w/last_checkpoint', needs, resumes='w')


def test_an_interrupted_training_goes_on_from_its_last_checkpoint() -> None:
    begun = step_of(training())
    assert list(map(str, commands_of(begun))) == ['train a --cfg-options b=1']
    write_record(begun, 'begun')
    assert not is_done(begun)
    resumed = 'train a --cfg-options b=1 --resume w/iter_2.pth'
    assert list(map(str, commands_of(begun))) == [resumed]
    Path('w/iter_2.pth').rmdir()
    assert list(map(str, commands_of(begun))) == ['train a --cfg-options b=1']


@pytest.mark.parametrize('state', ['begun', 'done'])
def test_a_training_of_other_options_is_refused_with_the_difference(
    state: Literal['begun', 'done'],
) -> None:
    write_record(step_of(training()), state)
    said = r"t was made from something else \(commands: '.* b=1' -> 'true b=2'\)\. Remove w and "
    with pytest.raises(ValueError, match=said):
        run_steps([training('true b=2')])


def test_a_training_whose_pairs_have_changed_is_refused() -> None:
    pairs = PlannedStep('pairs', (), 'pairs.jsonl', by_hand='put them there')
    Path('pairs.jsonl').write_text('first')
    steps = [pairs, training('true', pairs)]
    write_record(step_of(steps[1]), 'done')
    run_steps(steps)
    Path('pairs.jsonl').write_text('other')
    with pytest.raises(ValueError, match=r't was made from something else \(pairs: '):
        run_steps(steps)


def test_what_is_printed_says_where_something_else_was_made() -> None:
    write_record(step_of(training()), 'done')
    assert any('Remove w and' in line for line in describe([training('true b=2')]))
    run_steps([step('a')])
    changed = step('a', command='echo b >> ran')
    assert any(line.startswith('# was made from something else') for line in describe([changed]))


def test_a_table_of_more_seeds_is_made_again(capsys: pytest.CaptureFixture[str]) -> None:
    run_steps([step('table', command='echo one >> ran')])
    run_steps([step('table', command='echo one two >> ran')])
    assert ran() == ['one', 'one', 'two']
    assert 'anew: was made from something else (commands: ' in capsys.readouterr().out
    run_steps([step('table', command='echo one two >> ran')])
    assert ran() == ['one', 'one', 'two']


def test_a_model_that_was_trained_anew_is_converted_anew() -> None:
    trained = step('train')
    converted = step('convert', trained)
    run_steps([trained, converted])
    other = step('train', command='echo other >> ran')
    run_steps([other, replace(converted, needs=(other,))])
    assert ran() == ['train', 'convert', 'other', 'convert']


@pytest.mark.parametrize('gpus', [(2, 4), (8, 1)])
def test_another_number_of_gpus_makes_nothing_anew(gpus: tuple[int, int]) -> None:
    """Also that of the machine on which a run that was killed goes on."""
    first, second = (
        {step.name: step_of(step).made_from for step in in_order(found.steps)}
        for found in (find(experiments(gpus=n), ['table6'])[0] for n in gpus)
    )
    assert first == second


def test_what_nothing_needs_any_more_is_removed_after_the_step() -> None:
    Path('w/iter_2.pth').mkdir(parents=True)
    run_steps([replace(step('a'), frees='w/iter_*.pth')])
    assert not Path('w/iter_2.pth').exists()


def test_times_are_noted() -> None:
    run_steps([step('a')])
    (line,) = (STATE / 'times.jsonl').read_text().splitlines()
    assert json.loads(line)['step'] == 'a'


# Where this suite runs in the background, a shell has it, and what it starts, ignore Ctrl-C.
SCRIPT = """
from signal import SIGINT, default_int_handler, signal
from maskdpo_xtuner.reproduction.running import run_steps
from maskdpo_xtuner.reproduction.plan import PlannedStep
first = PlannedStep('a', ('echo a >> ran; touch a.out',), 'a.out')
second = PlannedStep('b', ({command!r},), 'b.out', (first,))
signal(SIGINT, default_int_handler)
run_steps([first, second])
"""
# A pipe, a job in the background and one that hears Ctrl-C, each with its process id in a file.
AT_WORK = """
echo b >> ran
(echo $BASHPID > piped; exec sleep 300) | tee b.out &
sleep 300 & echo $! > background
trap "echo heard >> ran; exit 130" INT
touch at_work
sleep 300 & wait $!
"""


def start(command: str) -> subprocess.Popen[bytes]:
    environment = {'PYTHONPATH': str(ROOT), 'PATH': '/usr/bin:/bin'}
    return subprocess.Popen([sys.executable, '-c', SCRIPT.format(command=command)], env=environment)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def has_ended(file: str) -> bool:
    state = Path(f'/proc/{Path(file).read_text().strip()}/stat')
    return not state.exists() or state.read_text().rpartition(')')[2].split()[0] == 'Z'


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_it_leaves_nothing_at_work_and_goes_on(number: signal.Signals) -> None:
    process = start(AT_WORK)
    wait_until(lambda: Path('at_work').exists() and Path('piped').exists())
    with pytest.raises(ValueError, match='works in this folder'):
        run_steps([step('c')])
    process.send_signal(number)
    process.wait(60)
    for file in ('piped', 'background'):
        wait_until(partial(has_ended, file))
    assert ('heard' in ran()) == (number != signal.SIGKILL)
    assert start('echo again >> ran; touch b.out').wait(60) == 0
    assert ran() == ['a', 'b', *(['heard'] if 'heard' in ran() else []), 'again']
