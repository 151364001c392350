"""Files that are there whole or not at all, whoever reads them and whenever a run is killed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Give an empty temporary file beside ``path`` that replaces it if the block succeeds.

    Its name is ``.<name>.<random>.tmp``, and its folder is made where it is missing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.', suffix='.tmp')
    temporary = Path(name)
    try:
        # mkstemp makes the file private; the result gets the mode of an ordinary new file.
        umask = os.umask(0)
        os.umask(umask)
        os.fchmod(descriptor, 0o666 & ~umask)
        os.close(descriptor)
        yield temporary
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_writer(path: Path | str) -> Iterator[TextIO]:
    """Open a text file that replaces ``path`` only when the block succeeds."""
    with replacing(path) as temporary, temporary.open('w', encoding='utf-8') as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
