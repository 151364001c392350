"""What is sent to an OpenAI-compatible server for a request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from maskdpo_xtuner.chat_templates import OURS, ChatTemplate
from maskdpo_xtuner.engines.base import Request
from maskdpo_xtuner.engines.dialects import Dialect
from maskdpo_xtuner.records import Message

# One answer at a time, whole: the only form that is read.
_FIXED = {'n': 1, 'stream': False}


class Composer:
    """Makes path and body of requests.

    Args:
        model: the name under which it is served.
        template: renders prompts here; None where the server does.
        extra: further fields of every request, or other values for ours; None leaves a field out.
        template_kwargs: variables of the server's chat template; none where prompts are rendered
            here.

    Raises:
        ValueError: for fields that cannot be sent.
    """

    def __init__(
        self,
        model: str,
        template: ChatTemplate | None,
        extra: Mapping[str, Any],
        template_kwargs: Mapping[str, Any],
    ) -> None:
        self._model, self._template, self._extra = model, template, dict(extra)
        self._template_kwargs = dict(template_kwargs)
        _refuse_other_forms(self._extra)
        self.extra = written(self._extra, 'extra_body')
        self.template_kwargs = written(self._template_kwargs, 'template_kwargs')
        self._refuse_ignored()

    def compose(self, request: Request, dialect: Dialect) -> tuple[str, dict[str, Any]]:
        """Path, below the version of the API, and body.

        Raises:
            EngineRefusal: for what cannot be said in the dialect.
        """
        body = {'model': self._model, **dialect.sampling_fields(request.sampling, self._extra)}
        body |= {'seed': request.seed, **_FIXED}
        if self._template is None:
            path = '/chat/completions'
            body['messages'] = [message.model_dump() for message in request.messages]
            if self._template_kwargs:
                body['chat_template_kwargs'] = self._template_kwargs
        else:
            path = '/completions'
            body |= _prompt(self._template, request.messages, dialect)
        body.update(self._extra)
        left_out = {name for name, value in self._extra.items() if value is None}
        return path, {name: value for name, value in body.items() if name not in left_out}

    def problem(self, dialect: Dialect) -> str | None:
        """Say why requests cannot be said in a dialect; None where they can."""
        if self._template_kwargs and not dialect.template_kwargs:
            return (
                f'template_kwargs: whether servers of the dialect "{dialect.name}" heed them is '
                'not known; name another `dialect`, or give `tokenizer`, so that prompts are '
                'rendered here'
            )
        if self._template is not None and dialect.prompts is None:
            return (
                f'tokenizer: servers of the dialect "{dialect.name}" may add a start token to a '
                'rendered prompt; name another `dialect`, or leave out `tokenizer`'
            )
        return None

    def _refuse_ignored(self) -> None:
        """Refuse variables of a template in a place where nobody reads them."""
        given = self._extra.get('chat_template_kwargs')
        if given is not None and (self._template is not None or self._template_kwargs):
            raise ValueError(
                f'extra_body.chat_template_kwargs={given!r}: give them as template_kwargs, '
                'which are heeded wherever prompts are rendered; by `tokenizer` that is here'
            )
        for name in OURS:
            if name in self._template_kwargs:
                raise ValueError(
                    f'template_kwargs.{name} needs a tokenizer, by which prompts are rendered '
                    'here; no server takes it'
                )


def _prompt(
    template: ChatTemplate, messages: Sequence[Message], dialect: Dialect
) -> dict[str, object]:
    """Give a rendered prompt, so that the server adds nothing to it."""
    if dialect.prompts == 'ids':
        return {'prompt': template.encode(messages)}
    # LMDeploy knows a doubled start token; vLLM must be told not to add one.
    return {'prompt': template.render(messages), 'add_special_tokens': False}


def _refuse_other_forms(extra: Mapping[str, Any]) -> None:
    for name, value in _FIXED.items():
        if extra.get(name) not in (None, value):
            raise ValueError(
                f'extra_body: {name}={extra[name]!r} cannot be read; answers are asked for one by '
                f'one and whole ({name}={value!r})'
            )


def written(fields: Mapping[str, Any], setting: str) -> str:
    """Give fields of requests as JSON, the same in every process.

    Raises:
        ValueError: for what JSON cannot say.
    """
    try:
        return json.dumps(fields, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f'{setting}: {error}; it is sent as JSON: numbers, texts, lists, dicts with texts for '
            'keys, True, False, and None to leave a field out'
        ) from error


def dialogue_key(messages: Sequence[Message]) -> bytes:
    """Hash what all requests of a dialogue begin with: the turns before the first answer."""
    opening = takewhile(lambda message: message.role != 'assistant', messages)
    text = json.dumps([(message.role, message.content) for message in opening])
    return hashlib.sha256(text.encode()).digest()[:16]
