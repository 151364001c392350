"""What is sent to an OpenAI-compatible server for a request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from maskdpo_xtuner.chat_templates import ChatTemplate
from maskdpo_xtuner.engines.base import Request, Sampling
from maskdpo_xtuner.records import Message

# One answer at a time, whole: the only form that is read.
_FIXED = {'n': 1, 'stream': False}


class Composer:
    """Makes path and body of requests.

    Args:
        model: the name under which it is served.
        template: renders prompts here; None where the server does.
        extra: further fields of every request, or other values for ours; None leaves a field out.

    Raises:
        ValueError: for fields that cannot be sent.
    """

    def __init__(self, model: str, template: ChatTemplate | None, extra: Mapping[str, Any]) -> None:
        self._model, self._template, self._extra = model, template, dict(extra)
        self.extra = written(self._extra)

    def compose(self, request: Request) -> tuple[str, dict[str, Any]]:
        """Path, below the version of the API, and body."""
        body = {'model': self._model, **sampling_fields(request.sampling), 'seed': request.seed}
        if self._template is None:
            path = '/chat/completions'
            body['messages'] = [message.model_dump() for message in request.messages]
        else:
            path = '/completions'
            body['prompt'] = self._template.render(request.messages)
            # LMDeploy knows a doubled start token; vLLM must be told not to add one.
            body['add_special_tokens'] = False
        body.update(self._extra)
        left_out = {name for name, value in self._extra.items() if value is None}
        return path, {name: value for name, value in body.items() if name not in left_out}


def written(extra: Mapping[str, Any]) -> str:
    """Give the fields of ``extra_body`` as JSON, the same in every process.

    Raises:
        ValueError: for what JSON cannot say, and for what would change the form of the answer.
    """
    for name, value in _FIXED.items():
        if extra.get(name) not in (None, value):
            raise ValueError(
                f'extra_body: {name}={extra[name]!r} cannot be read; answers are asked for one by '
                f'one and whole ({name}={value!r})'
            )
    try:
        return json.dumps(extra, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f'extra_body: {error}; it is sent as JSON: numbers, texts, lists, dicts with texts for '
            'keys, True, False, and None to leave a field out'
        ) from error


def sampling_fields(sampling: Sampling) -> dict[str, Any]:
    """Every field that decides on the sampling, as LMDeploy's server names them.

    What is not sent comes from the server: ``top_k`` 40, or the model's generation config (LMDeploy
    from v0.15 on). Sampling is always on there; one candidate is greedy.
    """
    greedy = sampling.temperature == 0
    return {
        'max_tokens': sampling.max_new_tokens,
        'temperature': 1.0 if greedy else sampling.temperature,
        'top_k': 1 if greedy else sampling.top_k,
        'top_p': 1.0 if greedy else sampling.top_p,
        'min_p': 0.0,
        'repetition_penalty': 1.0,
        'presence_penalty': 0.0,
        'frequency_penalty': 0.0,
        'ignore_eos': False,
        'skip_special_tokens': True,
        **_FIXED,
    }


def dialogue_key(messages: Sequence[Message]) -> bytes:
    """Hash what all requests of a dialogue begin with: the turns before the first answer."""
    opening = takewhile(lambda message: message.role != 'assistant', messages)
    text = json.dumps([(message.role, message.content) for message in opening])
    return hashlib.sha256(text.encode()).digest()[:16]
