"""What a config says of the annotator `classifier`, and of a classifying model in general."""

from __future__ import annotations

from string import Formatter
from typing import Any, Literal

from pydantic import Field, field_validator

from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.annotators.classifier.annotator import ClassifierAnnotator
from maskdpo_xtuner.annotators.passages import PASSAGE_LENGTH
from maskdpo_xtuner.annotators.settings import SentenceSettings
from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.parts import Part
from maskdpo_xtuner.records import Label
from maskdpo_xtuner.registry import ANNOTATORS

_FIELDS = {'sentence', 'question', 'topic'}


class ModelSettings(Part):
    """How a classifying model is run; see `maskdpo_xtuner.engines.classifiers`.

    Attributes:
        max_length: most tokens of a pair; a longer one loses the end of its document.
        batch_size: pairs that the model computes at once.
    """

    dtype: Literal['float32', 'bfloat16', 'float16'] = 'float32'
    device: str = Field(default='auto', exclude=True)
    revision: str | None = None
    trust_remote_code: bool = False
    batch_size: int = Field(default=32, ge=1, exclude=True)
    max_length: int = Field(default=512, ge=8)

    def options(self) -> dict[str, Any]:
        """Give what the engine takes of it."""
        return {name: getattr(self, name) for name in ModelSettings.model_fields}


@ANNOTATORS.register_module('classifier')
class ClassifierSettings(SentenceSettings, ModelSettings):
    """A sequence classifier over passage and sentence; see `maskdpo_xtuner.annotators.classifier`.

    Attributes:
        model: hub name or folder.
        labels: what each class of the model means: ``no_hallucination``, ``contradictory`` or
            ``unverifiable``. A class that is left out counts for nothing.
        support: least probability of ``no_hallucination`` in one passage that makes a sentence so.
        contradiction: the same of ``contradictory``, when no passage supports the sentence.
        passages: how many of the passages most relevant to question and sentence are read.
        passage_length: most characters of a passage.
        hypothesis: what is put to the model: ``{sentence}``, or with ``{question}``, ``{topic}``.
    """

    model: str
    labels: dict[str, Label] = {
        'entailment': Label.NO_HALLUCINATION,
        'contradiction': Label.CONTRADICTORY,
        'neutral': Label.UNVERIFIABLE,
    }
    support: float = Field(default=0.5, gt=0, le=1)
    contradiction: float = Field(default=0.5, gt=0, le=1)
    passages: int = Field(default=5, ge=1)
    passage_length: int = Field(default=PASSAGE_LENGTH, ge=1)
    hypothesis: str = '{sentence}'

    @field_validator('labels')
    @classmethod
    def _check_labels(cls, labels: dict[str, Label]) -> dict[str, Label]:
        if Label.NO_HALLUCINATION not in labels.values():
            raise ValueError('one class must mean no_hallucination')
        if Label.NO_FACTS in labels.values():
            raise ValueError('no class can mean no_facts: it would be decided passage by passage')
        return labels

    @field_validator('hypothesis')
    @classmethod
    def _check_hypothesis(cls, hypothesis: str) -> str:
        fields = {name for _, name, _, _ in Formatter().parse(hypothesis) if name is not None}
        if 'sentence' not in fields or not fields <= _FIELDS:
            raise ValueError('write {sentence}, and {question} or {topic} beside it if need be')
        return hypothesis

    def build(self) -> tuple[Annotator, Engine]:
        """Read the model's configuration and build the engine.

        Raises:
            ValueError: for a model that is not there, and for a class that it does not have.
        """
        from maskdpo_xtuner.engines.classifiers import SequenceClassifier

        engine = SequenceClassifier(self.model, **self.options())
        unknown = sorted(self.labels.keys() - set(engine.labels))
        if unknown:
            raise ValueError(
                f'annotator.labels: {self.model} has no class "{unknown[0]}"; it has '
                f'{", ".join(engine.labels)}'
            )
        annotator = ClassifierAnnotator(
            identity_of(engine),
            self.labels,
            self.support,
            self.contradiction,
            self.passages,
            self.passage_length,
            self.hypothesis,
        )
        self.set_splitter(annotator)
        return annotator, engine
