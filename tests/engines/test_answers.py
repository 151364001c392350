"""What a server's answer is worth, by the bodies that servers send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from maskdpo_xtuner.engines.answers import REASON_LENGTH, judge_response, judge_text
from maskdpo_xtuner.engines.base import Completion, Failure
from maskdpo_xtuner.engines.statuses import Verdict

USAGE = {'prompt_tokens': 3, 'completion_tokens': 2, 'total_tokens': 5}


def chat(text: Any, finish_reason: Any = 'stop') -> bytes:
    choice = {'message': {'role': 'assistant', 'content': text}, 'finish_reason': finish_reason}
    return json.dumps({'choices': [choice], 'usage': USAGE}).encode()


def usage(**counts: Any) -> bytes:
    choice = {'message': {'content': 'yes'}, 'finish_reason': 'stop'}
    return json.dumps({'choices': [choice], 'usage': counts}).encode()


def test_chat_and_plain_completions_are_read() -> None:
    assert judge_response(200, chat(' yes ')).outcome == Completion(' yes ', 'stop', 3, 2)
    plain = {'choices': [{'text': 'yes', 'finish_reason': 'length'}], 'usage': USAGE}
    answer = judge_response(200, json.dumps(plain).encode())
    assert answer.outcome == Completion('yes', 'length', 3, 2)
    assert answer.verdict is Verdict.WELL


@pytest.mark.parametrize('text', [None, '', ' \n'])
@pytest.mark.parametrize('finish_reason', ['stop', 'length'])
def test_an_answer_that_says_nothing_is_an_answer(text: str | None, finish_reason: str) -> None:
    said = judge_text(text, finish_reason, 3, 0)
    assert isinstance(said, Completion)
    assert (said.text, said.finish_reason) == (text or '', finish_reason)


def test_half_of_a_character_is_a_failure_also_as_a_reason() -> None:
    answer = judge_response(200, chat('gold \ud83d'))
    assert answer.outcome == Failure('the answer is not Unicode: a lone surrogate in it', True)
    assert answer.verdict is Verdict.SUSPECT
    told = judge_text('gold \ud83d', 'stop', 3, 2)
    assert told == Failure('the answer is not Unicode: a lone surrogate in it', True)
    assert judge_response(200, chat('gold \ud83e\udd47')).outcome == (
        Completion('gold \N{FIRST PLACE MEDAL}', 'stop', 3, 2)
    )
    refused = judge_response(400, json.dumps({'message': 'bad \udd47'}).encode())
    assert refused.outcome == Failure('HTTP 400: bad ?')


@pytest.mark.parametrize('finish_reason', ['error', 'abort', None])
def test_an_answer_that_broke_off_is_none(finish_reason: str | None) -> None:
    answer = judge_response(200, chat('plausible text', finish_reason))
    assert isinstance(answer.outcome, Failure)
    assert (answer.outcome.transient, answer.verdict) == (True, Verdict.SUSPECT)


@pytest.mark.parametrize('finish_reason', ['content_filter', 'tool_calls', 'refusal'])
def test_what_would_end_so_again_fails_for_good(finish_reason: str) -> None:
    answer = judge_response(200, chat(None, finish_reason))
    assert answer.outcome == Failure(f'no answer but "{finish_reason}": no text')
    assert answer.verdict is Verdict.DECLINED


@pytest.mark.parametrize(
    ('said', 'finish_reason', 'noted'),
    [('max_tokens', 'length', False), ('eos_token', 'stop', True), ('STOP', 'stop', False)],
)
def test_finish_reasons_of_other_servers_are_understood(
    said: str, finish_reason: str, noted: bool
) -> None:
    outcome = judge_response(200, chat('Gold.', said)).outcome
    assert isinstance(outcome, Completion)
    assert outcome.finish_reason == finish_reason
    note = f'finish reason "{said}", taken for "stop"' if noted else None
    assert outcome.note == note


def test_a_prompt_that_is_too_long_fails_for_good_and_blames_nobody() -> None:
    text = 'internal error happened, status code ResponseType.INPUT_LENGTH_ERROR'
    answer = judge_response(200, chat(text, 'error'))
    assert answer.outcome == Failure(f'error: {text}', transient=False)
    assert answer.verdict is Verdict.DECLINED


@pytest.mark.parametrize(
    ('status', 'transient', 'verdict'),
    [
        (301, True, Verdict.REFUSING),
        (400, False, Verdict.DOUBTFUL),
        (422, False, Verdict.DOUBTFUL),
        (401, True, Verdict.REFUSING),
        (402, True, Verdict.REFUSING),
        (403, True, Verdict.REFUSING),
        (404, True, Verdict.REFUSING),
        (405, True, Verdict.REFUSING),
        (408, True, Verdict.SUSPECT),
        (413, False, Verdict.DECLINED),
        (429, True, Verdict.LIMITED),
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
    ('body', 'problem'),
    [
        (b'', 'it is not JSON): nothing'),
        (b'<html>', 'it is not JSON): <html>'),
        (b'[]', 'it is not JSON): []'),
        (b'[' * 100_000, 'it is not JSON): [[['),
        (b'{"choices": []}', 'choices: List should have at least 1 item'),
        (b'{"choices": [{"finish_reason": "stop"}]}', 'choices.0: it has neither message nor text'),
        (chat(5), 'choices.0.message.content: Input should be a valid string'),
        (chat({'text': 'x'}), 'choices.0.message.content: '),
        (chat([{'type': 'image_url'}]), 'choices.0.message.content'),
        (chat([{'type': 'text', 'text': 7}]), 'choices.0.message.content'),
        (chat('text', ['stop']), 'choices.0.finish_reason: '),
        (usage(prompt_tokens=''), 'usage.prompt_tokens: Input should be a valid integer'),
        (usage(prompt_tokens=-1), 'usage.prompt_tokens: Input should be greater'),
        (usage(completion_tokens=10**30), 'usage.completion_tokens: '),
        (usage(completion_tokens=1.5), 'usage.completion_tokens: '),
    ],
)
def test_what_is_not_of_the_protocols_form_is_a_failure_that_says_why(
    body: bytes, problem: str
) -> None:
    answer = judge_response(200, body)
    assert isinstance(answer.outcome, Failure)
    assert problem in answer.outcome.reason
    assert answer.outcome.transient
    assert answer.verdict is Verdict.ODD


def test_a_text_in_pieces_is_one_text() -> None:
    pieces = [{'type': 'text', 'text': 'Gold is'}, {'type': 'output_text', 'text': ' a metal.'}]
    assert judge_response(200, chat(pieces)).outcome == Completion('Gold is a metal.', 'stop', 3, 2)


@pytest.mark.parametrize('body', [usage(), usage(prompt_tokens=None, completion_tokens=None)])
def test_a_server_need_not_count_tokens(body: bytes) -> None:
    assert judge_response(200, body).outcome == Completion('yes', 'stop', None, None)


@pytest.mark.parametrize('field', ['reasoning_content', 'reasoning'])
def test_what_the_model_thought_is_kept_apart(field: str) -> None:
    message = {'role': 'assistant', 'content': 'Gold.', field: 'Which metal?'}
    body = {'choices': [{'message': message, 'finish_reason': 'stop'}], 'usage': USAGE}
    outcome = judge_response(200, json.dumps(body).encode()).outcome
    assert outcome == Completion('Gold.', 'stop', 3, 2, reasoning='Which metal?')


def test_an_error_code_with_status_200_is_a_lost_request() -> None:
    answer = judge_response(200, b'{"error_code": 10402, "text": "no node"}')
    assert answer.outcome == Failure('no answer in it: no node', transient=True)
    assert answer.verdict is Verdict.LOST


def test_a_status_that_stands_in_the_body_counts() -> None:
    body = {'error': {'code': 402, 'message': 'no credit'}}
    answer = judge_response(200, json.dumps(body).encode())
    assert answer.outcome == Failure('HTTP 402: no credit', transient=True)
    assert answer.verdict is Verdict.REFUSING


def test_no_reason_repeats_the_key() -> None:
    body = b'{"error": {"message": "the key sk-12345678 is wrong"}}'
    assert judge_response(401, body, secret='sk-12345678').outcome == (
        Failure('HTTP 401: the key [key] is wrong', transient=True)
    )
    cut = b'x' * 190 + b'sk-12345678'
    outcome = judge_response(500, cut, secret='sk-12345678').outcome
    assert isinstance(outcome, Failure)
    assert 'sk-' not in outcome.reason
