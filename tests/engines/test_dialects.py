"""Requests in the dialect of the server, and thoughts out of each one's answers."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from pydantic import BaseModel

from maskdpo_xtuner.engines.base import Completion, EngineRefusal, Failure, Sampling
from maskdpo_xtuner.engines.dialects import UNKNOWN, Dialect, dialect_said
from maskdpo_xtuner.engines.openai import OpenAIEngine
from maskdpo_xtuner.registry import DIALECTS
from tests.engines.dialect_servers import KINDS, THOUGHT, serving_dialect
from tests.engines.loopback import Loopback, chat, error, http, serving
from tests.engines.requests import ask, request_of
from tests.tokenizers import load_tokenizer, tokenizer_folder

GOLD = 'Gold is a metal.'
OPEN = [kind for kind in KINDS if kind != 'openai']
NO_LIMIT = Sampling(max_new_tokens=16, top_k=0)
LLAMA3 = str(tokenizer_folder('llama3'))


def gold(request: BaseModel) -> tuple[str, str]:
    return GOLD, 'stop'


def answer_of(server: Loopback, sampling: Sampling = NO_LIMIT, **options: Any) -> Completion:
    (found,) = ask(OpenAIEngine('m', [server.url], **options), request_of('q', sampling=sampling))
    assert isinstance(found, Completion), found
    return found


@pytest.mark.parametrize('sampling', [NO_LIMIT, Sampling(16), Sampling(16, temperature=0)], ids=str)
@pytest.mark.parametrize('kind', OPEN)
def test_a_server_takes_every_sampling_without_being_told_what_it_is(
    kind: str, sampling: Sampling
) -> None:
    with serving_dialect(kind, gold) as server:
        assert answer_of(server, sampling).text == GOLD
    (seen,) = server.asked
    limits = {'lmdeploy': 0, 'vllm': 0, 'sglang': -1}
    expected = {0: limits[kind], 40: 40}[sampling.top_k] if sampling.temperature else 1
    assert (seen.body['top_k'], seen.body['seed']) == (expected, 7)


def test_sglang_refuses_the_zero_that_lmdeploy_takes() -> None:
    refused = pytest.raises(EngineRefusal, match='top_k must be -1')
    with serving_dialect('sglang', gold) as server, refused:
        answer_of(server, dialect='lmdeploy')


def test_a_server_is_asked_once_what_it_is() -> None:
    with serving_dialect('vllm', gold) as server:
        ask(OpenAIEngine('m', [server.url]), *(request_of(f'q{n}') for n in range(20)))
    assert [seen.method for seen in server.seen].count('GET') == 1


def test_servers_of_two_dialects_answer_side_by_side() -> None:
    with serving_dialect('vllm', gold) as one, serving_dialect('sglang', gold) as other:
        engine = OpenAIEngine('m', [one.url, other.url])
        requests = (request_of(f'q{n}', sampling=NO_LIMIT) for n in range(8))
        outcomes = ask(engine, *requests)
    assert all(isinstance(outcome, Completion) for outcome in outcomes), outcomes
    assert {seen.body['top_k'] for seen in one.asked} == {0}
    assert {seen.body['top_k'] for seen in other.asked} == {-1}


def test_openai_gets_what_it_documents_and_no_more() -> None:
    with serving_dialect('openai', gold) as server:
        assert answer_of(server, dialect='openai').text == GOLD
        greedy = Sampling(16, temperature=0)
        assert answer_of(server, greedy, dialect='openai').text == GOLD
        with pytest.raises(EngineRefusal, match='take no top_k, and top_k=40 is asked for'):
            answer_of(server, Sampling(16), dialect='openai')
        kept = answer_of(server, Sampling(16), dialect='openai', extra_body={'top_k': None})
    assert kept.text == GOLD
    assert server.asked[1].body['temperature'] == 0


@pytest.mark.parametrize('owner', ['openai', 'somebody'])
def test_a_server_that_does_not_say_what_it_is_is_told_of(
    owner: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serving_dialect('lmdeploy', gold, owner) as server:
        assert answer_of(server).text == GOLD
        assert 'does not say what it is and is asked as LMDeploy is; `dialect`' in caplog.text
        with pytest.raises(EngineRefusal, match='dialect "unknown" heed them is not known'):
            answer_of(server, template_kwargs={'enable_thinking': False})


def test_a_server_that_is_told_from_its_list_is_named_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    with serving_dialect('sglang', gold) as server:
        answer_of(server)
    assert f'{server.url}/v1 speaks the dialect "sglang"' in caplog.text


@pytest.mark.parametrize(
    ('body', 'name'),
    [
        (b'{"data": [{"id": "m", "owned_by": "sglang"}]}', 'sglang'),
        (b'{"data": [{"id": "a", "owned_by": "vllm"}, {"id": "b", "owned_by": "vllm"}]}', 'vllm'),
        (b'{"data": [{"owned_by": "vllm"}, {"owned_by": "sglang"}]}', 'unknown'),
        (b'{"data": [{"id": "vllm", "owned_by": 5}]}', 'unknown'),
        (b'{"data": []}', 'unknown'),
        (b'<html>', 'unknown'),
    ],
)
def test_only_one_name_without_doubt_tells_a_dialect(body: bytes, name: str) -> None:
    assert dialect_said(body).name == name


def test_a_server_without_a_list_of_models_answers_all_the_same() -> None:
    with serving(lambda seen: error(404) if seen.method == 'GET' else chat(GOLD)) as server:
        assert answer_of(server).text == GOLD
        # Nobody knows whether it would heed them.
        with pytest.raises(EngineRefusal, match='template_kwargs'):
            answer_of(server, template_kwargs={'enable_thinking': False})


def test_a_server_that_does_not_list_its_models_is_waited_for_where_that_matters() -> None:
    models = http({'data': [{'id': 'm', 'owned_by': 'vllm'}]})
    lists = iter([b'', b'', models])
    with serving(lambda seen: next(lists) if seen.method == 'GET' else chat(GOLD)) as server:
        kwargs = {'enable_thinking': False}
        hasty = OpenAIEngine('m', [server.url], template_kwargs=kwargs, patience=0.0)
        (outcome,) = ask(hasty, request_of('q'))
        assert isinstance(outcome, Failure)
        assert outcome.reason.startswith('no list of models came from it; template_kwargs: ')
        assert not server.asked
        assert answer_of(server, template_kwargs=kwargs).text == GOLD
    assert server.asked[0].body['chat_template_kwargs'] == kwargs


def test_a_server_whose_list_does_not_come_is_told_of_once_it_answers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with serving(lambda seen: b'' if seen.method == 'GET' else chat(GOLD)) as server:
        engine = OpenAIEngine('m', [server.url])
        for _ in range(3):
            (outcome,) = ask(engine, request_of('q'))
            assert isinstance(outcome, Completion)
    assert caplog.text.count('does not say what it is') == 1


@pytest.mark.parametrize('kind', OPEN)
def test_variables_of_the_template_go_to_a_server_that_renders(kind: str) -> None:
    with serving_dialect(kind, gold) as server:
        answer_of(server, template_kwargs={'enable_thinking': False})
    assert server.asked[0].body['chat_template_kwargs'] == {'enable_thinking': False}
    plain = OpenAIEngine('m', ['http://a:1'])
    short = OpenAIEngine('m', ['http://a:1'], template_kwargs={'enable_thinking': False})
    assert short.identity != plain.identity
    assert short.identity == {**plain.identity, 'template_kwargs': '{"enable_thinking": false}'}


@pytest.mark.parametrize('kind', OPEN)
def test_a_prompt_that_is_rendered_here_gets_no_second_start_token(kind: str) -> None:
    with serving_dialect(kind, gold) as server:
        answer_of(server, tokenizer=LLAMA3)
    body = server.asked[0].body
    tokenizer = load_tokenizer('llama3')
    turns = [{'role': 'user', 'content': 'q'}]
    ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True)
    if kind == 'sglang':  # It has no field against it.
        assert body['prompt'] == ids
    else:
        assert tokenizer.encode(body['prompt'], add_special_tokens=False) == ids
        assert body['add_special_tokens'] is False


def test_a_tokenizer_is_refused_where_a_start_token_may_be_added_unseen() -> None:
    with pytest.raises(ValueError, match='tokenizer: servers of the dialect "openai" may add'):
        OpenAIEngine('m', ['http://a:1'], tokenizer=LLAMA3, dialect='openai')


def test_variables_beside_a_tokenizer_are_given_in_one_place() -> None:
    extra = {'chat_template_kwargs': {'enable_thinking': False}}
    with pytest.raises(ValueError, match=r'extra_body\.chat_template_kwargs.*template_kwargs'):
        OpenAIEngine('m', ['http://a:1'], tokenizer=LLAMA3, extra_body=extra)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize(('content', 'reason'), [(GOLD, 'stop'), (None, 'length')])
def test_thoughts_come_apart_from_the_answer(kind: str, content: str | None, reason: str) -> None:
    with serving_dialect(kind, lambda request: (content, reason)) as server:
        found = answer_of(server, dialect=kind)
    assert (found.reasoning, found.text) == (THOUGHT, content or '')
    assert found.finish_reason == reason


def test_a_dialect_of_ones_own_is_known_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Dialect('mine', -1, False, 'text', True, 'my server')
    monkeypatch.setattr(DIALECTS, '_items', {**{n: DIALECTS.get(n) for n in DIALECTS}})
    DIALECTS.register_module('mine', module=mine)
    models = {'data': [{'id': 'm', 'owned_by': 'my server'}]}
    with serving(lambda seen: http(models) if seen.method == 'GET' else chat(GOLD)) as server:
        assert answer_of(server).text == GOLD
    assert server.asked[0].body['top_k'] == -1
    assert 'min_p' not in server.asked[0].body
    assert UNKNOWN.name not in DIALECTS
