"""Whether a model is trained after the prompts that it is asked with.

A template may write one thing before an answer that is asked for and another before one that is
there: Qwen3's writes an empty thought before the last answer, and DeepSeek-R1's opens a thought
only where it asks. A model that is trained so learns to answer prompts that it never gets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from os.path import commonprefix
from typing import Any, Literal

from maskdpo_xtuner.chat_templates import TemplateKwargs, describe_kwargs, own_template, reads
from maskdpo_xtuner.masking.rendering import MaskingError, Prompt, Template

Prompts = Literal['as_asked', 'as_rendered']
"""Whether a prompt that is rendered otherwise than it is asked is refused, or trained on."""

_ANYWAY = "prompts='as_rendered' trains on them in any case"
_SWITCHES = ('enable_thinking', 'thinking')
_SHOWN = 80


def refuse_other_prompt(tokenizer: Any, prompt: Prompt, kwargs: TemplateKwargs | None) -> None:
    """Refuse a prompt that training renders otherwise than it is asked; blanks at its end may be.

    Raises:
        MaskingError: with both ends, and what makes them agree.
    """
    rendered, asked = _both(tokenizer, prompt, kwargs)
    if rendered == asked:
        return
    common = len(commonprefix([rendered, asked]).rstrip('<'))  # marks are shown whole
    raise MaskingError(
        f'the chat template writes {rendered[common:][:_SHOWN]!r} before the response, and '
        f'{asked[common:][:_SHOWN]!r} where the model is asked for one; set '
        f'{_mend(tokenizer, prompt, kwargs)} in training and wherever the model is asked; {_ANYWAY}'
    )


def refuse_other_kwargs(tokenizer: Any, said: str, kwargs: TemplateKwargs | None) -> None:
    """Refuse variables of the template other than those the responses were sampled with.

    Args:
        tokenizer: that renders the prompts.
        said: the variables of the sampling, as `describe_kwargs` writes them; those that this
            template does not read do not matter.
        kwargs: the variables of the training.

    Raises:
        MaskingError: naming both.
    """
    template = own_template(tokenizer, kwargs) or ''
    now: Mapping[str, Any] = json.loads(describe_kwargs(kwargs) or '{}')
    other = {
        name: value
        for name, value in json.loads(said).items()
        if (name == 'chat_template' or reads(template, name)) and now.get(name) != value
    }
    if other:
        raise MaskingError(
            f'the responses were sampled with template_kwargs {json.dumps(other)}, and prompts are '
            f'rendered here with {json.dumps(now)}; set train_dataloader.dataset.template_kwargs '
            f'to the same; {_ANYWAY}'
        )


def _both(tokenizer: Any, prompt: Prompt, kwargs: TemplateKwargs | None) -> tuple[str, str]:
    """What stands before a response in training, and what the model is asked with."""
    template = Template(tokenizer, kwargs)
    return template.surroundings(prompt)[0].rstrip(), template.ask(prompt).rstrip()


def _mend(tokenizer: Any, prompt: Prompt, kwargs: TemplateKwargs | None) -> str:
    template = own_template(tokenizer, kwargs) or ''
    for name in _SWITCHES:
        without = {**(kwargs or {}), name: False}
        if reads(template, name):
            rendered, asked = _both(tokenizer, prompt, without)
            if rendered == asked:
                return f'template_kwargs=dict({name}=False)'
    return 'a template whose prompts agree (template_kwargs=dict(chat_template=...))'
