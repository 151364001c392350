"""Reading checkpoints: what XTuner 0.2.0 and mmengine 0.10.6 get wrong about it today."""

from __future__ import annotations

from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer


def allow_checkpoint_types() -> None:
    """Let ``torch.load`` read the log history and the settings in a checkpoint.

    XTuner reads the seed of the checkpoint that ``--resume`` names, and mmengine the checkpoint,
    with a plain ``torch.load``, which since torch 2.6 refuses types that it does not know.
    """
    array = np.zeros(1)
    reconstruct: Any = array.__reduce__()[0]
    scalar: Any = array[0].__reduce__()[0]
    dtypes = [type(np.dtype(kind)) for kind in (np.float64, np.float32, np.int64)]
    torch.serialization.add_safe_globals(
        [ConfigDict, HistoryBuffer, np.ndarray, np.dtype, *dtypes, reconstruct, scalar]
    )
    torch.serialization.add_safe_globals([(_history_method, 'builtins.getattr')])


def _history_method(owner: Any, name: str) -> Any:
    """Stand in for ``getattr``, by which the statistics of a `HistoryBuffer` are pickled."""
    if owner is not HistoryBuffer:
        raise UnpicklingError(f'a checkpoint may not take {name!r} of {owner!r}')
    return getattr(HistoryBuffer, name)
