"""What a config says of the annotator `agreement`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import Field, model_validator
from typing_extensions import Self

from maskdpo_xtuner.annotators.agreement.annotator import AgreementAnnotator
from maskdpo_xtuner.annotators.agreement.engines import JudgesEngines
from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.annotators.settings import AnnotatorChoice, AnnotatorSettings
from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.records import Question
from maskdpo_xtuner.registry import ANNOTATORS


@ANNOTATORS.register_module('agreement')
class AgreementSettings(AnnotatorSettings):
    """Several annotators: a sentence has a label where all agree whether it is hallucinated.

    See `maskdpo_xtuner.annotators.agreement.rule.agreed`. ``cut_sentence`` is that of all of them.

    Attributes:
        judges: the annotators, each as it stands alone, so that what was asked for its own pairs is
            found in a shared ``store``.
    """

    judges: tuple[AnnotatorChoice, ...] = Field(min_length=2)

    @model_validator(mode='before')
    @classmethod
    def _share_cut_sentence(cls, values: Any) -> Any:
        """Give the judges the ``cut_sentence`` that stands here."""
        if not isinstance(values, dict) or 'cut_sentence' not in values:
            return values
        shared = {'cut_sentence': values['cut_sentence']}
        judges = [
            {**shared, **each} if isinstance(each, dict) else each
            for each in values.get('judges', ())
        ]
        return {**values, 'judges': judges}

    @model_validator(mode='after')
    def _check_cut_sentences(self) -> Self:
        if any(judge.cut_sentence != self.cut_sentence for judge in self.judges):
            raise ValueError('cut_sentence is one for all judges: set annotator.cut_sentence alone')
        return self

    def build(self) -> tuple[Annotator, Engine | None]:
        """Build all of them.

        Raises:
            ValueError: as they do.
        """
        return self.build_for(())

    def build_for(self, questions: Iterable[Question]) -> tuple[Annotator, Engine | None]:
        """Build all of them; each sees that it speaks the languages, and leaves out what is cut."""
        questions = list(questions)
        built = [judge.build_for(questions) for judge in self.judges]
        engines = {n: engine for n, (_, engine) in enumerate(built) if engine is not None}
        annotator = AgreementAnnotator([annotator for annotator, _ in built])
        return annotator, JudgesEngines(engines) if engines else None
