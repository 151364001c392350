"""HTTP connections to one server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import httpx


class Connections:
    """At most ``limit`` connections, each with a client of its own; the last used goes first.

    httpx's own pool looks at all its connections for every request, which at a hundred of them
    takes many times the CPU of this: see ``benchmarks/http_connections.py``.

    Args:
        open_client: makes a client.
        limit: how many requests are in flight at once; more of them wait.
    """

    def __init__(self, open_client: Callable[[], httpx.AsyncClient], limit: int) -> None:
        self._open_client = open_client
        self._slots = asyncio.Semaphore(limit)
        self._idle: list[httpx.AsyncClient] = []

    async def post(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        """Post ``body`` as JSON and read the response.

        Raises:
            httpx.RequestError: when there is none.
        """
        async with self._slots:
            client = self._idle.pop() if self._idle else self._open_client()
            try:
                return await client.post(path, json=body)
            finally:
                self._idle.append(client)
