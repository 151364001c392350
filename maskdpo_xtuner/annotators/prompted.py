"""What a config says of a model that is asked in the words of a prompt, whatever it judges."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, model_validator
from typing_extensions import Self

from maskdpo_xtuner.annotators.asking import AskingSettings
from maskdpo_xtuner.annotators.prompt_files import Prompt
from maskdpo_xtuner.engines.settings import EngineChoice


class PromptedSettings(AskingSettings):
    """Which model is asked, and with what; the prompt is checked with the settings.

    Attributes:
        engine: what runs the model.
        prompt: a jinja file; None for our own wording.
        system: text of a system turn before it; None for none.
    """

    engine: EngineChoice
    # What is in it counts (`prompt_sha256`), and not where it lies.
    prompt: Path | None = Field(default=None, exclude=True)
    system: str | None = None

    @model_validator(mode='after')
    def _check_prompt(self) -> Self:
        self.read_prompt()
        return self

    def read_prompt(self) -> Prompt:
        """Read the prompt, or ours.

        Raises:
            ValueError: for one that cannot be filled, naming file, line and variable.
        """
        raise NotImplementedError(f'{type(self).__name__}.read_prompt')
