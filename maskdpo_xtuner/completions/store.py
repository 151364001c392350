"""The memory of completions: an SQLite file under the hash of what determined each of them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from maskdpo_xtuner.completions.refusals import refusals
from maskdpo_xtuner.completions.rows import CHECKSUM, COLUMNS, checksum, read_row, row_of
from maskdpo_xtuner.engines.base import Completion, Origin, Request

_SCHEMA = """
CREATE TABLE completions (
    key BLOB NOT NULL PRIMARY KEY,
    text TEXT NOT NULL,
    finish_reason TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    created REAL NOT NULL,
    reasoning TEXT,
    checksum BLOB,
    origin INTEGER
)
"""
_ORIGINS = """
CREATE TABLE IF NOT EXISTS origins (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    served TEXT NOT NULL,
    UNIQUE (run, served)
)
"""
# What stores of earlier versions lack.
_ADDED = {'reasoning': 'TEXT', 'checksum': 'BLOB', 'origin': 'INTEGER'}
# Pages in memory, in KiB: the upper levels of the index of ten million keys, and more.
_CACHE = 64 * 1024
# Pages of 4 KiB in the write-ahead log before they go to the file, many of them changed repeatedly.
_LOG = 10_000
_READ, _ALL = ', '.join(COLUMNS[:7]), ', '.join(COLUMNS)
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

    Every row has a checksum of its key and content. One that does not fit counts as missing: it is
    asked again, and replaced by what is put. Stores of earlier versions get theirs when they are
    opened, in about ten seconds a million rows.

    One process writes at a time; a second one that opens the file is refused. The file takes about
    150 bytes a completion beside its text: 1.4 GiB for the paper's 257,472 answers and 6.4 million
    short turns about their sentences (``benchmarks/data_engine.py full``), so 1.5 to 3 GiB at 7
    million rows. Memory is bounded by the page cache, whatever the size of the file.

    Attributes:
        run: which run stores completions here.
        damaged: keys whose rows were found not to fit their checksums.
    """

    def __init__(self, path: Path | str, run: str = '') -> None:
        """Open or create the file.

        Raises:
            ValueError: when another process has it open, or it is no store, or damaged.
            OSError: when it cannot be written.
        """
        self.path, self.run = Path(path), run
        self.damaged: set[bytes] = set()
        self._origins: dict[int, Origin] = {}
        if self.path.is_dir():
            raise ValueError(f'{path}: a folder; a store of completions is a file')
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Other threads may use it, one at a time: the loop runs in one where another loop runs.
        self._database = sqlite3.connect(
            self.path, timeout=5, isolation_level=None, check_same_thread=False
        )
        # A text that is damaged may be no text.
        self._database.text_factory = bytes
        try:
            with refusals(self.path):
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
        self._database.create_function('row_checksum', 6, checksum, deterministic=True)
        with self._transaction():
            self._prepare_tables()

    def _prepare_tables(self) -> None:
        """Make the tables, or give those of an earlier version what they lack."""
        found = self._database.execute('PRAGMA table_info(completions)').fetchall()
        columns = {name.decode(errors='replace') for _, name, *_ in found}
        if not columns:
            if self._database.execute('SELECT 1 FROM sqlite_master').fetchone():
                raise ValueError(
                    f'{self.path}: not a store of completions (it holds other tables); move the '
                    'file away'
                )
            self._database.execute(_SCHEMA)
        elif 'checksum' not in columns:
            for name in _ADDED.keys() - columns:
                self._database.execute(f'ALTER TABLE completions ADD COLUMN {name} {_ADDED[name]}')
            self._database.execute(f'UPDATE completions SET checksum = {CHECKSUM}')
        self._database.execute(_ORIGINS)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._database:
            self._database.execute('BEGIN IMMEDIATE')
            yield

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Completion]:
        """Give the completions of those keys that are there.

        Raises:
            ValueError: when the file is damaged beyond what checksums tell.
        """
        rows: list[tuple[Any, ...]] = []
        with refusals(self.path):
            for start in range(0, len(keys), _MOST_KEYS):
                part = keys[start : start + _MOST_KEYS]
                marks = ','.join('?' * len(part))
                query = f'SELECT {_READ}, origin FROM completions WHERE key IN ({marks})'
                rows += self._database.execute(query, part)
            read = {key: read_row((key, *row), self._origin(n)) for key, *row, n in rows}
        wanted = set(keys)  # An index that is damaged finds others.
        self.damaged |= {key for key, completion in read.items() if completion is None} & wanted
        return {key: c for key, c in read.items() if c is not None and key in wanted}

    def put(self, completions: Mapping[bytes, Completion], served: str = '') -> None:
        """Store them together or not at all; a key that is there keeps what it has.

        Args:
            completions: by key.
            served: what the server says that it serves.

        Raises:
            OSError: when the disk is full, or does not work.
            ValueError: when the file is damaged.
        """
        rows = [(*row_of(key, completion), time.time()) for key, completion in completions.items()]
        marks = ', '.join('?' * len(COLUMNS))
        with refusals(self.path), self._transaction():
            origin = self._origin_id(Origin(self.run, served))
            replaced = [(key,) for key in completions.keys() & self.damaged]
            self._database.executemany('DELETE FROM completions WHERE key = ?', replaced)
            self._database.executemany(
                f'INSERT INTO completions ({_ALL}) VALUES ({marks}) ON CONFLICT (key) DO NOTHING',
                [(*row, origin) for row in rows],
            )

    def _origin(self, number: int | None) -> Origin | None:
        """Give the origin of that number in the file."""
        if number is not None and number not in self._origins:
            query = 'SELECT run, served FROM origins WHERE id = ?'
            row = self._database.execute(query, (number,)).fetchone() or (b'?', b'')
            self._origins[number] = Origin(*(value.decode(errors='replace') for value in row))
        return None if number is None else self._origins[number]

    def _origin_id(self, origin: Origin) -> int:
        self._database.execute('INSERT OR IGNORE INTO origins (run, served) VALUES (?, ?)', origin)
        query = 'SELECT id FROM origins WHERE run = ? AND served = ?'
        (number,) = self._database.execute(query, origin).fetchone()
        return int(number)

    def absorb(self, other: Path | str) -> int:
        """Take over what another store has and this one lacks, such as that of a shard.

        It goes in steps, each whole on disk: one that was interrupted is done by calling again.
        Damaged rows are left.

        Returns:
            How many completions were new here.

        Raises:
            ValueError: when there is no such file, it is no store, or a run has it open.
        """
        other = Path(other)
        if not other.is_file():
            raise ValueError(f'{other}: there is no such store to take completions from')
        CompletionStore(other).close()  # One of an earlier version has its checksums now.
        with refusals(other):
            self._database.execute('ATTACH ? AS other', (str(other),))
            try:
                return sum(self._absorb_steps())
            finally:
                self._database.execute('DETACH other')

    def _absorb_steps(self) -> Iterator[int]:
        """Copy `_STEP` rows at a time in the order of their keys; yields how many were new."""
        last = b''
        origin = self._origin_id(Origin(self.run))
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
                f'SELECT {", ".join(COLUMNS[:-1])}, ? FROM other.completions '
                f'WHERE key > ? AND key <= ? AND checksum = {CHECKSUM} ORDER BY key',
                (origin, last, last_of_step),
            ).rowcount
            last = last_of_step

    def __len__(self) -> int:
        with refusals(self.path):
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
