"""The memory of completions: an SQLite file under the hash of what determined each of them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from maskdpo_xtuner.engines.base import Completion, Request

_SCHEMA = """
CREATE TABLE IF NOT EXISTS completions (
    key BLOB NOT NULL PRIMARY KEY,
    text TEXT NOT NULL,
    finish_reason TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    created REAL NOT NULL
)
"""
# Pages in memory, in KiB: the upper levels of the index of ten million keys, and more.
_CACHE = 64 * 1024
# Pages of 4 KiB in the write-ahead log before they go to the file, many of them changed repeatedly.
_LOG = 10_000
_COLUMNS = 'text, finish_reason, prompt_tokens, completion_tokens'
_ALL = f'key, {_COLUMNS}, created'
# Rows of one transaction when another store is absorbed.
_STEP = 20_000
# SQLite takes at most 999 values a statement in its older builds.
_MOST_KEYS = 900

_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(',', ':')).encode


def request_key(identity: Mapping[str, str], request: Request) -> bytes:
    """Hash of all that determines a completion: the engine, the conversation, sampling, seed.

    Returns:
        32 bytes, the SHA-256 of a canonical JSON form.
    """
    parts = [
        dict(identity),
        [[message.role, message.content] for message in request.messages],
        vars(request.sampling),
        request.seed,
    ]
    return hashlib.sha256(_encode(parts).encode('utf-8', 'surrogatepass')).digest()


class CompletionStore:
    """Completions on disk. What `put` returned from survives a SIGKILL of the process.

    One process writes at a time; a second one that opens the file is refused. The file takes about
    120 bytes a completion beside its text: 1.4 GiB for the paper's 257,472 answers and 6.4 million
    short turns about their sentences (``benchmarks/data_engine.py full``), so 1.5 to 3 GiB at 7
    million rows. Memory is bounded by the page cache, whatever the size of the file.
    """

    def __init__(self, path: Path | str) -> None:
        """Open or create the file.

        Raises:
            ValueError: when another process has it open, or it is no store.
            OSError: when it cannot be written.
        """
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Other threads may use it, one at a time: the loop runs in one where another loop runs.
        self._database = sqlite3.connect(
            self.path, timeout=5, isolation_level=None, check_same_thread=False
        )
        try:
            with _refusals(self.path):
                self._open()
        except (ValueError, OSError):
            self._database.close()
            raise

    def _open(self) -> None:
        # Exclusive: a second writer would ask everything twice without either noticing.
        self._database.execute('PRAGMA locking_mode = EXCLUSIVE')
        self._database.execute('PRAGMA journal_mode = WAL')
        self._database.execute('PRAGMA synchronous = NORMAL')
        self._database.execute(f'PRAGMA cache_size = -{_CACHE}')
        self._database.execute(f'PRAGMA wal_autocheckpoint = {_LOG}')
        self._database.execute(_SCHEMA)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Completion]:
        """The completions of those keys that are there."""
        found: dict[bytes, Completion] = {}
        for start in range(0, len(keys), _MOST_KEYS):
            part = keys[start : start + _MOST_KEYS]
            marks = ','.join('?' * len(part))
            rows: Iterable[tuple[Any, ...]] = self._database.execute(
                f'SELECT key, {_COLUMNS} FROM completions WHERE key IN ({marks})', part
            )
            found.update((key, Completion(*values)) for key, *values in rows)
        return found

    def put(self, completions: Mapping[bytes, Completion]) -> None:
        """Store them together or not at all; a key that is there keeps what it has.

        Raises:
            OSError: when the disk is full, or does not work.
        """
        now = time.time()
        rows = [
            (key, c.text, c.finish_reason, c.prompt_tokens, c.completion_tokens, now)
            for key, c in completions.items()
        ]
        try:
            with self._database:
                self._database.execute('BEGIN')
                self._database.executemany(
                    f'INSERT INTO completions ({_ALL}) VALUES (?, ?, ?, ?, ?, ?) '
                    'ON CONFLICT (key) DO NOTHING',
                    rows,
                )
        except sqlite3.OperationalError as error:
            raise _refusal(self.path, error) from error

    def absorb(self, other: Path | str) -> int:
        """Take over what another store has and this one lacks, such as that of a shard.

        It goes in steps, each whole on disk: one that was interrupted is done by calling again.

        Returns:
            How many completions were new here.

        Raises:
            ValueError: when there is no such file, it is no store, or a run has it open.
        """
        other = Path(other)
        if not other.is_file():
            raise ValueError(f'{other}: there is no such store to take completions from')
        with _refusals(other):
            self._database.execute('ATTACH ? AS other', (str(other),))
            try:
                return sum(self._absorb_steps())
            finally:
                self._database.execute('DETACH other')

    def _absorb_steps(self) -> Iterator[int]:
        """Copy `_STEP` rows at a time in the order of their keys; yields how many were new."""
        last = b''
        while True:
            (last_of_step,) = self._database.execute(
                'SELECT max(key) FROM '
                '(SELECT key FROM other.completions WHERE key > ? ORDER BY key LIMIT ?)',
                (last, _STEP),
            ).fetchone()
            if last_of_step is None:
                return
            yield self._database.execute(
                f'INSERT OR IGNORE INTO completions ({_ALL}) '
                f'SELECT {_ALL} FROM other.completions WHERE key > ? AND key <= ? ORDER BY key',
                (last, last_of_step),
            ).rowcount
            last = last_of_step

    def __len__(self) -> int:
        (count,) = self._database.execute('SELECT count(*) FROM completions').fetchone()
        return int(count)

    def close(self) -> None:
        """Close the file; the store is not used afterwards."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Tell the user what is wrong with a file that SQLite does not take.

    Raises:
        ValueError, OSError: in place of SQLite's errors.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _refusal(path, error) from error
    except sqlite3.DatabaseError as error:
        raise ValueError(
            f'{path}: not a store of completions ({error}); move the file away'
        ) from error


def _refusal(path: Path, error: sqlite3.OperationalError) -> ValueError | OSError:
    if 'locked' in str(error):
        return ValueError(
            f'{path}: {error}; another run has the store open: wait for it, or give '
            'this one a work dir of its own'
        )
    return OSError(f'{path}: SQLite says "{error}"; nothing that was stored before is lost')
