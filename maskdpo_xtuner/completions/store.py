"""The memory of completions: an SQLite file under the hash of what determined each of them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from maskdpo_xtuner.engines.base import Completion, Request

_SCHEMA = """
CREATE TABLE IF NOT EXISTS completions (
    key BLOB PRIMARY KEY,
    text TEXT NOT NULL,
    finish_reason TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    created REAL NOT NULL
) WITHOUT ROWID
"""
_COLUMNS = 'text, finish_reason, prompt_tokens, completion_tokens'
# SQLite takes at most 999 values a statement in its older builds.
_MOST_KEYS = 900


def request_key(identity: Mapping[str, str], request: Request) -> bytes:
    """Hash of all that determines a completion: the engine, the conversation, sampling, seed.

    Returns:
        32 bytes, the SHA-256 of a canonical JSON form.
    """
    parts = [
        dict(identity),
        [[message.role, message.content] for message in request.messages],
        dataclasses.asdict(request.sampling),
        request.seed,
    ]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(',', ':'))
    return hashlib.sha256(text.encode('utf-8', 'surrogatepass')).digest()


class CompletionStore:
    """Completions on disk. What `put` returned from survives a SIGKILL of the process.

    One process writes at a time; a second one that opens the file is refused.
    """

    def __init__(self, path: Path | str) -> None:
        """Open or create the file.

        Raises:
            ValueError: when another process has it open, or it is no store.
        """
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(self.path, timeout=5, isolation_level=None)
        try:
            # Exclusive: a second writer would ask everything twice without either noticing.
            self._database.execute('PRAGMA locking_mode = EXCLUSIVE')
            self._database.execute('PRAGMA journal_mode = WAL')
            self._database.execute('PRAGMA synchronous = NORMAL')
            self._database.execute(_SCHEMA)
        except sqlite3.OperationalError as error:
            self._database.close()
            raise ValueError(
                f'{self.path}: {error}; another run has the store open: wait for it, or give '
                'this one a work dir of its own'
            ) from error
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise ValueError(
                f'{self.path}: not a store of completions ({error}); move the file away'
            ) from error

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
        """Store them together or not at all; a key that is there keeps what it has."""
        now = time.time()
        rows = [(key, *dataclasses.astuple(value), now) for key, value in completions.items()]
        with self._database:
            self._database.execute('BEGIN')
            self._database.executemany(
                f'INSERT INTO completions (key, {_COLUMNS}, created) VALUES (?, ?, ?, ?, ?, ?) '
                'ON CONFLICT (key) DO NOTHING',
                rows,
            )

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
