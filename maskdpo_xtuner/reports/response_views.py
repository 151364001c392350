"""What every page shows of one answer."""

from __future__ import annotations

from dataclasses import dataclass

from maskdpo_xtuner.pairing import NoFacts, factuality_score
from maskdpo_xtuner.records import AnnotatedResponse
from maskdpo_xtuner.reports.segments import Segment, segments, sentence_marks
from maskdpo_xtuner.reports.tokens import Token


@dataclass(frozen=True)
class ResponseView:
    """One answer; ``score`` is None where there is none, or the file does not say."""

    segments: list[Segment]
    score: float | None
    sentences: int
    sample_index: int | None
    truncated: bool
    tokens: list[Token]


def view_response(response: AnnotatedResponse, no_facts: NoFacts = 'correct') -> ResponseView:
    """Prepare an annotated answer, without a token mask; its score counts No Facts as said."""
    marks = sentence_marks(response.sentences, no_facts)
    return ResponseView(
        segments=segments(response.text, marks),
        score=factuality_score(response, no_facts),
        sentences=len(marks),
        sample_index=response.sample_index,
        truncated=response.finish_reason == 'length',
        tokens=[],
    )
