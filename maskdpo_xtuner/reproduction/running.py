"""Running steps one after another, so that what was killed anywhere goes on.

A step is done when its file is there and no run of it is recorded as begun: before a step starts,
``STATE/<name>.begun`` is written, and it is taken away when all its commands have succeeded. What
was made by hand, without this command, counts as done.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from maskdpo_xtuner.locks import locked
from maskdpo_xtuner.reproduction.steps import Step

STATE = Path('work_dirs/reproduce')
IN_USE = (
    'another `maskdpo reproduce`, or a step of one that was killed, is at work in this folder; '
    'wait for it, or end it'
)


def is_done(step: Step) -> bool:
    """Whether the file of a step is there, whole."""
    return Path(step.makes).exists() and not _begun(step).exists()


def commands_of(step: Step) -> list[str]:
    """Give the commands that are left to do; an interrupted training goes on from a checkpoint."""
    checkpoint = _checkpoint(step)
    if checkpoint is None:
        return list(step.commands)
    first, *rest = step.commands
    return [f'{first} --resume {shlex.quote(str(checkpoint))}', *rest]


def run_steps(steps: Sequence[Step]) -> None:
    """Run what is not done, in order.

    Args:
        steps: each after what it needs.

    Raises:
        ValueError: when a step fails, makes nothing, or has to be done by a person, with the
            command or what to do; when another run is at work here.
    """
    with locked(STATE, IN_USE) as lock:
        for number, step in enumerate(steps, 1):
            place = f'[{number}/{len(steps)}] {step.name}'
            if is_done(step):
                print(f'{place}: done', flush=True)
                continue
            if not step.commands:
                raise ValueError(f'{step.makes} is missing. By hand: {step.by_hand}')
            print(f'{place}: {datetime.now():%H:%M:%S}', flush=True)
            _run(step, lock)


def _run(step: Step, lock: int) -> None:
    begun = _begun(step)
    commands = commands_of(step)
    begun.touch()
    started = time.monotonic()
    for command in commands:
        print(f'+ {command}', flush=True)
        # The lock is held by the child, too: what outlives this process is not started twice.
        status = subprocess.run(
            ['bash', '-euo', 'pipefail', '-c', command],
            env=_environment(),
            pass_fds=[lock],
        ).returncode
        if status:
            raise ValueError(
                f'step {step.name} failed with status {status}. Its command:\n{command}'
            )
    if not Path(step.makes).exists():
        raise ValueError(
            f'step {step.name} made no {step.makes}. Its command:\n' + '\n'.join(commands)
        )
    begun.unlink()
    _note(step, time.monotonic() - started)
    _free(step)


def _environment() -> dict[str, str]:
    """The environment in which ``maskdpo`` is that of this Python."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get('PATH', '')])
    return {**os.environ, 'PATH': path}


def _begun(step: Step) -> Path:
    return STATE / f'{step.name}.begun'


def _checkpoint(step: Step) -> Path | None:
    """The checkpoint from which a training that was interrupted can go on."""
    if not step.resumes or not _begun(step).exists():
        return None
    last = Path(step.resumes) / 'last_checkpoint'
    if not last.is_file():
        return None
    checkpoint = Path(last.read_text(encoding='utf-8').strip())
    return checkpoint if checkpoint.exists() else None


def _note(step: Step, seconds: float) -> None:
    """Add what a step took to ``times.jsonl``."""
    line = {
        'step': step.name,
        'seconds': round(seconds, 1),
        'estimated_hours': step.cost.hours,
        'ended': datetime.now(timezone.utc).isoformat(timespec='seconds'),
    }
    with (STATE / 'times.jsonl').open('a', encoding='utf-8') as file:
        file.write(json.dumps(line) + '\n')


def _free(step: Step) -> None:
    """Remove what nothing needs any more: checkpoints whose model has been converted."""
    for path in Path().glob(step.frees) if step.frees else ():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
