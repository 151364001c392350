"""The chat template of a tokenizer: a conversation in, the text that the model reads out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

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
        from transformers import AutoTokenizer

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(
                tokenizer, revision=revision, trust_remote_code=trust_remote_code
            )
        except (OSError, ValueError) as error:
            raise ValueError(f'{tokenizer}: no tokenizer can be read there ({error})') from error
        template = self._tokenizer.chat_template
        if not isinstance(template, str):
            raise ValueError(
                f'{tokenizer}: the tokenizer has no chat template; set "chat_template" in its '
                'tokenizer_config.json'
            )
        self.digest = hashlib.sha256(template.encode()).hexdigest()

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
