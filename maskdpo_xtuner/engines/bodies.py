"""The body of a server's response: input like any other, read by one typed model."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator
from typing_extensions import Self

# More tokens than any context holds, and what fits an integer of SQLite by far.
_MOST_TOKENS = 10**9


class _Piece(BaseModel):
    """A piece of a text that is sent in pieces; a piece of another kind is none of an answer."""

    type: Literal['text', 'output_text']
    text: str


def _joined(content: object) -> object:
    """Give the text of a list of pieces; anything else as it is."""
    if not isinstance(content, list):
        return content
    return ''.join(_Piece.model_validate(piece).text for piece in content)


Text = Annotated[str | None, BeforeValidator(_joined)]
Count = Annotated[int | None, Field(ge=0, le=_MOST_TOKENS)]


class Message(BaseModel):
    """The answer, and what the model thought where the server tells it apart.

    vLLM, SGLang and LMDeploy say ``reasoning_content``; OpenRouter and newer vLLM ``reasoning``.
    """

    content: Text = None
    reasoning_content: Text = None
    reasoning: Text = None


class Choice(BaseModel):
    """One answer, of chat or of plain completion."""

    message: Message | None = None
    text: Text = None
    finish_reason: str | None = None

    @model_validator(mode='after')
    def _check(self) -> Self:
        if not {'message', 'text'} & self.model_fields_set:
            raise ValueError('it has neither message nor text')
        return self


class Usage(BaseModel):
    """Tokens read and written; a server need not count them."""

    prompt_tokens: Count = None
    completion_tokens: Count = None


class Body(BaseModel):
    """A response to ``/chat/completions`` or ``/completions``; other fields are passed over."""

    choices: Annotated[list[Choice], Field(min_length=1)]
    usage: Usage | None = None


def parse(body: bytes) -> object:
    """Read the JSON of a body; None for a body that is not JSON, or is nested beyond reason."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def read_body(content: object) -> Body | str:
    """Give the body that a JSON value holds, or say what does not fit."""
    try:
        return Body.model_validate(content)
    except (ValidationError, RecursionError) as error:
        return _problem(error)


def _problem(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return 'it is nested too deep'
    first = error.errors(include_url=False, include_input=False)[0]
    place = '.'.join(map(str, first['loc']))
    return f'{place}: {first["msg"].removeprefix("Value error, ")}'
