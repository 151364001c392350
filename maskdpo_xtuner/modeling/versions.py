"""The versions of transformers whose models this package is known to compute exactly."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import transformers

MASKING = 'transformers.masking_utils'
ALL_MASK_ATTENTION_FUNCTIONS: Any = None
"""Since transformers 4.53 masks are made by the name of the attention; an unknown one gets none."""
if find_spec(MASKING) is not None:
    ALL_MASK_ATTENTION_FUNCTIONS = import_module(MASKING).ALL_MASK_ATTENTION_FUNCTIONS

FIRST, AFTER_LAST = (4, 48), (4, 58)
"""Tested with the first, with 4.51 and with the last before the end."""


def check_transformers(version: str = transformers.__version__) -> None:
    """Refuse a transformers in which training is not known to be right.

    Raises:
        ValueError: naming the versions that are.
    """
    major, minor = (int(part) for part in version.split('.')[:2])
    if not FIRST <= (major, minor) < AFTER_LAST:
        first, after = ('.'.join(map(str, each)) for each in (FIRST, AFTER_LAST))
        raise ValueError(
            f'transformers {version} is installed; training was tested with {first} up to, not '
            f'with, {after}, and others may compute another loss without an error: '
            f'pip install "transformers>={first},<{after}"'
        )
