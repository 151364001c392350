"""What a config says of the annotator `llm`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import field_validator

from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.annotators.llm.annotator import LLMAnnotator
from maskdpo_xtuner.annotators.markers import Rule, check_markers
from maskdpo_xtuner.annotators.prompt_files import Prompt, prompt_or_own
from maskdpo_xtuner.annotators.prompted import PromptedSettings
from maskdpo_xtuner.annotators.settings import SentenceSettings
from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.records import Label
from maskdpo_xtuner.registry import ANNOTATORS

DEFAULT_LABELS = {
    Label.NO_HALLUCINATION: '[[SUPPORTED]]',
    Label.CONTRADICTORY: '[[CONTRADICTED]]',
    Label.UNVERIFIABLE: '[[NOT IN DOCUMENT]]',
    Label.NO_FACTS: '[[NO FACTS]]',
}
VARIABLES = ('question', 'document', 'topic', 'language', 'answer', 'sentences', 'labels')


@ANNOTATORS.register_module('llm')
class LLMSettings(SentenceSettings, PromptedSettings):
    """Any language model, asked in the words of a prompt; see `maskdpo_xtuner.annotators.llm`.

    Attributes:
        prompt: it has the variables `VARIABLES`, and ``sentence`` where each sentence is asked
            about.
        labels: the marker of each label in the model's answers. ``no_hallucination`` and one of
            ``contradictory`` and ``unverifiable`` must be there.
        rule: which marker counts in an answer with several: the ``last``, or ``one``: none then.
        per: one request for each ``sentence``, or one for each ``answer``.
    """

    labels: dict[Label, str] = DEFAULT_LABELS
    rule: Rule = 'last'
    per: Literal['sentence', 'answer'] = 'sentence'

    @field_validator('labels')
    @classmethod
    def _check_markers(cls, labels: dict[Label, str]) -> dict[Label, str]:
        check_markers(labels)
        if Label.NO_HALLUCINATION not in labels or not any(x.is_hallucination for x in labels):
            raise ValueError(
                'name a marker of no_hallucination, and one of contradictory or unverifiable'
            )
        return labels

    def read_prompt(self) -> Prompt:
        """Read the prompt, or ours for ``per``; errors as in `PromptedSettings`."""
        sentence = self.per == 'sentence'
        variables = (*VARIABLES, 'sentence') if sentence else VARIABLES
        needed = ('sentence',) if sentence else ('sentences', 'answer')
        own = Path(__file__).parent / 'prompts' / f'{self.per}.j2'
        return prompt_or_own(self.prompt, own, variables, [needed])

    def build(self) -> tuple[Annotator, Engine]:
        """Read the prompt and build the engine.

        Raises:
            ValueError: for a prompt or a model that is not there.
        """
        prompt = self.read_prompt()
        engine = self.engine.build()
        annotator = LLMAnnotator(
            identity_of(engine),
            prompt,
            self.labels,
            retrying=self,
            per_response=self.per == 'answer',
            rule=self.rule,
            system=self.system,
            max_new_tokens=self.max_new_tokens,
        )
        self.set_splitter(annotator)
        return annotator, engine
