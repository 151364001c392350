"""The document beside the answers: which passages of it the verdicts rest on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from maskdpo_xtuner.reports.response_views import ResponseView

Span = tuple[int, int]


@dataclass(frozen=True)
class Passage:
    """A piece of a document with the numbers of the points that stand in it; ``used`` is marked."""

    text: str
    points: tuple[int, ...] = ()
    used: bool = False


@dataclass(frozen=True)
class DocumentView:
    """A document as a card shows it.

    Attributes:
        passages: pieces that together are the text.
        numbers: point -> its number, for the points that stand in the document. Those that an
            annotator words itself (a field of a table, a summary) do not.
    """

    passages: list[Passage]
    numbers: dict[str, int]


def view_document(
    document: str, shown: Sequence[ResponseView], others: Sequence[ResponseView] = ()
) -> DocumentView:
    """Cut a document at the points of the verdicts on answers.

    Args:
        document: the text.
        shown: answers whose points are marked from the start.
        others: answers whose points are marked when one of their sentences is looked at.
    """
    used = list(_points(shown))
    places = {point: span for point in [*used, *_points(others)] if (span := find(document, point))}
    numbers = {point: number for number, point in enumerate(places)}
    spans = [(*span, numbers[point]) for point, span in places.items()]
    marked = {numbers[point] for point in used if point in numbers}
    ends = sorted({0, len(document), *(end for span in places.values() for end in span)})
    passages = []
    for start, end in zip(ends, ends[1:], strict=False):
        here = tuple(number for low, high, number in spans if low <= start and end <= high)
        passages.append(Passage(document[start:end], here, not marked.isdisjoint(here)))
    return DocumentView(passages, numbers)


def _points(views: Iterable[ResponseView]) -> Iterable[str]:
    """All points once, in the order of the sentences."""
    return dict.fromkeys(
        point for view in views for segment in view.segments for point in segment.points
    )


def find(document: str, point: str) -> Span | None:
    """Say where a point stands, whatever its case and white space; None where it does not."""
    point = point.strip().strip('"“”')
    start = document.find(point)
    if start >= 0:
        return (start, start + len(point)) if point else None
    words = r'\s+'.join(map(re.escape, point.split()))
    found = re.search(words, document, re.IGNORECASE)
    return found and found.span()


def numbers_of(points: Sequence[str], numbers: Mapping[str, int]) -> list[int]:
    """Give the numbers of those points that have one, for a sentence to name its passages by."""
    return [numbers[point] for point in points if point in numbers]
