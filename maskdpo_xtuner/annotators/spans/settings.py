"""What a config says of the annotator `spans`."""

from __future__ import annotations

import warnings
from pathlib import Path

from pydantic import Field, model_validator
from typing_extensions import Self

from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.annotators.classifier.settings import ModelSettings
from maskdpo_xtuner.annotators.prompt_files import Prompt, prompt_or_own
from maskdpo_xtuner.annotators.settings import SentenceSettings
from maskdpo_xtuner.annotators.spans.annotator import SpanAnnotator
from maskdpo_xtuner.annotators.spans.files import SpanFile
from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.registry import ANNOTATORS

VARIABLES = ('question', 'document', 'topic', 'language')
OWN_PROMPT = Path(__file__).parent / 'prompts' / 'source.j2'


@ANNOTATORS.register_module('spans')
class SpanSettings(SentenceSettings, ModelSettings):
    """Sentences judged by marked spans; see `maskdpo_xtuner.annotators.spans`.

    Attributes:
        model: hub name or folder of a token classifier, such as those of LettuceDetect.
        file: a JSON lines file of spans, in place of a model.
        prompt: a jinja file with the variables `VARIABLES`: what stands before the answer. Ours is
            question and document, without the words that a model may have been trained on.
        marked: names of the model's classes that mark a hallucination; None for the second of two.
        threshold: least confidence of a span that counts. Tokens make spans from 0.5 on.
    """

    model: str | None = None
    file: Path | None = Field(default=None, exclude=True)  # Its content counts.
    prompt: Path | None = Field(default=None, exclude=True)
    marked: tuple[str, ...] | None = None
    threshold: float = Field(default=0.5, ge=0, le=1)
    max_length: int = Field(default=4096, ge=8)

    @model_validator(mode='after')
    def _check(self) -> Self:
        if (self.model is None) == (self.file is None):
            raise ValueError('name either the model of the spans (model) or their file (file)')
        if self.model is not None:
            self.read_prompt()
        return self

    def read_prompt(self) -> Prompt:
        """Read the prompt, or ours.

        Raises:
            ValueError: for one that cannot be filled, naming file, line and variable.
        """
        return prompt_or_own(self.prompt, OWN_PROMPT, VARIABLES, [('document',)])

    def build(self) -> tuple[Annotator, Engine | None]:
        """Read the file of spans, or the model's configuration.

        Raises:
            ValueError: for a file or a model that is not there or does not fit.
        """
        annotator, engine = self._by_model(self.model) if self.model else (self._by_file(), None)
        self.set_splitter(annotator)
        return annotator, engine

    def _by_file(self) -> SpanAnnotator:
        assert self.file is not None, '_check'
        spans = SpanFile(self.file)
        return SpanAnnotator(spans.identity, spans, self.threshold)

    def _by_model(self, model: str) -> tuple[SpanAnnotator, Engine]:
        from maskdpo_xtuner.engines.token_classifier import TokenClassifier

        if self.prompt is None and 'lettucedect' in model.lower():
            warnings.warn(
                f'{model} was trained on the prompt of its package and is asked with ours; write '
                'that one as a jinja file and set annotator.prompt',
                stacklevel=3,
            )
        engine = TokenClassifier(model, marked=self.marked, **self.options())
        marker = {f'engine.{name}': value for name, value in identity_of(engine).items()}
        return SpanAnnotator(marker, self.read_prompt(), self.threshold), engine
