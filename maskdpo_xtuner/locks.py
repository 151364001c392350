"""One run at a time in a folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(folder: Path, refusal: str) -> Iterator[int]:
    """Make a folder and keep others out of it who lock it, too.

    The lock ends with the process, however it ends, and with those children that inherit it.

    Args:
        folder: to lock; on a file system without locks on folders nobody is kept out.
        refusal: what is said of a folder in which somebody is at work, after its name.

    Yields:
        A descriptor, which children are given that are to hold the lock.

    Raises:
        ValueError: when somebody is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(f'{folder}: {refusal}') from error
        except OSError:
            pass
        yield descriptor
    finally:
        os.close(descriptor)
