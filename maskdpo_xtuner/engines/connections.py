"""HTTP connections to one server."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from maskdpo_xtuner.engines.addresses import redirection, target_of
from maskdpo_xtuner.engines.turns import Turns

MOST_REDIRECTS = 3


class ResponseTooLarge(Exception):
    """A response of more bytes than are wanted."""


class ResponseTooLate(Exception):
    """A response that was not whole at its deadline."""


@dataclass(frozen=True)
class Reply:
    """A response that was read to its end; ``retry_after`` are seconds."""

    status: int
    body: bytes
    retry_after: float | None = None


@dataclass(frozen=True)
class Bounds:
    """What a response may take: seconds from the first byte sent to the last received, bytes."""

    seconds: float
    size: int


class Connections:
    """Connections to one server, each with a client of its own; the last used goes first.

    httpx's own pool looks at all its connections for every request, which at a hundred of them
    takes many times the CPU of this: see ``benchmarks/http_connections.py``.

    Args:
        open_client: makes a client.
        turns: decide when a request may go, and how many at once.
        bounds: of every response.
    """

    def __init__(
        self, open_client: Callable[[], httpx.AsyncClient], turns: Turns, bounds: Bounds
    ) -> None:
        self._open_client = open_client
        self._turns = turns
        self._bounds = bounds
        self._idle: list[httpx.AsyncClient] = []
        self.probing = asyncio.Lock()

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Post ``body`` as JSON and read the response.

        Raises:
            httpx.RequestError: when there is none.
            ResponseTooLarge, ResponseTooLate: when it is not within its bounds.
        """
        return await self._in_turn('POST', path, body)

    async def get(self, path: str) -> Reply:
        """Get a resource; raises as `post` does."""
        return await self._in_turn('GET', path, None)

    async def _in_turn(self, method: str, path: str, body: Mapping[str, Any] | None) -> Reply:
        async with self._turns.turn():
            client = self._idle.pop() if self._idle else self._open_client()
            try:
                exchange = self._exchange(client, method, path, body)
                return await asyncio.wait_for(exchange, self._bounds.seconds)
            except asyncio.TimeoutError as error:
                raise ResponseTooLate(f'within {self._bounds.seconds:g} s') from error
            finally:
                self._idle.append(client)

    async def _exchange(
        self, client: httpx.AsyncClient, method: str, path: str, body: Mapping[str, Any] | None
    ) -> Reply:
        """Send, follow redirects that keep the request at its host, and read."""
        target: str | httpx.URL = path
        for _ in range(MOST_REDIRECTS):
            request = client.build_request(method, target, json=body)
            response = await client.send(request, stream=True)
            try:
                content = await self._read(response)
            finally:
                await response.aclose()
            further = target_of(response)
            if further is None:
                break
            target = further
        if response.has_redirect_location:
            content = redirection(response).encode()
        return Reply(response.status_code, content, retry_after(response.headers))

    async def _read(self, response: httpx.Response) -> bytes:
        content = bytearray()
        async for piece in response.aiter_bytes():
            content += piece
            if len(content) > self._bounds.size:
                raise ResponseTooLarge(f'of more than {self._bounds.size} bytes')
        return bytes(content)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds after which a server says to come again; None where it does not, or not so.

    ``Retry-After`` is a number of seconds or a date (RFC 9110, section 10.2.3); OpenAI and Azure
    say it in milliseconds, too.
    """
    if (milliseconds := _seconds(headers.get('retry-after-ms'))) is not None:
        return milliseconds / 1000
    said = headers.get('retry-after')
    if (seconds := _seconds(said)) is not None:
        return seconds
    try:
        date = parsedate_to_datetime(said or '')
    except (TypeError, ValueError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=timezone.utc)
    return max(0.0, (date - (now or datetime.now(timezone.utc))).total_seconds())


def _seconds(said: str | None) -> float | None:
    try:
        seconds = float(said or 'none')
    except ValueError:
        return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
