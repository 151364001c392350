"""Vectors of texts by a server with OpenAI's protocol of embeddings."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from maskdpo_xtuner.engines.addresses import checked, proxy_of
from maskdpo_xtuner.engines.api_keys import read_api_key
from maskdpo_xtuner.engines.bodies import parse
from maskdpo_xtuner.engines.connections import Reply, retry_after

_MAY_PASS = {408, 409, 425, 429}
LONGEST_WAIT = 60.0  # seconds between two attempts
LARGEST = 1 << 28  # bytes of a response: ten times those of a large batch of long vectors


class ServedVectors:
    """Asks ``/embeddings`` of a server for the vectors of texts, some at a time.

    Attributes:
        identity: name of the model, and dimensions where they are asked for. Which weights a
            server has under a name is not known.

    Args:
        model: the name under which it is served.
        base_url: address of the server.
        api_key_env: the environment variable that holds the key, if it wants one.
        dimensions: of the vectors; None for all.
        batch_size: texts of one request.
        timeout: seconds for one whole answer, however it trickles.
        retries: how often a request is sent again that failed in a way that may pass.
        delay: seconds before the first of these, doubled each time; ``Retry-After`` comes first.

    Raises:
        ValueError: for an address or a key that cannot be used.
    """

    def __init__(
        self,
        model: str,
        base_url: str,
        *,
        api_key_env: str | None = None,
        dimensions: int | None = None,
        batch_size: int = 256,
        timeout: float = 120.0,
        retries: int = 5,
        delay: float = 1.0,
    ) -> None:
        (self._url,) = checked([base_url])
        self._key = read_api_key(api_key_env)
        self._timeout, self._retries, self._delay = timeout, retries, delay
        self._batch_size = batch_size
        self._fields: dict[str, Any] = {'model': model, 'encoding_format': 'float'}
        if dimensions is not None:
            self._fields['dimensions'] = dimensions
        self.identity: Mapping[str, str] = {
            'model': model,
            'revision': 'of the server',
            **({'dimensions': str(dimensions)} if dimensions is not None else {}),
        }

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Give (texts, width).

        Raises:
            ValueError: when the server does not answer, refuses, or answers something else.
        """
        headers = {'Authorization': f'Bearer {self._key}'} if self._key else {}
        with httpx.Client(
            headers=headers, timeout=self._timeout, proxy=proxy_of(self._url), trust_env=False
        ) as client:
            parts = [
                self._ask(client, texts[start : start + self._batch_size])
                for start in range(0, len(texts), self._batch_size)
            ]
        widths = {part.shape[1] for part in parts}
        if len(widths) != 1:
            raise ValueError(f'{self._url}: vectors of different widths {sorted(widths)}')
        return np.concatenate(parts)

    def _ask(self, client: httpx.Client, texts: Sequence[str]) -> NDArray[np.float64]:
        body = {**self._fields, 'input': list(texts)}
        for attempt in range(self._retries + 1):
            problem, wait = '', None
            try:
                reply = self._post(client, body)
            except httpx.RequestError as error:
                problem = f'{type(error).__name__}: {error}'
            else:
                if reply.status == httpx.codes.OK:
                    return self._read(reply.body, len(texts))
                problem, wait = self._problem(reply), reply.retry_after
            if attempt < self._retries:
                time.sleep(min(LONGEST_WAIT, wait or self._delay * 2**attempt))
        raise ValueError(
            f'{self._url} gives no vectors after {self._retries + 1} attempts ({problem}); run '
            'again when it answers'
        )

    def _post(self, client: httpx.Client, body: Mapping[str, Any]) -> Reply:
        end = time.monotonic() + self._timeout
        content = bytearray()
        with client.stream('POST', f'{self._url}/embeddings', json=body) as response:
            for piece in response.iter_bytes():
                content += piece
                if time.monotonic() > end:
                    raise httpx.ReadTimeout(f'not whole within {self._timeout:g} s')
                if len(content) > LARGEST:
                    raise ValueError(f'{self._url}/embeddings gives more than {LARGEST} bytes')
        return Reply(response.status_code, bytes(content), retry_after(response.headers))

    def _problem(self, reply: Reply) -> str:
        """Say what an answer that is no success says.

        Raises:
            ValueError: for one that would be the same if asked again.
        """
        said = reply.body.decode(errors='replace')
        if self._key:
            said = said.replace(self._key, '(the key)')
        problem = f'status {reply.status}: {" ".join(said.split())[:300]}'
        if reply.status in _MAY_PASS or reply.status >= 500:
            return problem
        raise ValueError(f'{self._url}/embeddings refuses: {problem}')

    def _read(self, content: bytes, count: int) -> NDArray[np.float64]:
        try:
            found: Any = parse(content)
            data = sorted(found['data'], key=lambda item: item['index'])
            places = [item['index'] for item in data]
            vectors = np.array([item['embedding'] for item in data], dtype=np.float64)
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise ValueError(
                f'{self._url}/embeddings gives something else than vectors '
                f'({type(error).__name__}: {error})'
            ) from error
        whole = places == list(range(count)) and vectors.ndim == 2
        if not whole or not vectors.shape[1] or not np.isfinite(vectors).all():
            raise ValueError(
                f'{self._url}/embeddings gives {len(data)} vectors for {count} texts, or numbers '
                'that are not finite'
            )
        return vectors
