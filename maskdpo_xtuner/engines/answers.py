"""What a serving engine's answer is worth: a completion, or a failure with its reason.

LMDeploy reports trouble in many ways, also as text: up to v0.15 an engine error is an answer
whose text is the message (finish reason ``error``), an engine that raises in mid-answer leaves
the text cut and no finish reason, and its proxy reports a dead node with status 200.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from maskdpo_xtuner.engines.base import Completion, Failure
from maskdpo_xtuner.engines.bodies import Body, parse, read_body
from maskdpo_xtuner.engines.reasoning import UNOPENED, closes_only, split_reasoning
from maskdpo_xtuner.engines.statuses import Verdict, judge_status
from maskdpo_xtuner.records import FinishReason

# LMDeploy's status of a prompt that does not fit (`lmdeploy.messages.ResponseType`).
TOO_LONG = 'INPUT_LENGTH_ERROR'
REASON_LENGTH = 200
_BIT_LENGTH = 80
_READ = 10_000  # characters of an error page that are looked at

# Finish reasons of other servers that mean ``length``, refused content, or no answer at all. Any
# that is not named here means ``stop``.
_CUT = ('length', 'max_tokens', 'model_length', 'max_length')
_REFUSED = ('content_filter', 'refusal', 'safety', 'recitation', 'prohibited_content', 'blocklist')
_CALLS = ('tool_calls', 'function_call', 'tool_use')
_BROKEN = ('error', 'abort', 'aborted', 'cancelled', 'canceled', 'insufficient_system_resource')


@dataclass(frozen=True)
class Answer:
    """The outcome of one request to one endpoint, and what it says about that endpoint.

    ``wait`` are the seconds after which to come again, where the endpoint says it.
    """

    outcome: Completion | Failure
    verdict: Verdict
    wait: float | None = None


def lost(reason: str, verdict: Verdict) -> Answer:
    """Give an answer that did not come, for a reason that may pass."""
    return Answer(Failure(reason, transient=True), verdict)


def reason_of(answer: Answer) -> str:
    """Why there is no completion; empty where there is one."""
    return answer.outcome.reason if isinstance(answer.outcome, Failure) else ''


def judge_text(
    text: str | None,
    finish_reason: str | None,
    prompt_tokens: int | None,
    completion_tokens: int | None,
    reasoning: str | None = None,
) -> Completion | Failure:
    """Take a text for an answer if it ended by itself or at the token limit; it may be empty.

    A failure is final where the same request would end in the same way.
    """
    kind, said = (finish_reason or '').lower(), shorten(text or '')
    if finish_reason is None:
        return Failure('the answer broke off', transient=True)
    if kind in _BROKEN:
        return Failure(f'{finish_reason}: {said}', transient=TOO_LONG not in said)
    if kind in _REFUSED or kind in _CALLS:
        return Failure(f'no answer but "{shorten(finish_reason)}": {said or "no text"}')
    if not (_is_unicode(text or '') and _is_unicode(reasoning or '')):
        return Failure('the answer is not Unicode: a lone surrogate in it', transient=True)
    finished: FinishReason = 'length' if kind in _CUT else 'stop'
    note = None
    if kind not in ('stop', *_CUT):
        note = f'finish reason "{shorten(finish_reason)}", taken for "stop"'
    elif not reasoning and closes_only(text or ''):
        note = UNOPENED
    thoughts, answer = split_reasoning(text or '') if not reasoning else (reasoning, text or '')
    return Completion(answer, finished, prompt_tokens, completion_tokens, thoughts, note)


def judge_response(
    status: int, body: bytes, retry_after: float | None = None, secret: str = ''
) -> Answer:
    """Judge an HTTP response to ``/v1/chat/completions`` or ``/v1/completions``.

    Args:
        status: of HTTP.
        body: as it came.
        retry_after: seconds, where the server says when to ask again.
        secret: the API key, which no reason repeats.
    """
    content = parse(body)
    raw = body.decode(errors='replace')
    if not 200 <= status < 300:
        return _refusal(status, _message(content) or raw, retry_after, secret)
    if not isinstance(content, dict):
        return _odd('it is not JSON', raw, secret)
    if 'choices' not in content:
        return _judge_error(content, raw, retry_after, secret)
    read = read_body(content)
    return _odd(read, raw, secret) if isinstance(read, str) else _judge_body(read)


def shorten(text: str, length: int = REASON_LENGTH, secret: str = '') -> str:
    """Give one line of at most so many characters, all of them Unicode, without the secret."""
    plain = text.replace(secret, '[key]') if secret else text
    # A text of megabytes need not be looked at as a whole.
    line = ' '.join(plain[: 4 * length].encode(errors='replace').decode().split())
    return line if len(line) <= length else line[: length - 3] + '...'


def _is_unicode(text: str) -> bool:
    """Tell whether it can be written as UTF-8: JSON can also spell half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _odd(problem: str, raw: str, secret: str) -> Answer:
    bit = shorten(raw, _BIT_LENGTH, secret)
    reason = f'not a response of the OpenAI form ({shorten(problem)}): {bit or "nothing"}'
    return lost(reason, Verdict.ODD)


def _refusal(status: int, said: str, retry_after: float | None, secret: str) -> Answer:
    transient, verdict = judge_status(status, said[:_READ], come_again=retry_after is not None)
    words = shorten(said, secret=secret)
    return Answer(Failure(f'HTTP {status}: {words}', transient), verdict, retry_after)


def _judge_error(
    content: dict[str, object], raw: str, retry_after: float | None, secret: str
) -> Answer:
    """Judge an error that is sent with status 200, with its code in the body or without."""
    error = content.get('error')
    code = error.get('code') if isinstance(error, dict) else None
    said = _message(content) or raw
    if isinstance(code, int) and 400 <= code < 600:
        return _refusal(code, said, retry_after, secret)
    # LMDeploy's proxy: {"error_code": 10402, "text": ...} when a node does not answer.
    reason = f'no answer in it: {shorten(said, secret=secret)}'
    return lost(reason, Verdict.LOST)


def _judge_body(body: Body) -> Answer:
    """Judge a response that has the form of one."""
    choice, usage = body.choices[0], body.usage
    message = choice.message
    outcome = judge_text(
        message.content if message else choice.text,
        choice.finish_reason,
        usage.prompt_tokens if usage else None,
        usage.completion_tokens if usage else None,
        (message.reasoning_content or message.reasoning) if message else None,
    )
    if isinstance(outcome, Completion):
        return Answer(outcome, Verdict.WELL)
    return Answer(outcome, Verdict.SUSPECT if outcome.transient else Verdict.DECLINED)


def _message(content: object) -> str:
    """Give the message in an error's body, of the forms of OpenAI, LMDeploy, its proxy, FastAPI."""
    if not isinstance(content, dict):
        return ''
    error = content.get('error', content)
    if not isinstance(error, dict):
        return _written(error)
    said = next((error[key] for key in ('message', 'detail', 'text') if error.get(key)), '')
    code, words = error.get('code'), _written(said)
    # A code in words says what the message may put in any way.
    return f'{words} ({code})' if isinstance(code, str) and code not in words else words


def _written(said: object) -> str:
    try:
        return said if isinstance(said, str) else json.dumps(said)
    except RecursionError:
        return ''
