"""What all parts of the settings have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of the settings; unknown keys are errors."""

    model_config = ConfigDict(extra='forbid', frozen=True)
