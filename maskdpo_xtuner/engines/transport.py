"""Carries requests to servers and judges what comes back; whatever goes wrong is a `Failure`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import httpx

from maskdpo_xtuner.engines.addresses import named, proxy_of
from maskdpo_xtuner.engines.answers import Answer, judge_response, lost, shorten
from maskdpo_xtuner.engines.connections import (
    Bounds,
    Connections,
    Reply,
    ResponseTooLarge,
    ResponseTooLate,
)
from maskdpo_xtuner.engines.endpoints import Endpoint
from maskdpo_xtuner.engines.statuses import Verdict
from maskdpo_xtuner.engines.turns import Turns

CONNECT_TIMEOUT = 10.0
# uvicorn, which LMDeploy runs on, closes a connection after 5 idle seconds: reuse none that old.
KEEPALIVE = 3.0


class Transport:
    """The connections to all servers.

    A proxy is one that the environment names (``HTTPS_PROXY`` and the like), never for a server on
    this machine.

    Args:
        urls: base addresses.
        bounds: of every response.
        key: of the API; empty for none. No message repeats it.

    Raises:
        ValueError: for a proxy that cannot be used.
    """

    def __init__(self, urls: list[str], bounds: Bounds, key: str) -> None:
        self._bounds, self._key = bounds, key
        self._proxies = {url: proxy_of(url) for url in urls}
        # One for all clients: each would read the certificates anew.
        self._ssl = httpx.create_ssl_context()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connections: dict[Endpoint, Connections] = {}

    async def post(self, endpoint: Endpoint, path: str, body: Mapping[str, Any]) -> Answer:
        """Post to one endpoint and judge the response."""
        try:
            reply = await self.to(endpoint).post(path, body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            where = named(endpoint.url, self._proxies[endpoint.url])
            return self._lost(f'cannot connect to {where}: {_told(error)}', Verdict.DEAD)
        except (httpx.TimeoutException, ResponseTooLate):
            return self._lost(f'no answer within {self._bounds.seconds:g} s', Verdict.SUSPECT)
        except ResponseTooLarge:
            reason = f'a response of more than {self._bounds.size} bytes (max_response_bytes)'
            return self._lost(reason, Verdict.ODD)
        except httpx.RequestError as error:
            return self._lost(f'connection lost: {_told(error)}', Verdict.LOST)
        return judge_response(reply.status, reply.body, reply.retry_after, self._key)

    async def get(self, endpoint: Endpoint, path: str) -> Reply | None:
        """Get a resource of one endpoint; None where it gives none, or not soon."""
        try:
            return await asyncio.wait_for(self.to(endpoint).get(path), CONNECT_TIMEOUT)
        except (httpx.RequestError, ResponseTooLate, ResponseTooLarge, asyncio.TimeoutError):
            return None

    def to(self, endpoint: Endpoint) -> Connections:
        """Give the connections to an endpoint; they belong to an event loop and end with it."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._connections = loop, {}
        if endpoint not in self._connections:
            open_client = partial(self._open_client, endpoint.url)
            turns = Turns(endpoint.pace)
            self._connections[endpoint] = Connections(open_client, turns, self._bounds)
        return self._connections[endpoint]

    def _open_client(self, url: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=url,
            headers={'Authorization': f'Bearer {self._key}'} if self._key else {},
            limits=httpx.Limits(keepalive_expiry=KEEPALIVE),
            timeout=httpx.Timeout(self._bounds.seconds, connect=CONNECT_TIMEOUT),
            verify=self._ssl,
            proxy=self._proxies[url],
            trust_env=False,
        )

    def _lost(self, reason: str, verdict: Verdict) -> Answer:
        return lost(shorten(reason, secret=self._key), verdict)


def _told(error: httpx.RequestError) -> str:
    return f'{type(error).__name__} {error}'.rstrip()
