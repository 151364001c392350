"""One rendering of a whole conversation: ids, character extents, and where the response stands.

Everything that a mask needs comes out of the text that the chat template writes, tokenized once.
No part of it is tokenized alone: tokens merge across borders, so lengths of parts do not add up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from maskdpo_xtuner.chat_templates import ChatTemplateError, TemplateKwargs, render_chat

Prompt = Sequence[Mapping[str, str]]
"""The turns before the response, each with ``role`` and ``content``."""

Surroundings = dict[tuple[tuple[str, str], ...], tuple[str, str]]
"""Prompt as (role, content) turns -> what the template writes before and after a response."""


class MaskingError(ValueError):
    """A response or a tokenizer for which there is no exact mask.

    Attributes:
        index: which element of a batch it was, None outside of a batch.
    """

    def __init__(self, problem: str, index: int | None = None) -> None:
        super().__init__(problem)
        self.index = index


@dataclass(frozen=True)
class Rendering:
    """A conversation as the model sees it.

    Attributes:
        text: what the chat template wrote.
        ids: (length,) token ids of ``text``.
        offsets: (length,) half-open character range of ``text`` that each token touches. Tokens
            that share the bytes of one character all have that character.
        response_start: first character of the response in ``text``.
        response_end: one past its last character.
        trimmed: how many blank characters at the response's front the template removed.
        response_length: characters of the original response.
    """

    text: str
    ids: list[int]
    offsets: list[tuple[int, int]]
    response_start: int
    response_end: int
    trimmed: int
    response_length: int

    @property
    def shift(self) -> int:
        """What added to a position in the original response gives the position in ``text``."""
        return self.response_start - self.trimmed


def render(
    tokenizer: Any, prompt: Prompt, response: str, template_kwargs: TemplateKwargs | None = None
) -> Rendering:
    """Render one conversation; see `render_batch`."""
    return render_batch(tokenizer, [(prompt, response)], template_kwargs)[0]


def render_batch(
    tokenizer: Any,
    conversations: Sequence[tuple[Prompt, str]],
    template_kwargs: TemplateKwargs | None = None,
) -> list[Rendering]:
    """Render ``(prompt, response)`` pairs through the tokenizer's chat template.

    The place of the response is known from a second rendering with a placeholder in its stead:
    what stands around the placeholder has to stand around the response, and between them the
    response itself, less white space that the template trims at its ends.

    Args:
        tokenizer: a fast transformers tokenizer with a chat template. It is not changed.
        conversations: prompts may repeat; each different one is looked up once.
        template_kwargs: variables of the chat template beside the messages.

    Raises:
        MaskingError: for a tokenizer that is slow or has no chat template, and, with ``index``
            set, for a prompt that ends with an assistant turn, and for a response that is blank,
            that the template refuses, alters, drops or repeats, or in which the tokenizer reads a
            special token.
    """
    check_tokenizer(tokenizer)
    template = Template(tokenizer, template_kwargs)
    places = []
    for index, (prompt, response) in enumerate(conversations):
        try:
            places.append(_place(template, prompt, response))
        except MaskingError as error:
            raise MaskingError(str(error), index) from error
    backend = _without_post_processor(tokenizer.backend_tokenizer)
    encodings = backend.encode_batch([place.text for place in places], add_special_tokens=False)
    renderings = [
        Rendering(ids=encoding.ids, offsets=encoding.offsets, **vars(place))
        for place, encoding in zip(places, encodings, strict=True)
    ]
    _refuse_special_tokens(backend, renderings)
    return renderings


def check_tokenizer(tokenizer: Any) -> None:
    """Refuse a tokenizer that cannot give exact masks.

    Raises:
        MaskingError: it is slow (no character offsets) or has no chat template.
    """
    name = tokenizer.name_or_path or type(tokenizer).__name__
    if not tokenizer.is_fast:
        raise MaskingError(
            f'the tokenizer {name} is a slow one and gives no character offsets; load it with '
            'use_fast=True (its folder needs a tokenizer.json)'
        )
    if tokenizer.chat_template is None:
        raise MaskingError(
            f'the tokenizer {name} has no chat template; set tokenizer.chat_template or use the '
            'instruct variant of the model'
        )


@dataclass(frozen=True)
class _Place:
    """The fields of a `Rendering` that are known before tokenization."""

    text: str
    response_start: int
    response_end: int
    trimmed: int
    response_length: int


class Template:
    """Writes whole conversations, and knows what stands around the response to each prompt."""

    def __init__(self, tokenizer: Any, kwargs: TemplateKwargs | None) -> None:
        self._tokenizer, self._kwargs = tokenizer, kwargs
        self._surroundings: Surroundings = {}

    def write(self, prompt: Prompt, response: str) -> str:
        """Write a whole conversation."""
        turns = [*prompt, {'role': 'assistant', 'content': response}]
        try:
            return render_chat(self._tokenizer, turns, self._kwargs, generation_prompt=False)
        except ChatTemplateError as error:
            raise MaskingError(str(error)) from error

    def ask(self, prompt: Prompt) -> str:
        """Write the turns before a response, up to where the model begins it."""
        return render_chat(self._tokenizer, prompt, self._kwargs)

    def surroundings(self, prompt: Prompt) -> tuple[str, str]:
        """Find what the template writes before and after a response to ``prompt``."""
        key = tuple((turn['role'], turn['content']) for turn in prompt)
        if key not in self._surroundings:
            self._surroundings[key] = _find_surroundings(self, prompt)
        return self._surroundings[key]


def _place(template: Template, prompt: Prompt, response: str) -> _Place:
    if not response.strip():
        raise MaskingError('the response is empty or blank')
    if prompt and prompt[-1]['role'] == 'assistant':
        raise MaskingError(
            'the prompt ends with an assistant turn, after which the response would be a second '
            'one; end the prompt with the turn that is answered, and put what the assistant has '
            'said since at the front of the responses'
        )
    before, after = template.surroundings(prompt)
    text = template.write(prompt, response)
    body = text[len(before) : len(text) - len(after)]
    if before + body + after != text:
        raise MaskingError(
            'the chat template writes something else around this response than around another: '
            f'{_clip(text)}'
        )
    trimmed = _leading_blanks(response) - _leading_blanks(body)
    if body.strip() != response.strip() or not response.startswith(body, max(trimmed, 0)):
        raise MaskingError(
            'the chat template alters the response beyond trimming white space: '
            f'{_clip(response)} became {_clip(body)}'
        )
    return _Place(text, len(before), len(before) + len(body), trimmed, len(response))


def _find_surroundings(template: Template, prompt: Prompt) -> tuple[str, str]:
    contents = ''.join(turn['content'] for turn in prompt)
    candidates = (f'placeholder{number}' for number in count())
    placeholder = next(name for name in candidates if name not in contents)
    text = template.write(prompt, placeholder)
    parts = text.split(placeholder)
    if len(parts) != 2:
        raise MaskingError(
            f'the chat template has to write the response as it is and once; it wrote the response '
            f'{placeholder!r} {len(parts) - 1} times: {_clip(text)}'
        )
    return parts[0], parts[1]


def _without_post_processor(backend: Any) -> Any:
    """A second tokenizer over the same model whose offsets are not trimmed.

    A byte-level post-processor cuts the blanks off the offsets, so that a token of blanks has no
    place. Beside that it adds special tokens, which the chat template has already written.
    """
    bare = type(backend)(backend.model)
    for part in ('normalizer', 'pre_tokenizer'):
        if getattr(backend, part) is not None:
            setattr(bare, part, getattr(backend, part))
    added = backend.get_added_tokens_decoder()
    bare.add_tokens([added[token_id] for token_id in sorted(added)])
    assert bare.get_added_tokens_decoder() == added
    return bare


def _refuse_special_tokens(backend: Any, renderings: Sequence[Rendering]) -> None:
    """Refuse text of the response, such as ``<|eot_id|>``, that became a control token.

    A byte that the vocabulary lacks does so too, where the unknown token is a control token.
    """
    added = backend.get_added_tokens_decoder().items()
    special = {token_id: token.content for token_id, token in added if token.special}
    for index, rendering in enumerate(renderings):
        for token_id, (start, end) in zip(rendering.ids, rendering.offsets, strict=True):
            if token_id not in special:
                continue
            inside = rendering.text[
                max(start, rendering.response_start) : min(end, rendering.response_end)
            ]
            if inside.strip():
                raise MaskingError(
                    f'the tokenizer reads {inside!r}, from character {start - rendering.shift} of '
                    f'the response, as the special token {special[token_id]!r}; replace that text',
                    index,
                )


def _leading_blanks(text: str) -> int:
    return len(text) - len(text.lstrip())


def _clip(text: str, limit: int = 160) -> str:
    return repr(text if len(text) <= limit else f'{text[: limit // 2]} ... {text[-limit // 2 :]}')
