"""All rounds, one run at a time in a work dir."""

from __future__ import annotations

import shlex

from maskdpo_xtuner.rounds.plan import models_of, steps_of
from maskdpo_xtuner.rounds.settings import RoundsSettings
from maskdpo_xtuner.steps.running import run_steps


def run_rounds(settings: RoundsSettings) -> None:
    """Run what is not done yet of all rounds.

    Raises:
        ValueError: for configs that do not fit together, a work dir of other settings or in which
            something is still at work, and, as `StepFailed`, for a command that failed.
    """
    run_steps(steps_of(settings), settings.work_dir)


def next_command(settings: RoundsSettings) -> str:
    """Write the command that compares the models of the rounds."""
    models = [f'round_{n}={model}' for n, model in enumerate(models_of(settings), start=1)]
    return shlex.join(
        ['maskdpo', 'evaluate', str(settings.data_of(1)), '--models', 'base', *models]
    )
