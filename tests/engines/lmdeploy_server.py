"""LMDeploy's real HTTP application on loopback, over the stand-in, with faults on demand.

Run as a program: ``python -m tests.engines.lmdeploy_server MODEL PORT...`` serves one engine at
several ports. Faults that LMDeploy itself does not make are put before it, port by port.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import httpx

ROOT = Path(__file__).parents[2]
MODEL_NAME = 'small'


class Server:
    """The program in a process of its own, for a test to ask, to trouble and to kill."""

    def __init__(self, model: Path, ports: Sequence[int], *options: str) -> None:
        command = [sys.executable, '-m', 'tests.engines.lmdeploy_server', str(model)]
        self.urls = [f'http://127.0.0.1:{port}' for port in ports]
        self._last = ('127.0.0.1', ports[-1])
        self._client = httpx.Client(trust_env=False, timeout=60)
        self._process = subprocess.Popen(
            [*command, *map(str, ports), *options],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self) -> None:
        """Wait until it serves at its last port."""
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            assert self._process.poll() is None, 'the server ended'
            try:
                socket.create_connection(self._last).close()
            except ConnectionRefusedError:
                time.sleep(0.2)
            else:
                return
        raise TimeoutError('the server does not come up')

    def set_fault(self, url: str, **fault: Any) -> None:
        """From now on answer at ``url`` with these arguments of `answer`; with none, as usual."""
        self._client.post(f'{url}/test/fault', json=fault).raise_for_status()

    def seen(self) -> dict[str, Any]:
        """What arrived at each port and at the engine since the last time, and how much it ran."""
        answer = self._client.get(f'{self.urls[0]}/test/seen')
        return dict(answer.raise_for_status().json())

    def kill(self) -> None:
        """Kill it without a farewell."""
        self._process.kill()
        self._process.wait()


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on."""
    sockets = [socket.create_server(('127.0.0.1', 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Faults:
    """ASGI middleware: counts requests by port and makes the port's fault of each."""

    def __init__(self, app: Any, engine: Any) -> None:
        self.app, self.engine = app, engine
        self.faults: dict[int, dict[str, Any]] = {}
        self.paths: dict[int, list[str]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope['type'] != 'http':
            await self.app(scope, receive, send)
        elif scope['path'].startswith('/test/'):
            await self._control(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _control(self, scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())['body']
        if scope['path'] == '/test/fault':
            self.faults[scope['server'][1]] = json.loads(body)
            await answer(send, 200, {})
            return
        engine = self.engine
        seen = {'paths': dict(self.paths), 'engine': list(engine.seen)}
        await answer(send, 200, {**seen, 'running': engine.running, 'most': engine.most_running})
        self.paths.clear()
        engine.seen.clear()
        engine.most_running = engine.running

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        port = scope['server'][1]
        self.paths.setdefault(port, []).append(scope['path'])
        fault = self.faults.get(port, {})
        if fault:
            await receive()
            await answer(send, **fault)
        else:
            await self.app(scope, receive, send)


async def answer(send: Any, status: int, content: Any = None, promised: int = 0) -> None:
    """Answer with JSON; with more bytes ``promised`` than are sent, the connection is cut."""
    body = json.dumps(content).encode()
    length = str(max(promised, len(body))).encode()
    headers = [(b'content-type', b'application/json'), (b'content-length', length)]
    await send({'type': 'http.response.start', 'status': status, 'headers': headers})
    await send({'type': 'http.response.body', 'body': body})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('model')
    parser.add_argument('ports', type=int, nargs='+')
    parser.add_argument('--api-keys')
    parser.add_argument('--proxy-url')
    args = parser.parse_args()
    from lmdeploy import TurbomindEngineConfig
    from lmdeploy.serve.openai import api_server

    from tests.engines.stand_in import stand_in_turbomind

    serving: dict[str, Any] = {}
    # `serve` ends in uvicorn.run(app): take the application it made.
    api_server.uvicorn.run = lambda app, **_: serving.update(app=app)
    with stand_in_turbomind() as built:
        api_server.serve(
            args.model,
            model_name=MODEL_NAME,
            # A field that TurbomindEngineConfig does not have, as before v0.11, it ignores.
            backend_config=TurbomindEngineConfig(max_batch_size=64, enable_metrics=False),
            api_keys=args.api_keys,
            server_name='127.0.0.1',
            server_port=args.ports[0],
            proxy_url=args.proxy_url,
        )
        asyncio.run(serve_everywhere(Faults(serving['app'], built[0]), args.ports))


async def serve_everywhere(app: Any, ports: Sequence[int]) -> None:
    import uvicorn

    lifespans: list[Literal['on', 'off']] = ['off' for _ in ports]
    lifespans[0] = 'on'  # One engine: it is started once.
    servers = [
        uvicorn.Server(
            uvicorn.Config(app, '127.0.0.1', port, log_level='warning', lifespan=lifespan)
        )
        for port, lifespan in zip(ports, lifespans, strict=True)
    ]
    await asyncio.gather(*(server._serve() for server in servers))


if __name__ == '__main__':
    main()
