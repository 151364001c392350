"""The settings of each annotator, as a config names them, and how they build it.

An annotator of your own: a subclass of `AnnotatorSettings` in your file, registered in
`maskdpo_xtuner.registry.ANNOTATORS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, SerializeAsAny, model_validator
from typing_extensions import Self

from maskdpo_xtuner.annotators.anah_v2 import (
    AnahV2Annotator,
    Context,
    DialogueSettings,
    own_prompts,
    read_prompts,
)
from maskdpo_xtuner.annotators.base import Annotator, SentenceAnnotator, check_languages
from maskdpo_xtuner.annotators.left_out import CutSentence, LeavesOut
from maskdpo_xtuner.annotators.lexical import LexicalAnnotator
from maskdpo_xtuner.chat_templates import ChatTemplate
from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.engines.settings import EngineChoice, LMDeploySettings
from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.parts import Choice, choice_of
from maskdpo_xtuner.records import Question
from maskdpo_xtuner.registry import ANNOTATORS, Registry
from maskdpo_xtuner.splitters import find_splitter

__all__ = [
    'AnahV2Settings',
    'AnnotatorChoice',
    'AnnotatorSettings',
    'LexicalSettings',
    'SentenceSettings',
    'TableSettings',
]


DEFAULT_SPLITTER = 'english_chinese'


class AnnotatorSettings(Choice):
    """Settings of an annotator; subclasses add what it needs.

    Attributes:
        cut_sentence: the last sentence of a response that met its token limit, unless a terminator
            ends it. ``unjudged``: it gets no verdict and counts nowhere. ``judged``: as if it were
            whole, so that "But, in" may be trained on. The paper does not say; its limit of 1,024
            tokens cuts few.
    """

    registry: ClassVar[Registry[Any]] = ANNOTATORS
    cut_sentence: CutSentence = 'unjudged'

    def build(self) -> tuple[Annotator, Engine | None]:
        """Make the annotator, and the engine that answers it if it asks one.

        Raises:
            ValueError: for a model, a file or a table that is not there.
        """
        raise NotImplementedError(f'{type(self).__name__}.build')

    def build_for(self, questions: Iterable[Question]) -> tuple[Annotator, Engine | None]:
        """Build, see that the languages of the questions are spoken, and leave out what is cut.

        Raises:
            ValueError: as `build`, and naming a question in another language.
        """
        annotator, engine = self.build()
        check_languages(annotator, questions)
        return LeavesOut(annotator, engine is not None, self.cut_sentence), engine


def _is_default(splitter: str) -> bool:
    return splitter == DEFAULT_SPLITTER


class SentenceSettings(AnnotatorSettings):
    """Settings of an annotator that judges sentence by sentence.

    Attributes:
        splitter: what cuts answers into sentences, a name of `maskdpo_xtuner.registry.SPLITTERS`;
            ``sentencex`` for other languages than English and Chinese.
    """

    # Left out of what is written down while it is the default: older work dirs do not have it.
    splitter: str = Field(default=DEFAULT_SPLITTER, exclude_if=_is_default)

    def set_splitter(self, annotator: SentenceAnnotator) -> None:
        """Give an annotator the splitter that the settings name.

        Raises:
            ValueError: for one that is not there.
        """
        if self.splitter != DEFAULT_SPLITTER:
            annotator.split_by(find_splitter(self.splitter))


@ANNOTATORS.register_module('lexical')
class LexicalSettings(SentenceSettings):
    """The annotator without a model; see `maskdpo_xtuner.annotators.lexical`."""

    min_coverage: float = Field(default=0.8, ge=0, le=1)
    min_passage_coverage: float = Field(default=0.5, ge=0, le=1)

    def build(self) -> tuple[Annotator, None]:
        """Build the annotator; no engine answers it."""
        annotator = LexicalAnnotator(self.min_coverage, self.min_passage_coverage)
        self.set_splitter(annotator)
        return annotator, None


@ANNOTATORS.register_module('table')
class TableSettings(SentenceSettings):
    """The facts of a table, no model; see `maskdpo_xtuner.annotators.table`.

    Attributes:
        table: a built-in table (``elements``, ``countries``, ``minerals``) or your own, as
            ``module:NAME`` or ``path/to/file.py:NAME``. The topics of the questions are its rows.
    """

    table: str

    def build(self) -> tuple[Annotator, None]:
        """Read the table; no engine answers it.

        Raises:
            ValueError: for a table that is not there, or one without checks.
        """
        from maskdpo_xtuner.annotators.table import TableAnnotator
        from maskdpo_xtuner.builtin.named import find_table

        annotator = TableAnnotator(find_table(self.table))
        self.set_splitter(annotator)
        return annotator, None


@ANNOTATORS.register_module('anah_v2')
class AnahV2Settings(SentenceSettings):
    """A model trained as ANAH-v2; see `maskdpo_xtuner.annotators.anah_v2`.

    Attributes:
        engine: what runs the model.
        prompts: the file that `tools/import_anah_prompts.py` wrote; None for our own wording.
        context_length: tokens of the model's context, and no more than the engine is set to.
        tokenizer: folder or hub name of the tokenizer to measure with; None for the engine's.
        dialogue: how to ask.
    """

    engine: EngineChoice
    prompts: Path | None = None
    context_length: int = Field(default=32768, ge=1)
    tokenizer: str | None = None
    dialogue: DialogueSettings = DialogueSettings()

    @model_validator(mode='after')
    def _check_context(self) -> Self:
        engine = self.engine
        if isinstance(engine, LMDeploySettings):
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
        annotator = AnahV2Annotator(identity_of(engine), prompts, context, self.dialogue)
        self.set_splitter(annotator)
        return annotator, engine

    def _template(self) -> ChatTemplate:
        source = self.engine.tokenizer_source()
        name, revision, trust = source or (None, None, False)
        tokenizer = self.tokenizer or name
        if tokenizer is None:
            raise ValueError("annotator.engine.model is missing; name the annotator's model")
        try:
            return ChatTemplate(tokenizer, revision, trust, self.engine.template_kwargs)
        except ValueError as error:
            raise ValueError(
                f'{error}; conversations are measured with it, name it as annotator.tokenizer'
            ) from error


AnnotatorChoice = Annotated[SerializeAsAny[AnnotatorSettings], choice_of(AnnotatorSettings)]
