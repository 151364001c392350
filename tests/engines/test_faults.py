"""What comes of each fault that a server may have: one table, to be extended by a line."""

from __future__ import annotations

import time

import pytest

from maskdpo_xtuner.engines.base import Completion, EngineRefusal
from maskdpo_xtuner.engines.openai import OpenAIEngine
from tests.engines.loopback import Piece, chat, error, http, serving
from tests.engines.requests import ask, request_of

LIMIT, LARGEST = 0.5, 4096
HEAD = b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n'
ENDLESS = b'HTTP/1.1 200 OK\r\n\r\n'
PIECES: list[Piece] = [b'x' * 999] * 50
DRIP: list[Piece] = [b'x', LIMIT / 10]
GOLD = 'Gold is a metal.'

# What may come of a request, and what is said then.
ANSWER, FINAL, AGAIN, STOP = 'an answer', 'no answer for good', 'asked again', 'the stage ends'

FAULTS: dict[str, tuple[bytes | list[Piece], str, str]] = {
    # -- answers, though not as OpenAI gives them
    'empty content': (chat(''), ANSWER, ''),
    'null content': (chat(None), ANSWER, ''),
    'content in pieces': (chat([{'type': 'text', 'text': GOLD}]), ANSWER, GOLD),
    'no usage': (chat(usage=None), ANSWER, GOLD),
    'usage without counts': (chat(usage={}), ANSWER, GOLD),
    'an unknown finish reason': (chat(GOLD, 'eos_token'), ANSWER, GOLD),
    'a limit by another name': (chat(GOLD, 'max_tokens'), ANSWER, GOLD),
    'status 201': (chat().replace(b' 200 ', b' 201 ', 1), ANSWER, GOLD),
    'thoughts in the text': (chat(f'<think>Hm.</think>\n{GOLD}'), ANSWER, GOLD),
    # -- of one request, and the same whenever it is asked
    'refused content': (chat('', 'content_filter'), FINAL, 'content_filter'),
    'a call of a tool': (chat(None, 'tool_calls'), FINAL, 'tool_calls'),
    'longer than the context': (
        error(400, "This model's maximum context length is 8192 tokens"),
        FINAL,
        'HTTP 400: This model',
    ),
    'a prompt that a filter refuses': (
        error(400, 'The prompt triggered the content filter'),
        FINAL,
        'content filter',
    ),
    'a request that is too large': (error(413), FINAL, 'HTTP 413'),
    # -- may pass
    'a part that is no text': (chat([{'type': 'image_url'}]), AGAIN, 'choices.0.message.content'),
    'content that is a number': (chat(5), AGAIN, 'choices.0.message.content'),
    'usage of no number': (chat(usage={'prompt_tokens': ''}), AGAIN, 'usage.prompt_tokens'),
    'negative usage': (chat(usage={'prompt_tokens': -1}), AGAIN, 'usage.prompt_tokens'),
    'huge usage': (chat(usage={'completion_tokens': 10**25}), AGAIN, 'usage.completion_tokens'),
    'nested beyond reason': (http(b'[' * 3000), AGAIN, 'not JSON'),
    'no choices': (http({'choices': []}), AGAIN, 'choices'),
    'a page': (http(b'<html>Welcome</html>'), AGAIN, '<html>Welcome'),
    'a stream of events': (http(b'data: {"choices": []}\n\n'), AGAIN, 'not JSON'),
    'no body': (http(b''), AGAIN, 'not JSON'),
    'not Unicode': (http(b'\xff\xfe'), AGAIN, 'not JSON'),
    'an answer that broke off': (chat(GOLD, None), AGAIN, 'broke off'),
    'an error of the engine': (chat('no memory', 'error'), AGAIN, 'error: no memory'),
    'an error without a status': (http({'text': 'no node'}), AGAIN, 'no node'),
    'a broken server': (error(500, 'out of order'), AGAIN, 'HTTP 500: out of order'),
    'a gateway without a server': (error(502, 'bad gateway'), AGAIN, 'HTTP 502: bad gateway'),
    'too much to do, without an end': (error(429, 'slow down'), AGAIN, 'HTTP 429: slow down'),
    'a byte now and then': ([HEAD, *DRIP * 100], AGAIN, 'no answer within 0.5 s'),
    'headers without an end': ([b'HTTP/1.1 200 OK\r\n', 10.0], AGAIN, 'no answer within 0.5 s'),
    'no response': ([10.0], AGAIN, 'no answer within 0.5 s'),
    'a body without an end': ([ENDLESS, *PIECES], AGAIN, 'max_response_bytes'),
    'a large answer': (chat('x' * LARGEST), AGAIN, 'more than 4096 bytes (max_response_bytes)'),
    'a body that is cut': ([HEAD, b'x'], AGAIN, 'connection lost'),
    'what is not HTTP': (b'220 mail.example.org ESMTP\r\n', AGAIN, 'connection lost'),
    'a closed connection': ([b''], AGAIN, 'connection lost'),
    'a coding that is not kept': (http(b'xx', Content_Encoding='gzip'), AGAIN, 'connection lost'),
    'a redirect to nowhere': (http(b'', 307, Location='http://[::'), AGAIN, 'connection lost'),
    # -- will not pass by itself
    'a bad setting': (error(400, 'top_k is not allowed'), STOP, 'HTTP 400: top_k is not allowed'),
    'a field of a wrong type': (error(422, 'not a number'), STOP, 'HTTP 422: not a number'),
    'a wrong key': (error(401, 'a key, please'), STOP, 'HTTP 401: a key, please'),
    'no credit': (error(402, 'pay first'), STOP, 'HTTP 402: pay first'),
    'no credit, with status 200': (http({'error': {'code': 402}}), STOP, 'HTTP 402'),
    'no quota': (error(429, 'insufficient_quota'), STOP, 'insufficient_quota'),
    'a limit of the day': (
        error(429, 'enough', Retry_After=86400),
        STOP,
        'HTTP 429: enough; it says to come again in 86400 s',
    ),
    'a forbidden model': (error(403, 'not for you'), STOP, 'HTTP 403: not for you'),
    'an unknown model': (error(404, 'no model m'), STOP, 'HTTP 404: no model m'),
    'an unknown model, with status 400': (error(400, 'model "m" not found'), STOP, 'not found'),
    'a redirect to another host': (
        http(b'', 308, Location='http://example.org/v1/chat/completions'),
        STOP,
        'redirects to http://example.org/v1/chat/completions',
    ),
    'a redirect that drops the body': (http(b'', 302, Location='/login'), STOP, '/login'),
    'a circle of redirects': (http(b'', 307, Location='/v1/chat/completions'), STOP, 'HTTP 307'),
}


def outcome_of(engine: OpenAIEngine) -> tuple[str, str]:
    """What comes of a request, and what is said of it."""
    try:
        (found,) = ask(engine, request_of('What is gold?'))
    except EngineRefusal as refusal:
        return STOP, str(refusal)
    if isinstance(found, Completion):
        return ANSWER, found.text
    return AGAIN if found.transient else FINAL, found.reason


@pytest.mark.parametrize('kind', FAULTS)
def test_every_fault_of_a_server_has_its_outcome(kind: str) -> None:
    response, outcome, said = FAULTS[kind]
    with serving(lambda seen: response) as server:
        # What is said of the dialect is another matter; see test_dialects.
        engine = OpenAIEngine(
            *('m', [server.url]),
            dialect='lmdeploy',
            patience=0.2,
            timeout=LIMIT,
            max_response_bytes=LARGEST,
        )
        start = time.monotonic()
        found, words = outcome_of(engine)
        assert time.monotonic() - start < 3
    assert (found, said in words) == (outcome, True), (found, words)
    if found == STOP:
        assert words.startswith(f'{server.url}/v1 refuses every request: ')
    assert '\n' not in words
    assert len(words) < 400
