"""How servers are asked: limits, keys, paths, redirects, fields, and what they say they serve."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timezone
from typing import Any

import pytest

from maskdpo_xtuner.engines.api_keys import LONGEST
from maskdpo_xtuner.engines.base import Completion, EngineRefusal, Failure
from maskdpo_xtuner.engines.connections import retry_after
from maskdpo_xtuner.engines.openai import OpenAIEngine
from tests.engines.loopback import Loopback, Seen, chat, error, http, serving
from tests.engines.requests import ask, request_of

KEY = 'sk-very-secret-0123456789'
GOOD = chat()


def engine_of(server: Loopback, path: str = '', **options: Any) -> OpenAIEngine:
    return OpenAIEngine('m', [server.url + path], **{'dialect': 'lmdeploy', **options})


class Limiter:
    """Lets ``most`` requests through in each window; to the others it says to come again."""

    def __init__(self, most: int, window: float, *, says: str | None = '1') -> None:
        self.most, self.window, self.says = most, window, says
        self.end, self.count, self.refused = 0.0, 0, 0

    def __call__(self, seen: Seen) -> bytes:
        now = time.monotonic()
        if now >= self.end:
            self.end, self.count = now + self.window, 0
        self.count += 1
        if self.count <= self.most:
            return GOOD
        self.refused += 1
        return error(429, 'slow down', **({'Retry-After': self.says} if self.says else {}))


def assert_none_is_lost(limiter: Limiter, count: int) -> None:
    with serving(limiter) as server:
        engine = engine_of(server, concurrency_per_endpoint=64)
        outcomes = ask(engine, *(request_of(f'q{n}') for n in range(count)))
    assert all(isinstance(outcome, Completion) for outcome in outcomes)


def test_a_limit_of_requests_costs_no_answer_and_is_not_run_against() -> None:
    limiter = Limiter(30, 0.5)
    assert_none_is_lost(limiter, 60)
    assert limiter.refused <= 64


@pytest.mark.slow
def test_a_server_of_ten_requests_a_second_loses_none_of_two_hundred() -> None:
    limiter = Limiter(10, 1.0)
    assert_none_is_lost(limiter, 200)
    assert limiter.refused < 300


@pytest.mark.parametrize(
    ('headers', 'seconds'),
    [
        ({'retry-after': '7'}, 7.0),
        ({'retry-after': '0.5'}, 0.5),
        ({'retry-after': '-3'}, 0.0),
        ({'retry-after': 'Wed, 21 Oct 2015 07:28:30 GMT'}, 30.0),
        ({'retry-after': 'Wed, 21 Oct 2015 07:27:00 GMT'}, 0.0),
        ({'retry-after': '9', 'retry-after-ms': '1500'}, 1.5),
        *(({'retry-after': word}, None) for word in ('', 'soon', 'nan', 'inf', '1e999')),
        ({}, None),
    ],
    ids=str,
)
def test_when_to_come_again_is_read_in_every_form(
    headers: dict[str, str], seconds: float | None
) -> None:
    now = datetime(2015, 10, 21, 7, 28, tzinfo=timezone.utc)
    assert retry_after(headers, now) == seconds


def test_a_server_that_is_busy_for_longer_than_patience_fails_with_its_words() -> None:
    with serving(lambda seen: error(429, 'slow down')) as server:
        (outcome,) = ask(engine_of(server, patience=0.0), request_of('q'))
    assert outcome == Failure('HTTP 429: slow down', transient=True)


def test_one_bad_request_among_good_ones_fails_alone() -> None:
    def script(seen: Seen) -> bytes:
        bad = 'bad' in seen.body['messages'][0]['content']
        return error(400, 'I do not like it') if bad else GOOD

    with serving(script) as server:
        engine = engine_of(server)
        # The bad one comes first: nothing is known of the server then.
        outcomes = ask(engine, *(request_of(text) for text in ('bad', 'good', 'bad too')))
    assert [type(outcome) for outcome in outcomes] == [Failure, Completion, Failure]
    assert outcomes[0] == Failure('HTTP 400: I do not like it')
    assert len(server.asked) <= 4  # One of them asked whether the server answers at all.


def test_a_server_that_refuses_all_is_left_for_one_that_does_not() -> None:
    with serving(lambda seen: error(401, 'a key')) as bad, serving(lambda seen: GOOD) as good:
        engine = OpenAIEngine('m', [bad.url, good.url])
        outcomes = ask(engine, *(request_of(f'q{n}') for n in range(20)))
        assert all(isinstance(outcome, Completion) for outcome in outcomes)
        refused = len(bad.asked)
        ask(engine, *(request_of(f'q{n}') for n in range(20)))
        assert len(bad.asked) == refused


# -- the key


def test_the_key_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('MY_KEY', KEY)
    with serving(lambda seen: GOOD) as server:
        ask(engine_of(server, api_key_env='MY_KEY'), request_of('q'))
    assert server.asked[0].headers['authorization'] == f'Bearer {KEY}'


@pytest.mark.parametrize(
    'value',
    [
        *('', ' ', '\t\n', f'{KEY}\n', f'{KEY}\r\n', f' {KEY}', f'{KEY[:9]}\n{KEY[9:]}'),
        *(f'{KEY} ', f'{KEY[:9]} {KEY[9:]}', f'schlüssel-{KEY}', f'金{KEY}', f'{KEY}\x1b[0m'),
        *(f'{KEY}\x7f', f'{KEY}\udc80', KEY * LONGEST),
    ],
    ids=ascii,
)
def test_a_key_that_cannot_be_sent_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv('MY_KEY', value)
    with pytest.raises(ValueError, match='api_key_env: the environment variable MY_KEY ') as caught:
        OpenAIEngine('m', ['http://a:1'], api_key_env='MY_KEY')
    assert 'secret' not in str(caught.value)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('status', [200, 400, 401, 429, 500])
def test_a_server_that_repeats_the_key_does_not_make_us_show_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level('DEBUG')
    monkeypatch.setenv('MY_KEY', KEY)

    def script(seen: Seen) -> bytes:
        return error(status, f'{"x" * 180} {seen.headers["authorization"]} is wrong')

    with serving(script) as server:
        engine = engine_of(server, api_key_env='MY_KEY', patience=0.0)
        try:
            said = repr(ask(engine, request_of('q')))
        except EngineRefusal as refusal:
            said = str(refusal)
    assert 'sk-' not in said
    assert KEY not in caplog.text


# -- addresses


@pytest.mark.parametrize(
    ('path', 'asked'),
    [
        ('', '/v1/chat/completions'),
        ('/', '/v1/chat/completions'),
        ('/v1', '/v1/chat/completions'),
        ('/v1/', '/v1/chat/completions'),
        ('/v1/chat/completions', '/v1/chat/completions'),
        ('/llm', '/llm/v1/chat/completions'),
        ('/api/v3', '/api/v3/chat/completions'),
        ('/v1beta/openai', '/v1beta/openai/chat/completions'),
        ('/compatible-mode/v1', '/compatible-mode/v1/chat/completions'),
    ],
)
def test_a_path_with_a_version_is_kept_and_another_gets_one(path: str, asked: str) -> None:
    with serving(lambda seen: GOOD) as server:
        ask(engine_of(server, path), request_of('q'))
    assert [seen.path for seen in server.asked] == [asked]


@pytest.mark.parametrize(
    ('url', 'said'),
    [
        ('http://[::1', 'is no address'),
        ('http://a:port', 'is no address'),
        ('http://a:99999', 'no port within'),
        ('http://', 'no host'),
        ('http://a b', 'holds a blank'),
        ('http://a/x y', 'holds a blank'),
        ('http://me:secret@a/v1', 'holds a user'),
        ('http://a/v1?key=secret', 'holds a user, a password or a query'),
    ],
)
def test_what_is_no_address_is_said_in_one_line_without_secrets(url: str, said: str) -> None:
    with pytest.raises(ValueError, match='base_urls: ') as caught:
        OpenAIEngine('m', [url])
    assert said in str(caught.value)
    assert 'secret' not in str(caught.value)


def test_a_redirect_at_the_same_host_is_followed_with_the_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv('MY_KEY', KEY)

    def script(seen: Seen) -> bytes:
        if seen.path.startswith('/v1/'):
            return http(b'', 308, Location=f'/api{seen.path}')
        return GOOD if seen.body['messages'] else error(400)

    with serving(script) as server:
        (outcome,) = ask(engine_of(server, api_key_env='MY_KEY'), request_of('q'))
    assert isinstance(outcome, Completion)
    assert [seen.headers['authorization'] for seen in server.asked] == [f'Bearer {KEY}'] * 2


def test_the_key_does_not_go_to_another_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('MY_KEY', KEY)
    with serving(lambda seen: GOOD) as other:
        elsewhere = f'http://localhost:{other.port}/v1/chat/completions'
        with serving(lambda seen: http(b'', 308, Location=elsewhere)) as server:
            engine = engine_of(server, api_key_env='MY_KEY')
            with pytest.raises(EngineRefusal, match=f'redirects to {elsewhere}'):
                ask(engine, request_of('q'))
    assert not other.seen


def set_proxies(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    for name in ('http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv('HTTP_PROXY', value)


@pytest.mark.parametrize('proxy', ['http://127.0.0.1:9', 'nonsense://x', 'http://[', 'socks5://a'])
def test_a_server_on_this_machine_has_no_proxy(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    set_proxies(monkeypatch, proxy)
    with serving(lambda seen: GOOD) as server:
        for host in ('127.0.0.1', 'localhost'):
            engine = OpenAIEngine('m', [f'http://{host}:{server.port}'])
            assert isinstance(ask(engine, request_of('q'))[0], Completion)


@pytest.mark.parametrize('proxy', ['nonsense://me:secret@x', 'http://me:secret@x:port'])
def test_a_proxy_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    set_proxies(monkeypatch, proxy)
    with pytest.raises(
        ValueError, match=r'HTTP_PROXY: no proxy that can be used .*NO_PROXY'
    ) as said:
        OpenAIEngine('m', ['http://node1:23333'])
    assert 'secret' not in str(said.value)


def test_what_a_proxy_does_not_reach_is_said_with_the_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_proxies(monkeypatch, 'http://me:secret@127.0.0.1:9')
    (outcome,) = ask(OpenAIEngine('m', ['http://node1:23333'], patience=0.0), request_of('q'))
    assert isinstance(outcome, Failure)
    assert outcome.reason.startswith(
        'cannot connect to http://node1:23333/v1 by way of the proxy http://127.0.0.1:9: '
    )


# -- fields


def test_fields_can_be_added_changed_and_left_out() -> None:
    extra = {'top_k': None, 'max_tokens': None, 'max_completion_tokens': 9, 'temperature': 0.5}
    with serving(lambda seen: GOOD) as server:
        ask(engine_of(server, extra_body=extra), request_of('q'))
    body = server.asked[0].body
    assert not {'top_k', 'max_tokens'} & body.keys()
    assert (body['max_completion_tokens'], body['temperature'], body['seed']) == (9, 0.5, 7)


@pytest.mark.parametrize(
    'extra',
    [{'stop': {'a'}}, {'a': float('nan')}, {'a': b'x'}, {'stream': True}, {'n': 2}],
    ids=str,
)
def test_fields_that_cannot_be_sent_or_read_are_refused(extra: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match='extra_body: '):
        OpenAIEngine('m', ['http://a:1'], extra_body=extra)


# -- what is served


@pytest.mark.parametrize(
    ('entry', 'said'),
    [
        ({'root': '/models/a', 'max_model_len': 4096}, 'root /models/a, max_model_len 4096'),
        ({'root': 'm', 'created': 5}, ''),
        ({'meta': {'n_params': 7, 'vocab': 9}}, 'n_params 7'),
        ({}, ''),
        ([], ''),
    ],
)
def test_a_server_is_asked_what_it_has_loaded(entry: Any, said: str) -> None:
    models = [{'id': 'other', 'root': '/x'}, {'id': 'm', **entry} if entry != [] else entry]
    with serving(lambda seen: http({'data': models})) as server:
        assert asyncio.run(engine_of(server).served()) == said
    assert [(seen.method, seen.path) for seen in server.seen] == [('GET', '/v1/models')]


def test_a_server_that_does_not_say_what_it_has_loaded_serves_all_the_same() -> None:
    with serving(lambda seen: error(404)) as server:
        assert asyncio.run(engine_of(server).served()) == ''
