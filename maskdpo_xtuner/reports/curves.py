"""Training curves out of the scalars that mmengine's visualizer writes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from maskdpo_xtuner.jsonl import RecordError, read_objects

Curve = list[tuple[float, float]]

CURVES = (
    *('loss', 'nll', 'rewards/margins', 'rewards/accuracies'),
    *('token_logps/chosen_shift', 'token_logps/rejected_shift'),
)
"""What a page shows of a training run, if it was logged."""


def read_curves(path: Path | str, names: Sequence[str] = CURVES) -> dict[str, Curve]:
    """Read ``<work_dir>/<timestamp>/vis_data/scalars.json``, a JSON object a line.

    Args:
        path: the file, or the work dir of a run: then that of its latest timestamp.
        names: scalars to read; a line may lack any of them.

    Returns:
        Name -> ``(step, value)`` points in the order of the file, for the names that occur.

    Raises:
        RecordError: when there is no such file, a line is broken, or none of the names occurs.
    """
    path = Path(path)
    if path.is_dir():
        path = _latest_scalars(path)
    curves: dict[str, Curve] = {}
    for line, value in read_objects(path):
        for name in names:
            if name in value:
                if 'step' not in value:
                    raise RecordError(path, line, 'field "step" is missing; it is the x axis')
                # A null stands for NaN in strict JSON.
                found = math.nan if value[name] is None else value[name]
                curves.setdefault(name, []).append((value['step'], found))
    if not curves:
        raise RecordError(path, None, f'none of {", ".join(names)} was logged')
    return curves


def _latest_scalars(work_dir: Path) -> Path:
    found = sorted(work_dir.glob('*/vis_data/scalars.json'))
    if not found:
        raise RecordError(work_dir, None, 'there is no */vis_data/scalars.json of a training run')
    return found[-1]
