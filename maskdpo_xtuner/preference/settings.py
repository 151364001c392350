"""What a config says of the judge that compares two models' responses."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from maskdpo_xtuner.annotators.markers import check_markers
from maskdpo_xtuner.annotators.prompt_files import Prompt, prompt_or_own
from maskdpo_xtuner.annotators.prompted import PromptedSettings
from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.preference.asking import CHOICES, Choice, Judge

VARIABLES = (
    *('question', 'document', 'topic', 'language'),
    *('first', 'second', 'criterion', 'meaning', 'markers'),
)
OWN_PROMPT = Path(__file__).parent / 'prompts' / 'pair.j2'
CRITERIA = {
    'helpfulness': 'The better answer helps the person who asked more: it gives what they want to '
    'know, with the detail that they need, in a form that they can use.',
    'relevance': 'The better answer keeps more to the question: all that was asked is dealt with, '
    'and nothing stands there that does not bear on it.',
}
MARKERS: dict[Choice, str] = {'first': '[[FIRST]]', 'second': '[[SECOND]]', 'tie': '[[TIE]]'}


class PreferenceSettings(PromptedSettings):
    """The judge of `tools/compare_preference.py`; the Mask-DPO paper has none.

    What factuality costs in helpfulness and relevance: arXiv 2508.05618.

    Attributes:
        prompt: it has the variables `VARIABLES`, and uses both responses.
        criteria: name -> what it means, in the words of the prompt; each is asked for by itself.
        markers: what the model ends in for ``first``, ``second`` and ``tie``.
    """

    criteria: dict[str, str] = Field(default=CRITERIA, min_length=1)
    markers: dict[Choice, str] = MARKERS

    @field_validator('markers')
    @classmethod
    def _check_markers(cls, markers: dict[Choice, str]) -> dict[Choice, str]:
        if set(markers) != set(CHOICES):
            raise ValueError(f'name a marker for each of {", ".join(CHOICES)}')
        check_markers(markers)
        return markers

    def read_prompt(self) -> Prompt:
        """Read the prompt, or ours; errors as in `PromptedSettings`."""
        needed = [('first',), ('second',)]
        return prompt_or_own(self.prompt, OWN_PROMPT, VARIABLES, needed, 'preference.prompt')

    def build(self) -> tuple[Judge, Engine]:
        """Read the prompt and build the engine.

        Raises:
            ValueError: for a prompt or a model that is not there.
        """
        prompt, engine = self.read_prompt(), self.engine.build()
        judge = Judge(
            identity_of(engine),
            prompt,
            self.criteria,
            self.markers,
            retrying=self,
            system=self.system,
            max_new_tokens=self.max_new_tokens,
        )
        return judge, engine
