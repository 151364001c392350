"""The settings of each annotator, as a config names them, and how they build it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from maskdpo_xtuner.annotators.anah_v2 import (
    AnahV2Annotator,
    Context,
    DialogueSettings,
    own_prompts,
    read_prompts,
)
from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.annotators.lexical import LexicalAnnotator
from maskdpo_xtuner.chat_templates import ChatTemplate
from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.engines.sources import EngineSource, LMDeployPolicy, OpenAIPolicy
from maskdpo_xtuner.parts import Part


class LexicalSettings(Part):
    """The annotator without a model; see `maskdpo_xtuner.annotators.lexical`."""

    type: Literal['lexical'] = 'lexical'
    min_coverage: float = Field(default=0.8, ge=0, le=1)
    min_passage_coverage: float = Field(default=0.5, ge=0, le=1)

    def build(self) -> tuple[Annotator, None]:
        """Build the annotator; no engine answers it."""
        return LexicalAnnotator(**self.model_dump(exclude={'type'})), None


class TableSettings(Part):
    """The facts of a table, no model; see `maskdpo_xtuner.annotators.table`.

    Attributes:
        table: a built-in table (``elements``, ``countries``, ``minerals``) or your own, as
            ``module:NAME`` or ``path/to/file.py:NAME``. The topics of the questions are its rows.
    """

    type: Literal['table']
    table: str

    def build(self) -> tuple[Annotator, None]:
        """Read the table; no engine answers it.

        Raises:
            ValueError: for a table that is not there, or one without checks.
        """
        from maskdpo_xtuner.annotators.table import TableAnnotator
        from maskdpo_xtuner.builtin.named import find_table

        return TableAnnotator(find_table(self.table)), None


class AnahV2Settings(Part):
    """A model trained as ANAH-v2; see `maskdpo_xtuner.annotators.anah_v2`.

    Attributes:
        engine: what runs the model.
        prompts: the file that `tools/import_anah_prompts.py` wrote; None for our own wording.
        context_length: tokens of the model's context, and no more than the engine is set to.
        tokenizer: folder or hub name of the tokenizer to measure with; None for the engine's.
        dialogue: how to ask.
    """

    type: Literal['anah_v2']
    engine: EngineSource
    prompts: Path | None = None
    context_length: int = Field(default=32768, ge=1)
    tokenizer: str | None = None
    dialogue: DialogueSettings = DialogueSettings()

    @model_validator(mode='after')
    def _check_context(self) -> Self:
        engine = self.engine
        if isinstance(engine, LMDeployPolicy):
            limit = engine.options.get('session_len')
            if limit is not None and limit < self.context_length:
                raise ValueError(
                    f'context_length {self.context_length} is more than the session_len {limit} '
                    'of engine.options'
                )
        return self

    def build(self) -> tuple[Annotator, Engine]:
        """Build the annotator and the engine that answers it.

        Raises:
            ValueError: for a model, a tokenizer or a file of prompts that is not there.
        """
        prompts = read_prompts(self.prompts) if self.prompts else own_prompts()
        context = Context(self.context_length, self._template())
        engine = self.engine.build()
        return AnahV2Annotator(engine.identity, prompts, context, self.dialogue), engine

    def _template(self) -> ChatTemplate:
        engine = self.engine
        served = engine.tokenizer if isinstance(engine, OpenAIPolicy) else None
        tokenizer = self.tokenizer or served or engine.model
        if tokenizer is None:
            raise ValueError("annotator.engine.model is missing; name the annotator's model")
        try:
            return ChatTemplate(
                tokenizer, engine.revision, engine.trust_remote_code, engine.template_kwargs
            )
        except ValueError as error:
            raise ValueError(
                f'{error}; conversations are measured with it, name it as annotator.tokenizer'
            ) from error


AnnotatorSource = Annotated[
    LexicalSettings | TableSettings | AnahV2Settings, Field(discriminator='type')
]
