"""The settings under ``subset`` of a config: which part of the questions is trained on.

A subset of your own: a subclass of `SubsetSettings` in your file, registered in
`maskdpo_xtuner.registry.SUBSETS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny

from maskdpo_xtuner.parts import Choice, choice_of
from maskdpo_xtuner.questions import QuestionsChoice
from maskdpo_xtuner.registry import SUBSETS, Registry
from maskdpo_xtuner.subsets.asked import Asked
from maskdpo_xtuner.subsets.split import Split


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class SubsetSettings(Choice):
    """A way to split questions; subclasses add what it needs.

    Attributes:
        part: which part is taken; the tool `subsets` writes all of them without one.
        test: the test set, which no topic may be in that is trained on; None for that of
            ``evaluation``.
        leaked: what to do with topics of the test set: ``refuse`` the questions, or ``leave_out``
            these topics before anything is split.
    """

    registry: ClassVar[Registry[Any]] = SUBSETS

    part: Annotated[str | None, BeforeValidator(_as_text)] = None
    # What is in it counts, where it matters, and not where it lies.
    test: QuestionsChoice | None = Field(default=None, exclude=True)
    leaked: Literal['refuse', 'leave_out'] = 'refuse'

    def split(self, asked: Sequence[Asked], test: Sequence[Asked], folder: Path | None) -> Split:
        """Split questions into all parts.

        Args:
            asked: the questions; no topic is also tested.
            test: those of the test set; none where no config names them.
            folder: where what is slow to make may be kept; None for nowhere.

        Raises:
            ValueError: for what cannot be split.
        """
        raise NotImplementedError(f'{type(self).__name__}.split')


SubsetChoice = Annotated[SerializeAsAny[SubsetSettings], choice_of(SubsetSettings)]
