"""Answers that arrive together share a transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from maskdpo_xtuner.completions.store import CompletionStore
from maskdpo_xtuner.engines.base import Completion


class GroupCommit:
    """Writes to a store once for all that arrives in one tick of the event loop.

    Attributes:
        served: what the server of the completions says that it serves.
    """

    def __init__(self, store: CompletionStore) -> None:
        self.served = ''
        self._store = store
        self._arrived: dict[bytes, Completion] = {}

    async def put(self, completions: Mapping[bytes, Completion]) -> None:
        """Come back when they are stored; a key that arrived before keeps what it has.

        Raises:
            what `CompletionStore.put` raises, to all whose completions are not stored by it.
        """
        for key, completion in completions.items():
            self._arrived.setdefault(key, completion)
        try:
            await asyncio.sleep(0)
        finally:  # Also when cancelled: what was answered is kept.
            self._flush()

    def _flush(self) -> None:
        """Write what has arrived; the first one to wake up does it for all."""
        if self._arrived:
            self._store.put(self._arrived, self.served)
            self._arrived = {}
