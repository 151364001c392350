"""What a server means by a status other than 200: whose fault it is, and whether it may pass."""

from __future__ import annotations

import re
from enum import Enum

# How LMDeploy v0.14 and v0.15 put it when the engine raised an error, with status 400.
ENGINE_RAISED = 'Failed to parse fc related info'

# What is wrong with one request, by the words or codes of OpenAI, Azure, vLLM, SGLang, LMDeploy,
# llama.cpp, TGI, Ollama, DashScope and Anthropic.
_TOO_LONG = re.compile(
    r'context[ _-]?(?:length|window|size)|maximum context|(?:input|prompt)[ _-]length|INPUT_LENGTH'
    r'|(?:prompt|input|request|messages?)\b.{0,40}\btoo (?:long|large)|longer than the'
    r'|max_model_len|must have less than \d+ tokens|exceed\w* .{0,40}tokens'
    r'|tokens? .{0,40}\bexceed|Range of input length',
    re.IGNORECASE,
)
_REFUSED_CONTENT = re.compile(
    r'content[ _-]?(?:filter|policy|management)|responsible ?ai|data_inspection|inappropriate'
    r'|moderation|flagged|safety (?:system|filter|policy)|usage polic',
    re.IGNORECASE,
)
# What is wrong with every request.
_NO_CREDIT = re.compile(r'insufficient[ _](?:quota|balance|credit|fund)|billing', re.IGNORECASE)
_NO_MODEL = re.compile(
    r'model_not_found|\bmodel\b.{0,80}(?:not exist|not found|unknown|not supported|no such)'
    r'|(?:unknown|no such|invalid) model',
    re.IGNORECASE,
)


class Verdict(Enum):
    """What an answer says about the endpoint that gave it."""

    WELL = 'it gave an answer'
    DECLINED = 'it refused one request, which is to blame'
    ODD = 'it answered in a form that is not understood'
    DOUBTFUL = 'it refused a request that may be to blame, or all may be refused'
    LIMITED = 'it has too much to do and says when to come again'
    SUSPECT = 'it failed; the request may be the cause'
    LOST = 'it lost the request, which may go elsewhere at once'
    DEAD = 'it cannot serve any request now'
    REFUSING = 'it will refuse every request until somebody mends something'


def judge_status(status: int, said: str, *, come_again: bool = False) -> tuple[bool, Verdict]:
    """Say of a status other than 200 whether the failure may pass, and what it means.

    Where all requests are refused, another endpoint may take them: that passes.

    Args:
        status: of HTTP, or the code that stands in the body in its place.
        said: the server's words.
        come_again: whether it says when to ask again (``Retry-After``).
    """
    if _TOO_LONG.search(said) and status != 429 or _REFUSED_CONTENT.search(said):
        return False, Verdict.DECLINED
    if status < 400 or _NO_CREDIT.search(said) or (status == 400 and _NO_MODEL.search(said)):
        return True, Verdict.REFUSING
    if status in (400, 422):
        raised = ENGINE_RAISED in said
        return raised, Verdict.SUSPECT if raised else Verdict.DOUBTFUL
    if status in (413, 414, 431):
        return False, Verdict.DECLINED
    if status == 429 or (status in (503, 529) and come_again):
        return True, Verdict.LIMITED
    if status in (502, 503, 504):
        return True, Verdict.LOST
    if status in (408, 409, 425) or status >= 500:
        return True, Verdict.SUSPECT
    return True, Verdict.REFUSING
