"""Servers that die under load, and the proxy of LMDeploy before one: minutes, not seconds."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from maskdpo_xtuner.completions import CompletionStore, Scheduler
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.engines.openai import OpenAIEngine
from tests.engines.lmdeploy_server import MODEL_NAME, ROOT, Server, free_ports
from tests.engines.requests import ask, request_of

pytestmark = pytest.mark.slow
REQUESTS = 600


@contextmanager
def serving(model: Path, port: int) -> Iterator[Server]:
    server = Server(model, [port])
    try:
        server.wait()
        yield server
    finally:
        server.kill()


def one_question(request: Request) -> Generator[Request, Completion | Failure, str]:
    outcome = yield request
    return outcome.text if isinstance(outcome, Completion) else outcome.reason


def run_under_load(engine: OpenAIEngine, store: Path) -> tuple[list[str], Scheduler[str]]:
    """Ask `REQUESTS` questions of different seeds, a tenth of a second each."""
    with CompletionStore(store) as completions:
        scheduler: Scheduler[str] = Scheduler(engine, completions)
        requests = (request_of('[slow 0.1]', seed=n) for n in range(1, REQUESTS + 1))
        groups = scheduler.run([one_question(request)] for request in requests)
        return [text for group in groups for text in group], scheduler


def assert_all_answered(texts: list[str], scheduler: Scheduler[str]) -> None:
    assert texts == [f'answer to seed {n}' for n in range(1, REQUESTS + 1)]
    assert (scheduler.accounting.failed, scheduler.accounting.pending) == (0, 0)


def test_a_server_killed_and_restarted_under_load_costs_no_answer(
    model_folder: Path, tmp_path: Path
) -> None:
    (port,) = free_ports(1)
    with serving(model_folder, port) as first:
        engine = OpenAIEngine(MODEL_NAME, first.urls, concurrency_per_endpoint=8, patience=300)
        threading.Timer(3.0, first.kill).start()
        again = threading.Timer(5.0, Server, (model_folder, [port]))
        restarted: list[Server] = []
        again.function = lambda *args: restarted.append(Server(*args))
        again.start()
        try:
            texts, scheduler = run_under_load(engine, tmp_path / 'store.sqlite')
        finally:
            again.join()
            restarted[0].kill()
    assert_all_answered(texts, scheduler)


def test_requests_of_a_killed_server_move_on_and_come_back_when_it_does(
    model_folder: Path, tmp_path: Path
) -> None:
    ports = free_ports(2)
    with serving(model_folder, ports[0]) as stays, serving(model_folder, ports[1]) as dies:
        urls = [*stays.urls, *dies.urls]
        engine = OpenAIEngine(MODEL_NAME, urls, concurrency_per_endpoint=4, patience=0)
        threading.Timer(2.0, dies.kill).start()
        texts, scheduler = run_under_load(engine, tmp_path / 'store.sqlite')
        assert_all_answered(texts, scheduler)
        with serving(model_folder, ports[1]) as back:
            back.seen()
            deadline = time.monotonic() + 60
            while not back.seen()['engine']:
                assert time.monotonic() < deadline, 'no request tries the endpoint again'
                ask(engine, *(request_of(f'{time.monotonic()} {n}') for n in range(8)))


def test_the_proxys_word_for_a_dead_node_is_no_answer(model_folder: Path) -> None:
    proxy_port, node_port, dead_port = free_ports(3)
    proxy = subprocess.Popen(
        [sys.executable, '-m', 'lmdeploy', 'serve', 'proxy', '--server-name', '127.0.0.1']
        + ['--server-port', str(proxy_port), '--routing-strategy', 'random'],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with serving(model_folder, node_port):
            add_nodes(f'http://127.0.0.1:{proxy_port}', node_port, dead_port)
            engine = OpenAIEngine(MODEL_NAME, [f'http://127.0.0.1:{proxy_port}'], patience=0)
            outcomes = ask(engine, *(request_of('hi', seed=n) for n in range(1, 33)))
    finally:
        proxy.kill()
        proxy.wait()
    answers = [outcome for outcome in outcomes if isinstance(outcome, Completion)]
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    assert answers
    assert failures
    assert all(failure.transient for failure in failures)
    assert {failure.reason.partition(':')[0] for failure in failures} == {'no answer in it'}


def add_nodes(proxy: str, *ports: int) -> None:
    """Tell the proxy of its nodes, as soon as it listens."""
    for port in ports:
        node = {'url': f'http://127.0.0.1:{port}', 'status': {'models': [MODEL_NAME]}}
        for _ in range(600):
            try:
                httpx.post(f'{proxy}/nodes/add', json=node, trust_env=False).raise_for_status()
                break
            except httpx.TransportError:
                time.sleep(0.2)
