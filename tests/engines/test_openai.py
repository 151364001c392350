"""Against LMDeploy's own HTTP application, with what can go wrong."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from typing import Any

import pytest

from maskdpo_xtuner.engines.base import Completion, EngineRefusal, Failure, Sampling
from maskdpo_xtuner.engines.endpoints import STRIKES
from maskdpo_xtuner.engines.openai import OpenAIEngine
from tests.engines.lmdeploy_server import MODEL_NAME, Server, free_ports
from tests.engines.requests import ask, gather, request_of


def engine_of(*urls: str, model: str = MODEL_NAME, **options: Any) -> OpenAIEngine:
    defaults = {'patience': 0.0, 'dialect': 'lmdeploy'}
    return OpenAIEngine(model, urls, **{**defaults, **options})


def refused() -> str:
    return f'http://127.0.0.1:{free_ports(1)[0]}'


def failure_of(engine: OpenAIEngine, *contents: str) -> Failure:
    (outcome,) = ask(engine, request_of(*contents))
    assert isinstance(outcome, Failure)
    return outcome


def test_an_answer_comes_with_its_finish_reason_and_counts(server: Server) -> None:
    (answer,) = ask(engine_of(server.urls[0]), request_of('hello'))
    assert isinstance(answer, Completion)
    assert (answer.text, answer.finish_reason) == ('answer to seed 7', 'stop')
    assert answer.prompt_tokens == len(server.seen()['engine'][0]['input_ids'])
    assert answer.completion_tokens == 5


def test_an_answer_cut_at_the_limit_says_so(server: Server) -> None:
    sampling = Sampling(max_new_tokens=3)
    (cut,) = ask(engine_of(server.urls[0]), request_of('[long]', sampling=sampling))
    assert isinstance(cut, Completion)
    assert (cut.finish_reason, cut.completion_tokens) == ('length', 3)


def test_every_field_of_the_sampling_arrives(server: Server) -> None:
    sampling = Sampling(max_new_tokens=21, temperature=0.35, top_k=5, top_p=0.75)
    ask(engine_of(server.urls[0]), request_of('hello', seed=2**31 - 1, sampling=sampling))
    (seen,) = server.seen()['engine']
    assert (seen['max_new_tokens'], seen['temperature'], seen['top_k']) == (21, 0.35, 5)
    assert (seen['top_p'], seen['min_p'], seen['repetition_penalty']) == (0.75, 0.0, 1.0)
    assert seen['random_seed'] == 2**31 - 1


def test_temperature_zero_is_greedy_though_the_server_always_samples(server: Server) -> None:
    greedy = Sampling(max_new_tokens=4, temperature=0, top_k=40)
    ask(engine_of(server.urls[0]), request_of('hello', sampling=greedy))
    assert server.seen()['engine'][0]['top_k'] == 1


def test_each_sample_has_its_own_seed(server: Server) -> None:
    outcomes = ask(engine_of(server.urls[0]), *(request_of('q', seed=n) for n in range(1, 33)))
    texts = {outcome.text for outcome in outcomes if isinstance(outcome, Completion)}
    assert texts == {f'answer to seed {n}' for n in range(1, 33)}


@pytest.mark.parametrize(
    ('content', 'reason', 'transient'),
    [
        ('[raise]', 'HTTP 500', True),
        # As LMDeploy says it until 0.12, or as 0.18 does.
        ('[error]', 'error: internal error happened, status code|HTTP 500: An internal', True),
        ('[too long]', 'INPUT_LENGTH_ERROR|HTTP 400: .*exceeds the model context length', False),
        ('[break off]', 'the answer broke off|HTTP 500: An internal', True),
    ],
)
def test_trouble_of_the_engine_is_never_an_answer(
    server: Server, content: str, reason: str, transient: bool
) -> None:
    failure = failure_of(engine_of(server.urls[0]), content)
    assert re.search(reason, failure.reason)
    assert failure.transient is transient


def test_an_empty_answer_is_an_answer(server: Server) -> None:
    (answer,) = ask(engine_of(server.urls[0]), request_of('[empty]'))
    assert isinstance(answer, Completion)
    assert (answer.text, answer.finish_reason) == ('', 'stop')


@pytest.mark.parametrize(
    ('top_p', 'said'),
    [(1.5, 'HTTP 400: The top_p 1.5 must be in'), ('high', 'HTTP (422|400): .*valid number')],
)
def test_a_bad_setting_ends_the_stage(server: Server, top_p: Any, said: str) -> None:
    engine = engine_of(server.urls[0], extra_body={'top_p': top_p})
    with pytest.raises(EngineRefusal, match=said):
        ask(engine, request_of('hi'))


def test_an_unknown_model_ends_the_stage(server: Server) -> None:
    with pytest.raises(EngineRefusal, match="HTTP 404: The model 'large' does not exist"):
        ask(engine_of(server.urls[0], model='large'), request_of('hi'))


@pytest.mark.parametrize('status', [429, 500, 503])
def test_a_busy_or_broken_server_is_worth_another_try(server: Server, status: int) -> None:
    content = {'object': 'error', 'message': 'not now', 'code': status}
    server.set_fault(server.urls[0], status=status, content=content)
    failure = failure_of(engine_of(server.urls[0]), 'hi')
    assert failure == Failure(f'HTTP {status}: not now', transient=True)


@pytest.mark.parametrize(
    'content',
    [
        # What LMDeploy's proxy says of a node that does not answer.
        {'error_code': 10402, 'text': 'failed to get response after a period of time'},
        {'choices': []},
        ['not', 'an', 'object'],
        None,
    ],
)
def test_status_200_alone_makes_no_answer(server: Server, content: Any) -> None:
    server.set_fault(server.urls[0], status=200, content=content)
    assert failure_of(engine_of(server.urls[0]), 'hi').transient


def test_a_slow_answer_ends_at_the_time_out(server: Server) -> None:
    failure = failure_of(engine_of(server.urls[0], timeout=0.3), '[slow 2]')
    assert failure == Failure('no answer within 0.3 s', transient=True)


def test_an_answer_cut_on_its_way_is_a_failure(server: Server) -> None:
    server.set_fault(server.urls[0], status=200, content={}, promised=1000)
    assert 'connection lost' in failure_of(engine_of(server.urls[0]), 'hi').reason


def test_a_refused_connection_is_a_failure_when_no_other_endpoint_is_there() -> None:
    failure = failure_of(engine_of(refused()), 'hi')
    assert failure.reason.startswith('cannot connect')
    assert failure.transient


def test_requests_leave_an_endpoint_that_is_down_at_once(server: Server) -> None:
    outcomes = ask(
        engine_of(refused(), server.urls[0], concurrency_per_endpoint=8),
        *(request_of(f'question {n}') for n in range(64)),
    )
    assert all(isinstance(outcome, Completion) for outcome in outcomes)


@pytest.mark.parametrize(
    'fault',
    [
        {'status': 503, 'content': {'message': 'engine dead'}},
        {'status': 404, 'content': {'message': 'another model'}},
        {'status': 401, 'content': {'detail': {'error': {'message': 'a key, please'}}}},
        {'status': 200, 'content': {'error_code': 10402, 'text': 'no node'}},
        {'status': 200, 'content': {}, 'promised': 1000},
    ],
)
def test_a_lost_request_is_answered_elsewhere(server: Server, fault: dict[str, Any]) -> None:
    bad, good, _ = server.urls
    server.set_fault(bad, **fault)
    outcomes = ask(engine_of(bad, good), *(request_of(f'question {n}') for n in range(32)))
    assert all(isinstance(outcome, Completion) for outcome in outcomes)


def test_an_endpoint_that_only_fails_is_left(server: Server) -> None:
    bad, good, _ = server.urls
    server.set_fault(bad, status=500, content={'message': 'out of order'})

    async def one_after_another() -> list[Completion | Failure]:
        engine = engine_of(bad, good)
        return [(await engine.complete([request_of(f'q{n}')]))[0] for n in range(100)]

    outcomes = asyncio.run(one_after_another())
    # Some in a row until it is left, then one a pause.
    assert sum(isinstance(outcome, Failure) for outcome in outcomes) < 20
    assert len(server.seen()['paths'][bad.rpartition(':')[2]]) < 20


def test_the_turns_of_a_dialogue_go_to_one_endpoint(server: Server) -> None:
    async def dialogues() -> None:
        engine = engine_of(*server.urls)
        # The first turns go round: every third dialogue has the same home.
        await gather(engine, [request_of(f'question {n}') for n in range(30)])
        later = range(0, 30, 3)
        await gather(engine, [request_of(f'question {n}', 'answer', 'go on') for n in later])

    asyncio.run(dialogues())
    paths = server.seen()['paths']
    assert [len(paths[url.rpartition(':')[2]]) for url in server.urls] == [20, 10, 10]


def test_no_more_connections_than_allowed(server: Server) -> None:
    while server.seen()['running']:  # what timed out in another test
        time.sleep(0.1)
    engine = engine_of(server.urls[0], concurrency_per_endpoint=4)
    ask(engine, *(request_of(f'[slow 0.1] {n}') for n in range(16)))
    assert server.seen()['most'] == 4


def test_it_works_in_one_event_loop_after_another(server: Server) -> None:
    engine = engine_of(server.urls[0])
    for _ in range(2):
        assert isinstance(ask(engine, request_of('hi'))[0], Completion)


def test_an_endpoint_is_waited_for_while_all_are_down(server: Server) -> None:
    url = server.urls[0]
    server.set_fault(url, status=500, content={'message': 'still loading'})
    engine = engine_of(url, patience=60)
    for n in range(STRIKES):
        failure_of(engine, f'{n}')
    mended = threading.Timer(0.5, server.set_fault, [url])
    mended.start()
    outcomes = ask(engine, *(request_of(f'q{n}') for n in range(16)))
    mended.join()
    assert all(isinstance(outcome, Completion) for outcome in outcomes)


def test_a_request_that_all_servers_lose_is_not_sent_round_for_ever(server: Server) -> None:
    for url in server.urls:
        server.set_fault(url, status=503, content={'message': 'engine dead'})
    failure = failure_of(engine_of(*server.urls, patience=60), 'hi')
    assert failure == Failure('HTTP 503: engine dead', transient=True)
    assert sum(map(len, server.seen()['paths'].values())) == 2


def test_identity_does_not_depend_on_where_the_model_is_served(server: Server) -> None:
    here, there = engine_of('http://a:1'), engine_of('http://b:2', 'http://c:3', timeout=5)
    assert here.identity == there.identity
    other = engine_of('http://a:1', extra_body={'chat_template_kwargs': {'thinking': False}})
    assert other.identity != here.identity
    assert json.dumps(other.identity)


@pytest.mark.parametrize(
    ('urls', 'options', 'said'),
    [
        ([], {}, 'a list of addresses'),
        ('http://a:1', {}, 'a list of addresses'),
        (['a:1'], {}, 'does not begin with http'),
        (['http://a:1'], {'api_key_env': 'NO_SUCH_KEY'}, 'NO_SUCH_KEY is not set'),
        (['http://a:1'], {'template_kwargs': {'today': 'x'}}, r'kwargs\.today needs a tok'),
        (['http://a:1'], {'template_kwargs': {'a': {1}}}, 'template_kwargs: .* sent as JSON'),
        (
            ['http://a:1'],
            {'template_kwargs': {'a': 1}, 'dialect': 'openai'},
            'template_kwargs: whether servers of the dialect "openai" heed them is not known',
        ),
        (
            ['http://a:1'],
            {'template_kwargs': {'a': 1}, 'extra_body': {'chat_template_kwargs': {'a': 2}}},
            r'extra_body\.chat_template_kwargs.*: give them as template_kwargs',
        ),
        (['http://a:1'], {'dialect': 'vlm'}, 'no dialect of servers "vlm"; did you mean "vllm"'),
    ],
)
def test_settings_that_cannot_work_are_refused(urls: Any, options: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        OpenAIEngine('m', urls, **options)
