"""Steps that are done once: commands, what they must leave, and a record of what it was made from.

A step whose record says that it is done, and whose files are there, is skipped. One that was begun
is run again; its command goes on where it was. So a run may end anywhere and be started again.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGTERM, getsignal, signal
from subprocess import Popen
from types import FrameType
from typing import Any

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.experiments import read_experiment
from maskdpo_xtuner.processes import end_of, interrupt, start
from maskdpo_xtuner.settings import describe_difference

PROGRAM = 'maskdpo'


@dataclass(frozen=True)
class Command:
    """A command of this package.

    Attributes:
        arguments: what follows ``maskdpo``.
        launch: what stands before it.
        variables: of the environment.
        log: where its output goes; None: where that of this program goes.
    """

    arguments: Sequence[str]
    launch: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None

    def __str__(self) -> str:
        variables = [f'{name}={value}' for name, value in self.variables.items()]
        return shlex.join([*variables, *self.launch, PROGRAM, *self.arguments])

    @property
    def words(self) -> list[str]:
        """What is run: this package of this Python."""
        return [*self.launch, sys.executable, '-m', 'maskdpo_xtuner', *self.arguments]


@dataclass(frozen=True)
class Step:
    """Commands that run side by side, and what they leave.

    Attributes:
        title: for people.
        record: the file that says what was made, and whether it is done.
        commands: what is run.
        made_from: what determines the result, under dotted keys.
        outputs: files that must be there in the end.
        begun: a file that is there when going on would mix what was made from something else; None
            where the command itself looks after that.
        accepts: exit statuses that are no failure, if the outputs were written anew.
    """

    title: str
    record: Path
    commands: Sequence[Command]
    made_from: Mapping[str, Any]
    outputs: Sequence[Path]
    begun: Path | None = None
    accepts: frozenset[int] = frozenset({0})


class StepFailed(ValueError):
    """A command failed, or did not leave what it must."""


def run_steps(steps: Iterable[Step], lock: int) -> None:
    """Run what is not done, one step after the other.

    Args:
        steps: each is asked for when those before it are done.
        lock: descriptor of a lock, which the commands hold as well.

    Raises:
        StepFailed: with the command.
        ValueError: when a step was made from something else.
    """
    for step in steps:
        if is_done(step):
            print(f'{step.title}: done before', flush=True)
            continue
        _write_record(step, 'begun')
        print('\n  '.join([f'{step.title}:', *map(str, step.commands)]), flush=True)
        _run(step, lock)
        _write_record(step, 'done')


def is_done(step: Step) -> bool:
    """Look at the record, and at the files.

    Raises:
        ValueError: when what is there was made from something else.
    """
    if not step.record.exists():
        return False
    recorded = read_experiment(step.record)
    done = recorded.get('state') == 'done' and all(path.exists() for path in step.outputs)
    difference = describe_difference(recorded.get('made_from') or {}, _as_json(step.made_from))
    mixes = step.begun is not None and step.begun.exists()
    if difference and (done or mixes):
        raise ValueError(
            f'{step.title} was made from something else ({difference}). Remove '
            f'{step.record.with_suffix("")}, {step.record} and the later rounds, or choose another '
            'work dir (--work-dir)'
        )
    return done


def _write_record(step: Step, state: str) -> None:
    record = {
        'state': state,
        'commands': list(map(str, step.commands)),
        'made_from': step.made_from,
    }
    with atomic_writer(step.record) as file:
        json.dump(record, file, indent=2, default=str)


def _as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give values as they come back from a record."""
    read: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return read


def _run(step: Step, lock: int) -> None:
    before = [_changed(path) for path in step.outputs]
    with ExitStack() as logs:
        programs = [_start(command, lock, logs) for command in step.commands]
        with _interrupts_passed_on(programs):
            statuses = [program.wait() for program in programs]
    wrong = [
        (command, status)
        for command, status in zip(step.commands, statuses, strict=True)
        if status not in step.accepts
    ]
    if wrong:
        raise StepFailed('; '.join(_failure(step, command, status) for command, status in wrong))
    missing = [path for path in step.outputs if not path.exists()]
    if any(statuses):
        missing = [p for p, then in zip(step.outputs, before, strict=True) if _changed(p) == then]
    if missing:
        raise StepFailed(f'{step.title} did not write {missing[0]}: {step.commands[0]}')


def _start(command: Command, lock: int, logs: ExitStack) -> Popen[bytes]:
    log = None
    if command.log is not None:
        command.log.parent.mkdir(parents=True, exist_ok=True)
        log = logs.enter_context(command.log.open('w', encoding='utf-8'))
    return start(command.words, command.variables, log=log, keeps=[lock], own_session=True)


def _failure(step: Step, command: Command, status: int) -> str:
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
