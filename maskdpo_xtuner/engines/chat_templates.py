"""The chat template of a tokenizer: a conversation in, the text that the model reads out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from maskdpo_xtuner.records import Message


class ChatTemplate:
    """Renders conversations as the model was trained on them.

    LMDeploy has templates of its own, which are not always those of the model: from v0.10 on it
    has none for InternLM2 and, told to use that name, glues the turns together without roles.

    Args:
        tokenizer: folder or hub name.
        revision: of the tokenizer on the hub.
        trust_remote_code: whether the tokenizer may run code from its repository.

    Attributes:
        digest: names the template; part of the identity of what is stored.

    Raises:
        ValueError: if there is no such tokenizer, or it has no chat template.
    """

    def __init__(
        self, tokenizer: str, revision: str | None = None, trust_remote_code: bool = False
    ) -> None:
        self._source = {
            'pretrained_model_name_or_path': tokenizer,
            'revision': revision,
            'trust_remote_code': trust_remote_code,
        }
        self.digest = template_digest(tokenizer, lambda: self._tokenizer)

    @cached_property
    def _tokenizer(self) -> Any:
        return load_tokenizer(self._source)

    def render(self, messages: Sequence[Message]) -> str:
        """The text up to where the next answer begins."""
        turns = [message.model_dump() for message in messages]
        text: str = self._tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=True
        )
        return text

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """The ids of `render`; the template writes the start token, so none is added."""
        ids: list[int] = self._tokenizer.encode(self.render(messages), add_special_tokens=False)
        return ids


def load_tokenizer(source: Mapping[str, Any]) -> Any:
    """Load a tokenizer from what ``from_pretrained`` takes.

    Raises:
        ValueError: if there is none.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(**source)
    except (OSError, ValueError) as error:
        name = source['pretrained_model_name_or_path']
        raise ValueError(f'{name}: no tokenizer can be read there ({error})') from error


def template_digest(tokenizer: str, load: Callable[[], Any]) -> str:
    """SHA-256 of the chat template of a tokenizer, which is loaded only where it must be.

    Args:
        tokenizer: folder or hub name.
        load: gives the tokenizer.

    Raises:
        ValueError: when it has no chat template.
    """
    template = _stored_template(Path(tokenizer)) or load().chat_template
    if not isinstance(template, str):
        raise ValueError(
            f'{tokenizer}: the tokenizer has no chat template; set "chat_template" in its '
            'tokenizer_config.json'
        )
    return hashlib.sha256(template.encode()).hexdigest()


def _stored_template(folder: Path) -> str | None:
    """The template that a folder's ``tokenizer_config.json`` gives, when nothing else may.

    A file of its own has precedence in later versions of transformers, and code of the tokenizer
    can do anything: there the tokenizer itself has to be asked.
    """
    path = folder / 'tokenizer_config.json'
    if not path.is_file() or any(folder.glob('*.jinja')) or any(folder.glob('*chat_templates')):
        return None
    config = json.loads(path.read_text(encoding='utf-8'))
    template = config.get('chat_template')
    return template if isinstance(template, str) and 'auto_map' not in config else None
