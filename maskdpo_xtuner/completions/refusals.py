"""What SQLite says, in words that a user can act on."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCKED, _MALFORMED = ('locked',), ('malformed', 'corrupt', 'too big')
_OTHER = ('no such column', 'no such table', 'not a database', 'unsupported file format')


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Tell the user what is wrong with a store that SQLite does not take.

    Raises:
        ValueError, OSError: in place of SQLite's errors.
    """
    try:
        yield
    except (sqlite3.OperationalError, sqlite3.DatabaseError, sqlite3.InterfaceError) as error:
        if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError)):
            raise
        raise _refusal(path, error) from error


def damaged(path: Path, problem: object) -> ValueError:
    """The error for a store that cannot be read, with how to save what can."""
    saved = path.with_name(f'{path.stem}.recovered{path.suffix}')
    old, new = shlex.quote(str(path)), shlex.quote(str(saved))
    return ValueError(
        f'{path}: the store is damaged ({problem}). Save what can be read of it by `sqlite3 {old} '
        f'.recover | sqlite3 {new}` and move that file into its place (no -wal or -shm beside it), '
        'or move it away: all is asked again then'
    )


def _refusal(path: Path, error: sqlite3.Error) -> ValueError | OSError:
    said = str(error)
    if any(word in said for word in _LOCKED):
        return ValueError(
            f'{path}: {said}; another run has the store open: wait for it, or give '
            'this one a work dir of its own'
        )
    if any(word in said for word in _MALFORMED):
        return damaged(path, said)
    if any(word in said for word in _OTHER) or not isinstance(error, sqlite3.OperationalError):
        return ValueError(f'{path}: not a store of completions ({said}); move the file away')
    return OSError(f'{path}: SQLite says "{said}"; nothing that was stored before is lost')
