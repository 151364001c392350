"""All rounds, one run at a time in a work dir."""

from __future__ import annotations

import fcntl
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maskdpo_xtuner.rounds.plan import models_of, steps_of
from maskdpo_xtuner.rounds.settings import RoundsSettings
from maskdpo_xtuner.rounds.steps import run_steps


def run_rounds(settings: RoundsSettings) -> None:
    """Run what is not done yet of all rounds.

    Raises:
        ValueError: for configs that do not fit together, a work dir of other settings or in which
            something is still at work, and, as `StepFailed`, for a command that failed.
    """
    with _locked(settings.work_dir) as lock:
        run_steps(steps_of(settings), lock)


def next_command(settings: RoundsSettings) -> str:
    """Write the command that compares the models of the rounds."""
    models = [f'round_{n}={model}' for n, model in enumerate(models_of(settings), start=1)]
    return shlex.join(
        ['maskdpo', 'evaluate', str(settings.data_of(1)), '--models', 'base', *models]
    )


@contextmanager
def _locked(work_dir: Path) -> Iterator[int]:
    """Hold a lock that the commands inherit: it lasts as long as any of them."""
    work_dir.mkdir(parents=True, exist_ok=True)
    lock = os.open(work_dir, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(
                f'{work_dir}: another run, or a command that an ended one has started, works in '
                'this folder; wait for it'
            ) from error
        except OSError:  # A file system without locks on folders.
            pass
        yield lock
    finally:
        os.close(lock)
