"""CPU time of a request over loopback: httpx's pool of connections against ours.

    python benchmarks/http_connections.py [--requests 4096] [--connections 16 128] [--rounds 5]

Both sides run in turns in one process; a table gives the median over the rounds, the ratio and the
peak memory of a process that ran one side alone.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import statistics
import time
from collections.abc import Awaitable, Callable

import httpx

from maskdpo_xtuner.engines.connections import Bounds, Connections, Reply
from maskdpo_xtuner.engines.turns import Pace, Turns

BODY = b'{"text": "' + b'x' * 600 + b'"}'
RESPONSE = b'HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n' % len(BODY) + BODY
LATENCY = 0.05
QUESTION = {'messages': [{'role': 'user', 'content': 'word ' * 400}]}
Post = Callable[[], Awaitable[httpx.Response | Reply]]


class Server(asyncio.Protocol):
    """Answers every request `LATENCY` seconds after its last byte."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._received = transport, b''

    def data_received(self, data: bytes) -> None:
        """One request at a time, as the clients here send them."""
        self._received += data
        head, _, body = self._received.partition(b'\r\n\r\n')
        length = int(head.lower().split(b'content-length: ')[1].split(b'\r\n')[0])
        if len(body) == length:
            self._received = b''
            asyncio.get_running_loop().call_later(LATENCY, self._transport.write, RESPONSE)


def serve(ports: multiprocessing.SimpleQueue[int]) -> None:
    """Serve at a free port and tell which."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Server, '127.0.0.1', 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


def post_by_pool(url: str, connections: int) -> Post:
    """One client, whose pool has the connections."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    client = httpx.AsyncClient(base_url=url, limits=limits)
    return lambda: client.post('/', json=QUESTION)


def post_by_connections(url: str, connections: int) -> Post:
    """Our connections, each with a client of its own."""
    context = httpx.create_ssl_context()
    ours = Connections(
        lambda: httpx.AsyncClient(base_url=url, verify=context),
        Turns(Pace(connections)),
        Bounds(seconds=60.0, size=1 << 20),
    )
    return lambda: ours.post('/', QUESTION)


SIDES = {'httpx pool': post_by_pool, 'ours': post_by_connections}


async def measure(post: Post, requests: int, connections: int) -> float:
    """CPU microseconds of this process for one request."""

    async def worker() -> None:
        for _ in range(requests // connections):
            await post()

    start = time.process_time()
    await asyncio.gather(*(worker() for _ in range(connections)))
    return (time.process_time() - start) / requests * 1e6


def run_alone(side: str, url: str, requests: int, connections: int) -> None:
    """Run one side once, for its memory."""
    asyncio.run(measure(SIDES[side](url, connections), requests, connections))
    PEAKS.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


PEAKS: multiprocessing.SimpleQueue[float] = multiprocessing.SimpleQueue()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--requests', type=int, default=4096)
    parser.add_argument('--connections', type=int, nargs='+', default=[16, 128])
    parser.add_argument('--rounds', type=int, default=5)
    args = parser.parse_args()
    ports: multiprocessing.SimpleQueue[int] = multiprocessing.SimpleQueue()
    server = multiprocessing.Process(target=serve, args=(ports,), daemon=True)
    server.start()
    url = f'http://127.0.0.1:{ports.get()}'
    print('| connections | httpx pool, us | ours, us | ratio | httpx pool, MiB | ours, MiB |')
    print('|---|---|---|---|---|---|')
    for connections in args.connections:
        print(row(url, args.requests, connections, args.rounds), flush=True)


def row(url: str, requests: int, connections: int, rounds: int) -> str:
    """One line of the table."""
    times: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side, make in SIDES.items():
            asyncio.run(_measured(times[side], make, url, requests, connections))
    peaks = []
    for side in SIDES:
        alone = multiprocessing.Process(target=run_alone, args=(side, url, requests, connections))
        alone.start()
        peaks.append(PEAKS.get())
        alone.join()
    theirs, ours = (statistics.median(times[side]) for side in SIDES)
    cells = [connections, f'{theirs:.0f}', f'{ours:.0f}', f'{theirs / ours:.1f}']
    return '| ' + ' | '.join(map(str, [*cells, *(f'{peak:.0f}' for peak in peaks)])) + ' |'


async def _measured(
    times: list[float], make: Callable[[str, int], Post], url: str, requests: int, connections: int
) -> None:
    times.append(await measure(make(url, connections), requests, connections))


if __name__ == '__main__':
    main()
