"""What a server's answer is worth, by the bodies that servers send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from maskdpo_xtuner.engines.answers import REASON_LENGTH, Verdict, judge_response, judge_text
from maskdpo_xtuner.engines.base import Completion, Failure

USAGE = {'prompt_tokens': 3, 'completion_tokens': 2, 'total_tokens': 5}


def chat(text: Any, finish_reason: Any = 'stop') -> bytes:
    choice = {'message': {'role': 'assistant', 'content': text}, 'finish_reason': finish_reason}
    return json.dumps({'choices': [choice], 'usage': USAGE}).encode()


def test_chat_and_plain_completions_are_read() -> None:
    assert judge_response(200, chat(' yes ')).outcome == Completion(' yes ', 'stop', 3, 2)
    plain = {'choices': [{'text': 'yes', 'finish_reason': 'length'}], 'usage': USAGE}
    answer = judge_response(200, json.dumps(plain).encode())
    assert answer.outcome == Completion('yes', 'length', 3, 2)
    assert answer.verdict is Verdict.WELL


@pytest.mark.parametrize('text', [None, '', ' \n'])
@pytest.mark.parametrize('finish_reason', ['stop', 'length'])
def test_an_answer_that_says_nothing_is_a_failure(text: str | None, finish_reason: str) -> None:
    assert isinstance(judge_text(text, finish_reason, 3, 0), Failure)


def test_half_of_a_character_is_a_failure_also_as_a_reason() -> None:
    answer = judge_response(200, chat('gold \ud83d'))
    assert answer.outcome == Failure('the answer is not Unicode: a lone surrogate in it', True)
    assert answer.verdict is Verdict.SUSPECT
    assert judge_response(200, chat('gold \ud83e\udd47')).outcome == (
        Completion('gold \N{FIRST PLACE MEDAL}', 'stop', 3, 2)
    )
    refused = judge_response(400, json.dumps({'message': 'bad \udd47'}).encode())
    assert refused.outcome == Failure('HTTP 400: bad ?')


@pytest.mark.parametrize('finish_reason', ['error', 'abort', 'tool_calls', None])
def test_only_stop_and_length_end_an_answer(finish_reason: str | None) -> None:
    answer = judge_response(200, chat('plausible text', finish_reason))
    assert isinstance(answer.outcome, Failure)
    assert answer.verdict is Verdict.SUSPECT


def test_a_prompt_that_is_too_long_fails_for_good_and_blames_nobody() -> None:
    text = 'internal error happened, status code ResponseType.INPUT_LENGTH_ERROR'
    answer = judge_response(200, chat(text, 'error'))
    assert answer.outcome == Failure(f'error: {text}', transient=False)
    assert answer.verdict is Verdict.WELL


@pytest.mark.parametrize(
    ('status', 'transient', 'verdict'),
    [
        (400, False, Verdict.WELL),
        (422, False, Verdict.WELL),
        (401, True, Verdict.DEAD),
        (404, True, Verdict.DEAD),
        (408, True, Verdict.SUSPECT),
        (429, True, Verdict.SUSPECT),
        (500, True, Verdict.SUSPECT),
        (502, True, Verdict.LOST),
        (503, True, Verdict.LOST),
        (504, True, Verdict.LOST),
    ],
)
def test_a_status_tells_whose_fault_it_is(status: int, transient: bool, verdict: Verdict) -> None:
    answer = judge_response(status, b'')
    assert isinstance(answer.outcome, Failure)
    assert (answer.outcome.transient, answer.verdict) == (transient, verdict)


@pytest.mark.parametrize(
    'body',
    [
        {'object': 'error', 'message': 'why', 'code': 400},
        {'error': {'message': 'why', 'type': 'invalid_request_error'}},
        {'error': 'why'},
        {'detail': 'why'},
        'why',
    ],
)
def test_the_reason_is_the_servers_own(body: Any) -> None:
    sent = body if isinstance(body, str) else json.dumps(body)
    assert judge_response(400, sent.encode()).outcome == Failure('HTTP 400: why')


def test_an_engines_error_sent_as_a_bad_request_is_worth_another_try() -> None:
    body = {'object': 'error', 'message': 'Failed to parse fc related info to json format!'}
    answer = judge_response(400, json.dumps(body).encode())
    assert isinstance(answer.outcome, Failure)
    assert (answer.outcome.transient, answer.verdict) == (True, Verdict.SUSPECT)


def test_a_reason_is_one_short_line() -> None:
    page = b'<html>\n' + b'much text ' * 1000
    outcome = judge_response(502, page).outcome
    assert isinstance(outcome, Failure)
    assert len(outcome.reason) == len('HTTP 502: ') + REASON_LENGTH
    assert '\n' not in outcome.reason


@pytest.mark.parametrize(
    'body',
    [
        b'',
        b'<html>',
        b'[]',
        b'{"choices": []}',
        b'{"choices": [{"finish_reason": "stop"}], "usage": {}}',
        chat('text').replace(b'"prompt_tokens": 3', b'"prompt_tokens": null'),
        chat('text').replace(b'"usage"', b'"other"'),
    ],
)
def test_what_is_not_of_the_protocols_form_is_a_failure(body: bytes) -> None:
    answer = judge_response(200, body)
    assert isinstance(answer.outcome, Failure)
    assert answer.outcome.transient
    assert answer.verdict is Verdict.SUSPECT


def test_an_error_code_with_status_200_is_a_lost_request() -> None:
    answer = judge_response(200, b'{"error_code": 10402, "text": "no node"}')
    assert answer.outcome == Failure('no answer in it: no node', transient=True)
    assert answer.verdict is Verdict.LOST
