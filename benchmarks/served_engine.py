"""A serving engine without a model: HTTP on loopback, OpenAI's protocol, a fixed time a request."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from stand_in_annotator import reply

HEAD = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n'


class Engine:
    """Works on at most ``limit`` requests at once, ``latency`` seconds on each; others wait.

    As on a GPU, work on the next request begins when that on the last one ends, however busy the
    process that speaks HTTP is.
    """

    def __init__(self, limit: int, latency: float) -> None:
        self._free = limit
        self._latency = latency
        self._waiting: deque[tuple[asyncio.Transport, bytes]] = deque()

    def submit(self, transport: asyncio.Transport, body: bytes) -> None:
        """Answer on the transport when it is done."""
        self._waiting.append((transport, respond(body)))
        if self._free:
            self._free -= 1
            self._start(asyncio.get_running_loop().time())

    def _start(self, now: float) -> None:
        transport, answer = self._waiting.popleft()
        end = now + self._latency
        asyncio.get_running_loop().call_at(end, self._finish, end, transport, answer)

    def _finish(self, end: float, transport: asyncio.Transport, answer: bytes) -> None:
        if self._waiting:
            self._start(end)
        else:
            self._free += 1
        transport.write(HEAD % len(answer) + answer)


def respond(body: bytes) -> bytes:
    """The body of a response of ``/v1/chat/completions``."""
    messages = json.loads(body)['messages']
    text = reply((len(messages) + 1) // 2, messages[-1]['content'])
    choice = {'message': {'role': 'assistant', 'content': text}, 'finish_reason': 'stop'}
    usage = {'prompt_tokens': 800, 'completion_tokens': len(text) // 4}
    return json.dumps({'choices': [choice], 'usage': usage}).encode()


class Connection(asyncio.Protocol):
    """One request after the other."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._received = b''

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand the body on when it is whole."""
        self._received += data
        if self._received.startswith(b'GET'):  # What it serves: it does not say.
            self._received = b''
            self._transport.write(HEAD % 2 + b'{}')
            return
        head, _, body = self._received.partition(b'\r\n\r\n')
        length = int(head.lower().split(b'content-length: ')[1].split(b'\r\n')[0])
        if len(body) == length:
            self._received = b''
            self._engine.submit(self._transport, body)


def serve(ports: multiprocessing.SimpleQueue[int], limit: int, latency: float) -> None:
    """Serve at a free port and tell which."""

    async def run() -> None:
        engine = Engine(limit, latency)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(engine), '127.0.0.1', 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def served_engine(limit: int, latency: float) -> Iterator[str]:
    """Its address; it runs in a process of its own."""
    ports: multiprocessing.SimpleQueue[int] = multiprocessing.SimpleQueue()
    server = multiprocessing.Process(target=serve, args=(ports, limit, latency), daemon=True)
    server.start()
    try:
        yield f'http://127.0.0.1:{ports.get()}'
    finally:
        server.terminate()
        server.join()
