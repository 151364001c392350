"""Save what can be read of a damaged store.

``python -m maskdpo_xtuner.completions.recovery DAMAGED NEW`` writes every completion that fits its
checksum into a new store. The rest is asked again by the runs that use it.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from maskdpo_xtuner.completions.rows import CONTENT, read_row
from maskdpo_xtuner.completions.store import CompletionStore
from maskdpo_xtuner.engines.base import Completion

_STEP = 1000
_LAST = 2**40  # more rows than any store has


def recover(damaged: Path, new: Path) -> int:
    """Copy the completions that can be read, and fit their checksums.

    Returns:
        How many they are.

    Raises:
        ValueError: when there is no damaged file, there is a new one, or nothing can be read.
    """
    if not damaged.is_file() or new.exists():
        wrong = f'{new} is there already' if damaged.is_file() else f'{damaged}: no such file'
        raise ValueError(f'{wrong}; name the damaged store and a file that is to be made')
    with closing(sqlite3.connect(damaged)) as database, CompletionStore(new) as store:
        database.text_factory = bytes
        completions = _completions(database)
        while part := dict(islice(completions, _STEP)):
            store.put(part)
        return len(store)


def _completions(database: sqlite3.Connection) -> Iterator[tuple[bytes, Completion]]:
    for row in _rows(database):
        completion = read_row(row, None)
        if completion is not None:
            yield row[0], completion


def _rows(database: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Rows in their order; what cannot be read is passed over by steps that double."""
    query = f'SELECT rowid, {", ".join(CONTENT)}, checksum FROM completions WHERE rowid > ?'
    last, step = 0, 1
    while last < _LAST:
        try:
            for number, *row in database.execute(f'{query} ORDER BY rowid', (last,)):
                yield tuple(row)
                last, step = number, 1
        except (sqlite3.Error, UnicodeDecodeError):
            last, step = last + step, 2 * step
        else:
            return


def main() -> None:
    """Recover, and say how much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('damaged', type=Path)
    parser.add_argument('new', type=Path)
    args = parser.parse_args()
    try:
        saved = recover(args.damaged, args.new)
    except (ValueError, OSError) as error:
        sys.exit(f'error: {error}')
    print(f'{saved} completions of {args.damaged} are in {args.new}')


if __name__ == '__main__':
    main()
