"""Writing the configs of a hand-over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.evaluation.handover.lm_eval import lm_eval_files
from maskdpo_xtuner.evaluation.handover.models import HandedModel
from maskdpo_xtuner.evaluation.handover.opencompass import opencompass_files
from maskdpo_xtuner.evaluation.handover.tasks import TABLE_10, tasks_of

Harness = Literal['opencompass', 'lm-eval']


def hand_over(
    to: Harness,
    models: Sequence[HandedModel],
    folder: Path,
    *,
    tasks: Sequence[str] = TABLE_10,
    grader: HandedModel | None = None,
) -> list[Path]:
    """Write what a harness needs to measure models, and return the files.

    Args:
        to: the harness.
        models: at least one.
        folder: where the files are written; files of the same names are replaced.
        tasks: names in `TASKS`; those of the paper's Table 10 if not given.
        grader: of SimpleQA.

    Raises:
        ValueError: for a task that the harness does not have, and SimpleQA without a grader.
    """
    asked = tasks_of(tasks)
    if to == 'opencompass':
        files = opencompass_files(models, asked, grader)
    else:
        files = lm_eval_files(models, asked)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        with atomic_writer(folder / name) as file:
            file.write(text)
    return [folder / name for name in files]
