"""What a split ends in: the parts, and what they were made by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from maskdpo_xtuner.records import Record


class Distance(Record):
    """How far a topic (or question) is from the nearest one of the test set, and its part."""

    name: str
    nearest: str
    distance: float
    part: str


@dataclass(frozen=True)
class Split:
    """Parts of a set of questions; they may lie within each other.

    Attributes:
        parts: name -> keys of its questions, in their order in the set.
        made_by: what determined them beside the settings: the embedding, a file.
        distances: where distances decided.
    """

    parts: Mapping[str, Sequence[str]]
    made_by: Mapping[str, str] = field(default_factory=dict)
    distances: Sequence[Distance] = ()
