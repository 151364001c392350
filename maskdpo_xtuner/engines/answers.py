"""What a serving engine's answer is worth: a completion, or a failure with its reason.

LMDeploy reports trouble in many ways, also as text: up to v0.15 an engine error is an answer
whose text is the message (finish reason ``error``), an engine that raises in mid-answer leaves
the text cut and no finish reason, and its proxy reports a dead node with status 200.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from maskdpo_xtuner.engines.base import Completion, Failure
from maskdpo_xtuner.records import FinishReason

# LMDeploy's status of a prompt that does not fit (`lmdeploy.messages.ResponseType`).
TOO_LONG = 'INPUT_LENGTH_ERROR'
# How LMDeploy v0.14 and v0.15 put it when the engine raised an error, with status 400.
ENGINE_RAISED = 'Failed to parse fc related info'
REASON_LENGTH = 200


class Verdict(Enum):
    """What an answer says about the endpoint that gave it."""

    WELL = 'it did its work, be it to refuse a bad request'
    SUSPECT = 'it failed; the request may be the cause'
    LOST = 'it lost the request, which may go elsewhere at once'
    DEAD = 'it cannot serve any request'


@dataclass(frozen=True)
class Answer:
    """The outcome of one request to one endpoint."""

    outcome: Completion | Failure
    verdict: Verdict


def judge_text(
    text: str | None, finish_reason: str | None, prompt_tokens: int, completion_tokens: int
) -> Completion | Failure:
    """Take a text for an answer if it ended by itself or at the token limit and says something.

    A failure is transient unless the engine said that the prompt is too long.
    """
    if finish_reason in ('stop', 'length'):
        if text is None or not text.strip():
            return Failure(f'the answer is empty (finish reason {finish_reason})', transient=True)
        if not _is_unicode(text):
            return Failure('the answer is not Unicode: a lone surrogate in it', transient=True)
        finished = cast(FinishReason, finish_reason)
        return Completion(text, finished, prompt_tokens, completion_tokens)
    said = shorten(text or '')
    if finish_reason is None:
        return Failure('the answer broke off', transient=True)
    return Failure(f'{finish_reason}: {said}', transient=TOO_LONG not in said)


def judge_response(status: int, body: bytes) -> Answer:
    """Judge an HTTP response to ``/v1/chat/completions`` or ``/v1/completions``."""
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if status != 200:
        return _judge_refusal(status, _message(content) or shorten(body.decode(errors='replace')))
    if not isinstance(content, dict):
        return Answer(Failure('the answer is not JSON', transient=True), Verdict.SUSPECT)
    if 'choices' not in content:
        # LMDeploy's proxy: {"error_code": 10402, "text": ...} when a node does not answer.
        said = _message(content) or shorten(json.dumps(content))
        return Answer(Failure(f'no answer in it: {said}', transient=True), Verdict.LOST)
    return _judge_choices(content)


def shorten(text: str) -> str:
    """One line of at most `REASON_LENGTH` characters, all of them Unicode."""
    line = ' '.join(text.encode(errors='replace').decode().split())
    return line if len(line) <= REASON_LENGTH else line[: REASON_LENGTH - 3] + '...'


def _is_unicode(text: str) -> bool:
    """Whether it can be written as UTF-8: JSON can also spell half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _judge_refusal(status: int, said: str) -> Answer:
    """Judge a status other than 200."""
    transient, verdict = False, Verdict.WELL
    if status in (401, 403, 404):
        # Every request would get the same: wrong key, or not the model that we want.
        transient, verdict = True, Verdict.DEAD
    elif status in (502, 503, 504):
        transient, verdict = True, Verdict.LOST
    elif status in (408, 409, 429) or status >= 500 or ENGINE_RAISED in said:
        transient, verdict = True, Verdict.SUSPECT
    return Answer(Failure(f'HTTP {status}: {said}', transient), verdict)


def _judge_choices(content: Mapping[str, Any]) -> Answer:
    """Judge a response of the OpenAI form, of chat or of plain completion."""
    try:
        choice, usage = content['choices'][0], content['usage']
        text = choice['message']['content'] if 'message' in choice else choice['text']
        outcome = judge_text(
            text,
            choice['finish_reason'],
            int(usage['prompt_tokens']),
            int(usage['completion_tokens']),
        )
    except (KeyError, IndexError, TypeError) as error:
        reason = f'not an answer of the OpenAI form ({type(error).__name__}: {error})'
        return Answer(Failure(reason, transient=True), Verdict.SUSPECT)
    served = isinstance(outcome, Completion) or not outcome.transient
    return Answer(outcome, Verdict.WELL if served else Verdict.SUSPECT)


def _message(content: object) -> str:
    """The message in an error's body, of the forms of OpenAI, LMDeploy, its proxy, FastAPI."""
    if not isinstance(content, dict):
        return ''
    error = content.get('error', content)
    if not isinstance(error, dict):
        return shorten(str(error))
    said = next((error[key] for key in ('message', 'detail', 'text') if error.get(key)), '')
    return shorten(said if isinstance(said, str) else json.dumps(said))
