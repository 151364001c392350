"""A server on loopback that answers whatever a test wants, byte by byte if need be."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Piece = bytes | float
"""Bytes to send, or seconds to wait."""


@dataclass
class Seen:
    """A request as it came; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


Script = Callable[[Seen], 'bytes | list[Piece]']


@dataclass
class Loopback:
    """The running server: where it is, and what it was asked."""

    port: int
    seen: list[Seen] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.port}'

    @property
    def asked(self) -> list[Seen]:
        """Requests for completions."""
        return [seen for seen in self.seen if seen.path.endswith('completions')]


def http(body: Any, status: int = 200, **headers: object) -> bytes:
    """A whole response: JSON of ``body``, or the body itself where it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {'Content-Length': len(content), 'Connection': 'close'}
    fields |= {name.replace('_', '-'): str(value) for name, value in headers.items()}
    lines = ''.join(f'{name}: {value}\r\n' for name, value in fields.items())
    return f'HTTP/1.1 {status} X\r\n{lines}\r\n'.encode() + content


def chat(content: Any = 'Gold is a metal.', finish_reason: Any = 'stop', **more: Any) -> bytes:
    """An answer of chat; ``more`` are fields beside its choices, such as ``usage``."""
    message = {'role': 'assistant', 'content': content}
    more.setdefault('usage', {'prompt_tokens': 3, 'completion_tokens': 2})
    return http({'choices': [{'message': message, 'finish_reason': finish_reason}], **more})


def error(status: int, message: str = 'no', **headers: object) -> bytes:
    """A refusal in OpenAI's form."""
    return http({'error': {'message': message}}, status, **headers)


@contextmanager
def serving(script: Script) -> Iterator[Loopback]:
    """Serve by a script in a thread; it is given every request."""
    loop = asyncio.new_event_loop()
    server = Loopback(0)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            seen = await _read(reader)
            server.seen.append(seen)
            answer = script(seen)
            for piece in [answer] if isinstance(answer, bytes) else answer:
                if isinstance(piece, bytes):
                    writer.write(piece)
                    await writer.drain()
                else:
                    await asyncio.sleep(piece)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def start() -> None:
        running = await asyncio.start_server(handle, '127.0.0.1', 0, backlog=1024)
        server.port = running.sockets[0].getsockname()[1]

    loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(_end_all(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end_all() -> None:
    """End what is still sent."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Seen:
    head = (await reader.readuntil(b'\r\n\r\n')).decode('latin-1')
    first, *lines = head.strip().split('\r\n')
    method, path, _ = first.split(' ')
    headers = {name.lower(): value for name, _, value in (line.partition(': ') for line in lines)}
    body = await reader.readexactly(int(headers.get('content-length', 0)))
    return Seen(method, path, headers, json.loads(body) if body else None)
