"""Files that may be compressed: plain, gzip, or Zstandard where its package is installed."""

from __future__ import annotations

import gzip
import zlib
from importlib import import_module
from pathlib import Path
from typing import IO

_GZIP, _ZSTD = b'\x1f\x8b', b'\x28\xb5\x2f\xfd'

DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)
"""What reading a damaged or cut gzip file raises."""


def open_packed(path: Path) -> IO[bytes] | gzip.GzipFile:
    """Open a file for reading; its first bytes tell whether it is compressed, not its name.

    Raises:
        ValueError: for a Zstandard file where the package ``zstandard`` is missing.
    """
    with path.open('rb') as file:
        head = file.read(4)
    if head.startswith(_GZIP):
        return gzip.open(path, 'rb')
    if head == _ZSTD:
        return _open_zstd(path)
    return path.open('rb')


def _open_zstd(path: Path) -> IO[bytes]:
    try:
        zstandard = import_module('zstandard')
    except ImportError as error:
        raise ValueError(
            'compressed with Zstandard, which needs the package zstandard (pip install '
            f'zstandard); or unpack it with `zstd -d {path.name}`'
        ) from error
    file: IO[bytes] = zstandard.open(path, 'rb')
    return file
