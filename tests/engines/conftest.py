"""A small model folder, and LMDeploy serving it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.lmdeploy_server import Server, free_ports
from tests.models import tiny_llama
from tests.tokenizers import tokenizer_folder


@pytest.fixture(scope='session')
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp('small'), tokenizer_folder('smollm2'))


@pytest.fixture(scope='session')
def running_server(model_folder: Path) -> Iterator[Server]:
    server = Server(model_folder, free_ports(3))
    server.wait()
    yield server
    server.kill()


@pytest.fixture
def server(running_server: Server) -> Iterator[Server]:
    """One engine at three ports, without a fault and with nothing seen."""
    running_server.seen()
    yield running_server
    for url in running_server.urls:
        running_server.set_fault(url)
