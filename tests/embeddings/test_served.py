"""Vectors by a server with OpenAI's protocol, and by sentence-transformers."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from maskdpo_xtuner.embeddings.sentences import SentenceVectors
from maskdpo_xtuner.embeddings.served import ServedVectors
from tests.engines.loopback import Seen, error, http, serving


def vectors(seen: Seen) -> bytes:
    """The length of each text and its place in the request, in another order."""
    data = [{'index': n, 'embedding': [len(text), n]} for n, text in enumerate(seen.body['input'])]
    return http({'data': data[::-1]})


def test_texts_are_asked_about_in_batches_and_come_back_in_order() -> None:
    with serving(vectors) as server:
        found = ServedVectors('m', server.url, batch_size=2, dimensions=2)(['tin', 'a', 'zinc'])
    assert found.tolist() == [[3, 0], [1, 1], [4, 0]]
    assert [seen.path for seen in server.seen] == ['/v1/embeddings'] * 2
    assert server.seen[0].body == {
        **{'model': 'm', 'encoding_format': 'float', 'dimensions': 2},
        **{'input': ['tin', 'a']},
    }


def test_what_may_pass_is_asked_again_and_a_refusal_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv('KEY', 'sk-secret')
    answers = [error(429, 'slow down'), error(503, 'busy')]
    with serving(lambda seen: answers.pop(0) if answers else vectors(seen)) as server:
        found = ServedVectors('m', server.url, api_key_env='KEY', delay=0.01)(['tin'])
    assert (found.tolist(), len(server.seen)) == ([[3, 0]], 3)
    assert server.seen[0].headers['authorization'] == 'Bearer sk-secret'
    with serving(lambda seen: error(401, 'bad key sk-secret')) as server:
        with pytest.raises(ValueError, match=r'refuses: status 401: .*bad key \(the key\)'):
            ServedVectors('m', server.url, api_key_env='KEY')(['tin'])
        assert len(server.seen) == 1


def test_a_server_that_never_answers_is_an_error() -> None:
    with (
        serving(lambda seen: error(500)) as server,
        pytest.raises(ValueError, match='gives no vectors after 2 attempts .status 500'),
    ):
        ServedVectors('m', server.url, retries=1, delay=0.01)(['tin'])


def test_an_answer_that_trickles_ends_at_the_time_limit() -> None:
    head = b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n'
    trickle: list[bytes | float] = [b'x', 0.05]
    with (
        serving(lambda seen: [head, *trickle * 100]) as server,
        pytest.raises(ValueError, match=r'after 1 attempts .ReadTimeout: not whole within 0\.3 s'),
    ):
        ServedVectors('m', server.url, timeout=0.3, retries=0)(['tin'])


def test_an_answer_without_an_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('maskdpo_xtuner.embeddings.served.LARGEST', 4096)
    head = b'HTTP/1.1 200 OK\r\n\r\n'
    with (
        serving(lambda seen: [head, *[b'x' * 999] * 50]) as server,
        pytest.raises(ValueError, match='gives more than 4096 bytes'),
    ):
        ServedVectors('m', server.url)(['tin'])


@pytest.mark.parametrize(
    'body',
    [
        b'[' * 100_000,
        b'no JSON',
        {'data': 5},
        {'data': []},
        {'data': [{'index': 1, 'embedding': [1.0]}]},
        {'data': [{'index': 0, 'embedding': []}]},
        {'data': [{'index': 0, 'embedding': [float('nan')]}]},
        {'data': [{'index': 0, 'embedding': 'AAAA'}]},
        {'error': 'none'},
    ],
)
def test_what_is_no_vector_is_an_error(body: Any) -> None:
    with (
        serving(lambda seen: http(body)) as server,
        pytest.raises(ValueError, match='vectors'),
    ):
        ServedVectors('m', server.url)(['tin'])


def test_sentence_transformers_encodes_with_its_prompt(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    made = []

    class SentenceTransformer:
        def __init__(self, model: str, device: str | None = None) -> None:
            made.append((model, device))

        def encode(self, texts: list[str], prompt_name: str | None, **_: Any) -> NDArray[Any]:
            assert prompt_name == 'query'
            return np.array([[len(text)] for text in texts], dtype=np.float32)

    module = ModuleType('sentence_transformers')
    module.SentenceTransformer = SentenceTransformer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, 'sentence_transformers', module)
    (tmp_path / 'config.json').write_text('{}')
    found = SentenceVectors(str(tmp_path), prompt='query', device='cpu')
    assert found(['tin', 'zinc']).tolist() == [[3], [4]]
    assert made == [(str(tmp_path), 'cpu')]
    assert found.identity['prompt'] == 'query'
    with pytest.raises(ValueError, match="cannot be loaded: device: 'cuda:99' is not there"):
        SentenceVectors(str(tmp_path), prompt='query', device='cuda:99')(['tin'])


def test_without_the_package_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setitem(sys.modules, 'sentence_transformers', None)
    with pytest.raises(ValueError, match='pip install sentence-transformers'):
        SentenceVectors(str(tmp_path))(['tin'])
