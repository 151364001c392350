"""What SQLite says, in words that a user can act on."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DAMAGED = ('malformed', 'corrupt', 'too big', 'no such column', 'no such table')
_OTHER = ('not a database', 'unsupported file format')


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Tell the user what is wrong with a store that SQLite does not take.

    Raises:
        ValueError, OSError: in place of SQLite's errors.
    """
    try:
        yield
    except UnicodeDecodeError as error:  # A name of a column, in the schema.
        raise damaged(path, 'its schema is not Unicode') from error
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.Error as error:
        raise _refusal(path, error) from error


def damaged(path: Path, problem: object) -> ValueError:
    """Give the error for a store that cannot be read, with how to save what can."""
    saved = path.with_name(f'{path.stem}.recovered{path.suffix}')
    old, new = shlex.quote(str(path)), shlex.quote(str(saved))
    return ValueError(
        f'{path}: the store is damaged ({problem}). Save what can be read of it by `python -m '
        f'maskdpo_xtuner.completions.recovery {old} {new}` and move that file into its place (no '
        '-wal or -shm beside it), or move it away: all is asked again then'
    )


def _refusal(path: Path, error: sqlite3.Error) -> ValueError | OSError:
    said = ''.join(c if c.isprintable() else '?' for c in str(error))
    if 'locked' in said:
        return ValueError(
            f'{path}: {said}; another run has the store open: wait for it, or give '
            'this one a work dir of its own'
        )
    if any(word in said for word in _DAMAGED):
        return damaged(path, said)
    if any(word in said for word in _OTHER) or not isinstance(error, sqlite3.OperationalError):
        return ValueError(f'{path}: not a store of completions ({said}); move the file away')
    return OSError(f'{path}: SQLite says "{said}"; nothing that was stored before is lost')
