"""What DeepSpeed compiles at the first training of a machine: said, and not waited for in vain."""

from __future__ import annotations

import logging
import time
from functools import wraps
from pathlib import Path
from typing import Any

from deepspeed.ops.op_builder.builder import OpBuilder
from mmengine.logging import print_log
from torch.utils import cpp_extension

STALE = 900.0
"""Seconds without a change after which nobody is taken to be compiling any more."""


def announce_compiles() -> None:
    """Say when DeepSpeed compiles an extension, and refuse to wait for a compile that was killed.

    torch lets one process compile and the others wait until its lock file is gone, for ever where
    the process was killed, and neither says a word.
    """
    load = OpBuilder.jit_load
    if hasattr(load, '__wrapped__'):
        return

    @wraps(load)
    def jit_load(self: Any, *args: Any, **kwargs: Any) -> Any:
        say_compile(Path(cpp_extension._get_build_directory(self.name, False)))
        return load(self, *args, **kwargs)

    OpBuilder.jit_load = jit_load


def say_compile(folder: Path) -> None:
    """Log what there is to wait for before the extension of a folder can be used.

    Raises:
        ValueError: for a lock that nobody can be holding any more, with the mend.
    """
    lock = folder / 'lock'
    quiet = _seconds_since_change(folder) if lock.exists() else 0.0
    mend = f'rm {lock}'
    if quiet > STALE:
        raise ValueError(
            f'{lock} has kept every training waiting since a compile was killed, {quiet / 60:.0f} '
            f'minutes ago: {mend}'
        )
    if lock.exists():
        print_log(
            f"Waiting for another process, which compiles DeepSpeed's {folder.name}; if none "
            f'does, because it was killed: {mend}',
            logger='current',
            level=logging.WARNING,
        )
    elif not any(folder.glob('*.so')):
        print_log(
            f"Compiling DeepSpeed's {folder.name} into {folder}: a minute or more, once",
            logger='current',
        )


def _seconds_since_change(folder: Path) -> float:
    return time.time() - max(file.stat().st_mtime for file in (folder, *folder.iterdir()))
