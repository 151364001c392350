"""Running steps one after another, so that what was ended anywhere goes on."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from signal import SIGTERM, getsignal, signal
from subprocess import Popen
from types import FrameType

from maskdpo_xtuner.locks import locked
from maskdpo_xtuner.processes import end_of, interrupt, start
from maskdpo_xtuner.steps.commands import Command, Script
from maskdpo_xtuner.steps.records import Step, commands_of, difference, is_done, write_record

TIMES = 'times.jsonl'
IN_USE = (
    'another run, or a command that an ended one has started, works in this folder; wait for it'
)


class StepFailed(ValueError):
    """A command failed, or did not leave what it must."""


def run_steps(steps: Iterable[Step], folder: Path) -> None:
    """Run what is not done, one step after the other.

    Args:
        steps: each is asked for when those before it are done.
        folder: is kept from other runs, and gets ``times.jsonl``: what each step took.

    Raises:
        StepFailed: with the command.
        ValueError: when a step was made from something else, or a run is at work in the folder.
    """
    # The commands hold the lock, too: what outlives this process is not started twice.
    with locked(folder, IN_USE) as lock:
        for step in steps:
            if is_done(step):
                print(f'{step.title}: done before', flush=True)
                continue
            commands = commands_of(step)
            _announce(step, commands)
            write_record(step, 'begun')
            started = time.monotonic()
            _run(step, commands, lock)
            write_record(step, 'done')
            _note(step, time.monotonic() - started, folder / TIMES)
            _free(step)


def _announce(step: Step, commands: Sequence[Command | Script]) -> None:
    changed = difference(step)
    why = f', anew: was made from something else ({changed})' if changed else ''
    lines = [line for command in commands for line in str(command).splitlines()]
    print('\n  '.join([f'{step.title}: {datetime.now():%H:%M:%S}{why}', *lines]), flush=True)


def _run(step: Step, commands: Sequence[Command | Script], lock: int) -> None:
    before = [_changed(path) for path in step.outputs]
    with ExitStack() as logs:
        programs = [_start(command, lock, logs) for command in commands]
        with _interrupts_passed_on(programs):
            statuses = [program.wait() for program in programs]
    wrong = [
        (command, status)
        for command, status in zip(commands, statuses, strict=True)
        if status not in step.accepts
    ]
    if wrong:
        raise StepFailed('; '.join(_failure(step, command, status) for command, status in wrong))
    missing = [path for path in step.outputs if not path.exists()]
    if any(statuses):
        missing = [p for p, then in zip(step.outputs, before, strict=True) if _changed(p) == then]
    if missing:
        raise StepFailed(f'{step.title} did not write {missing[0]}: {commands[0]}')


def _start(command: Command | Script, lock: int, logs: ExitStack) -> Popen[bytes]:
    log = None
    if command.log is not None:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        log = logs.enter_context(command.log.open('w', encoding='utf-8'))
    return start(command.words, command.variables, log=log, keeps=[lock], own_session=True)


def _failure(step: Step, command: Command | Script, status: int) -> str:
    said = f'; the end of {command.log}:\n{end_of(command.log)}\n' if command.log else '; '
    return (
        f'{step.title} ended with {status}: {command}{said}'
        'what is done is kept: run the same command again when the cause is mended'
    )


def _changed(path: Path) -> int | None:
    return path.stat().st_mtime_ns if path.exists() else None


@contextmanager
def _interrupts_passed_on(programs: Sequence[Popen[bytes]]) -> Iterator[None]:
    """Interrupt the programs at Ctrl-C or SIGTERM, and wait for their end."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = getsignal(SIGTERM)
    signal(SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        interrupt(programs)
        raise
    finally:
        signal(SIGTERM, before)


def _note(step: Step, seconds: float, times: Path) -> None:
    ended = datetime.now(timezone.utc).isoformat(timespec='seconds')
    line = {'step': step.title, 'seconds': round(seconds, 1), 'ended': ended}
    with times.open('a', encoding='utf-8') as file:
        file.write(json.dumps(line) + '\n')


def _free(step: Step) -> None:
    """Remove what nothing needs any more: checkpoints whose model has been converted."""
    for path in Path().glob(step.frees) if step.frees else ():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
