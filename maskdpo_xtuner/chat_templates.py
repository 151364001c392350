"""The chat template of a tokenizer: a conversation in, the text that the model reads out.

Every prompt is rendered here: for sampling, annotation, masks, samples and perplexity. So what
``template_kwargs`` say, the variables of a template such as ``enable_thinking``, holds everywhere.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from maskdpo_xtuner.records import Message

TemplateKwargs = Mapping[str, Any]
"""Variables of a chat template beside the messages, such as ``enable_thinking``.

Two are not: ``chat_template`` is a template to use in place of the tokenizer's own, and ``today``,
as ``2024-07-26``, the date for a template that prints today's (by ``strftime_now``). It is `TODAY`
where nothing is said: prompts would be others from day to day, and others in training than in
sampling.
"""
OURS = ('chat_template', 'today')
TODAY = '2024-07-26'
"""The date that the templates of Llama 3.1 and 3.2 print where they are not told today's."""
MOST_STEPS = 1_000_000
"""Steps that the loops of one rendering may count; jinja itself bounds each of them alone."""

# Where newer versions of transformers save the template; 4.48 reads it, too.
_TEMPLATE_FILE = 'chat_template.jinja'

# What a template may raise as any program does; loops without an end are OverflowErrors.
_IN_TEMPLATES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class ChatTemplateError(ValueError):
    """A conversation that a chat template refuses."""


def render_chat(
    tokenizer: Any,
    turns: Sequence[Mapping[str, str]],
    template_kwargs: TemplateKwargs | None = None,
    *,
    generation_prompt: bool = True,
) -> str:
    """Write a conversation as the model reads it.

    Args:
        tokenizer: of transformers, with a chat template.
        turns: messages, each with ``role`` and ``content``.
        template_kwargs: variables of the template.
        generation_prompt: whether what begins the next answer is written, too.

    Raises:
        ChatTemplateError: when the template refuses the conversation, or would ignore a variable.
    """
    from jinja2 import TemplateError

    template = own_template(tokenizer, template_kwargs)
    if template is not None:
        refuse_ignored(template, template_kwargs)
    kwargs = _with_date(tokenizer, template_kwargs)
    if template is not None and 'range(' in template:
        kwargs['range'] = _Steps()
    try:
        text: str = tokenizer.apply_chat_template(
            list(turns), tokenize=False, add_generation_prompt=generation_prompt, **kwargs
        )
    except (TemplateError, *_IN_TEMPLATES) as error:
        roles = ', '.join(turn['role'] for turn in turns)
        raise ChatTemplateError(
            f'the chat template refuses the conversation ({roles}): {error or type(error).__name__}'
        ) from error
    return text


class _Steps:
    """``range`` for a template, with an end to all its loops together."""

    def __init__(self) -> None:
        self._left = MOST_STEPS

    def __call__(self, *bounds: int) -> range:
        steps = range(*bounds)
        self._left -= len(steps)
        if self._left < 0:
            raise OverflowError(f'its loops take more than {MOST_STEPS} steps')
        return steps


def own_template(tokenizer: Any, template_kwargs: TemplateKwargs | None = None) -> str | None:
    """Give the template that is used; None where the tokenizer has none, or several."""
    kwargs = template_kwargs or {}
    template = kwargs.get('chat_template') or getattr(tokenizer, 'chat_template', None)
    return template if isinstance(template, str) else None


def reads(template: str, name: str) -> bool:
    """Tell whether a template may read a variable: what it does not name it cannot."""
    asked = ('today', 'strftime_now') if name == 'today' else (name,)
    return any(re.search(rf'\b{re.escape(word)}\b', template) for word in asked)


def refuse_ignored(template: str, template_kwargs: TemplateKwargs | None) -> None:
    """Refuse variables that a template would ignore.

    Raises:
        ChatTemplateError: naming the first one.
    """
    for name in map(str, template_kwargs or {}):
        if name != 'chat_template' and not reads(template, name):
            raise ChatTemplateError(
                f'template_kwargs.{name}: the chat template does not read it, so it would change '
                'nothing; correct the name, or leave it out for this model'
            )


def describe_kwargs(template_kwargs: TemplateKwargs | None) -> str | None:
    """Write variables as JSON, a whole template by its hash; None where there are none."""
    if not template_kwargs:
        return None
    told = dict(template_kwargs)
    if isinstance(template := told.get('chat_template'), str):
        told['chat_template'] = f'sha256 {hashlib.sha256(template.encode()).hexdigest()}'
    return _as_json(told)


def _as_json(values: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(values), sort_keys=True)
    except (TypeError, ValueError, RecursionError) as error:
        raise ChatTemplateError(
            f'template_kwargs: {error}; they are numbers, texts, lists, dicts, True, False or None'
        ) from error


def pinned_date(tokenizer: Any, template_kwargs: TemplateKwargs | None = None) -> str | None:
    """The date that `render_chat` gives a template; None for one that does not ask for it."""
    template = own_template(tokenizer, template_kwargs)
    return None if template is None else _date_in(template, template_kwargs or {})


def _date_in(template: str, kwargs: Mapping[str, Any]) -> str | None:
    return str(kwargs.get('today', TODAY)) if 'strftime_now' in template else None


def _with_date(tokenizer: Any, template_kwargs: TemplateKwargs | None) -> dict[str, Any]:
    """The variables of a template, with its clock stopped."""
    kwargs = dict(template_kwargs or {})
    today = pinned_date(tokenizer, kwargs)
    if today is None:
        return kwargs
    try:
        date = datetime.fromisoformat(today)
    except ValueError as error:
        raise ChatTemplateError(
            f'template_kwargs.today must be a date as {TODAY}, not {today!r}'
        ) from error
    kwargs.pop('today', None)
    return {**kwargs, 'strftime_now': date.strftime}


def encode_chat(
    tokenizer: Any,
    turns: Sequence[Mapping[str, str]],
    template_kwargs: TemplateKwargs | None = None,
) -> list[int]:
    """Give the ids of `render_chat`; the template writes the start token, so none is added."""
    text = render_chat(tokenizer, turns, template_kwargs)
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False)
    return ids


class ChatTemplate:
    """The chat template of a tokenizer that is loaded when it is needed.

    LMDeploy has templates of its own, which are not always those of the model: from v0.10 on it
    has none for InternLM2 and, told to use that name, glues the turns together without roles.

    Args:
        tokenizer: folder or hub name.
        revision: of the tokenizer on the hub.
        trust_remote_code: whether the tokenizer may run code from its repository.
        template_kwargs: variables of the template.

    Attributes:
        digest: names the template and its variables; part of the identity of what is stored.

    Raises:
        ValueError: if there is no such tokenizer, or it has no chat template.
    """

    def __init__(
        self,
        tokenizer: str,
        revision: str | None = None,
        trust_remote_code: bool = False,
        template_kwargs: TemplateKwargs | None = None,
    ) -> None:
        self._source = {
            'pretrained_model_name_or_path': tokenizer,
            'revision': revision,
            'trust_remote_code': trust_remote_code,
        }
        self._kwargs = template_kwargs
        self.digest = template_digest(tokenizer, lambda: self._tokenizer, template_kwargs)

    @cached_property
    def _tokenizer(self) -> Any:
        return load_tokenizer(self._source)

    def render(self, messages: Sequence[Message]) -> str:
        """The text up to where the next answer begins."""
        return render_chat(self._tokenizer, _turns(messages), self._kwargs)

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """The ids of `render`."""
        return encode_chat(self._tokenizer, _turns(messages), self._kwargs)

    def count(self, text: str) -> int:
        """Tokens of an answer, without those that mark its end."""
        return len(self._tokenizer.encode(text, add_special_tokens=False))


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [message.model_dump() for message in messages]


def load_tokenizer(source: Mapping[str, Any]) -> Any:
    """Load a tokenizer from what ``from_pretrained`` takes.

    Raises:
        ValueError: if there is none.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(**source)
    except Exception as error:  # What tokenizers raises over a file it cannot read is no more.
        name = source['pretrained_model_name_or_path']
        raise ValueError(f'{name}: no tokenizer can be read there ({_line(error)})') from error


def _line(error: Exception) -> str:
    return ' '.join(str(error).split())[:300] or type(error).__name__


def template_digest(
    tokenizer: str, load: Callable[[], Any], template_kwargs: TemplateKwargs | None = None
) -> str:
    """SHA-256 of the chat template of a tokenizer, which is loaded only where it must be.

    Args:
        tokenizer: folder or hub name.
        load: gives the tokenizer.
        template_kwargs: variables of the template; they go into the digest where there are some.

    Raises:
        ValueError: when it has no chat template, or one that would ignore a variable.
    """
    own = (template_kwargs or {}).get('chat_template')
    template = own or _stored_template(Path(tokenizer)) or load().chat_template
    if not isinstance(template, str):
        raise ValueError(
            f'{tokenizer}: the tokenizer has no chat template; set "chat_template" in its '
            'tokenizer_config.json, or give one as template_kwargs=dict(chat_template=...)'
        )
    refuse_ignored(template, template_kwargs)
    if template_kwargs:
        template += _as_json(template_kwargs)
    date = _date_in(template, template_kwargs or {})
    if date is not None:
        template += f'today: {date}'
    return hashlib.sha256(template.encode()).hexdigest()


def _stored_template(folder: Path) -> str | None:
    """The template that a folder gives in one place, when nothing else may.

    That is ``chat_template.jinja``, or ``tokenizer_config.json``. With both, which of them goes
    first depends on the version of transformers, and code of the tokenizer can do anything: there
    the tokenizer itself has to be asked.
    """
    path = folder / 'tokenizer_config.json'
    if not path.is_file() or any(folder.glob('*chat_templates')):
        return None
    try:
        config = json.loads(path.read_text(encoding='utf-8'))
    except (ValueError, RecursionError):
        return None  # The tokenizer is asked, and says what is wrong.
    if not isinstance(config, dict) or 'auto_map' in config:
        return None
    files = sorted(folder.glob('*.jinja'))
    if [file.name for file in files] == [_TEMPLATE_FILE] and not config.get('chat_template'):
        return files[0].read_text(encoding='utf-8')
    template = config.get('chat_template')
    return template if isinstance(template, str) and not files else None
