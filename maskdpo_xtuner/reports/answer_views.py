"""What every page shows of one answer."""

from __future__ import annotations

from dataclasses import dataclass

from maskdpo_xtuner.pairing import factuality_score
from maskdpo_xtuner.records import AnnotatedResponse
from maskdpo_xtuner.reports.segments import Segment, segments, sentence_marks
from maskdpo_xtuner.reports.tokens import Token


@dataclass(frozen=True)
class AnswerView:
    """One answer; ``score`` is None where there is none, or the file does not say."""

    segments: list[Segment]
    score: float | None
    sentences: int
    sample_index: int | None
    truncated: bool
    tokens: list[Token]


def view_answer(answer: AnnotatedResponse) -> AnswerView:
    """Prepare an annotated answer, without a token mask."""
    marks = sentence_marks(answer.sentences)
    return AnswerView(
        segments=segments(answer.text, marks),
        score=factuality_score(answer),
        sentences=len(marks),
        sample_index=answer.sample_index,
        truncated=answer.finish_reason == 'length',
        tokens=[],
    )
