"""What several verdicts on a sentence amount to."""

from __future__ import annotations

from collections.abc import Sequence

from maskdpo_xtuner.records import Label, Sentence

DISAGREED = 'disagreed'
"""The kind of failure of a sentence that one calls hallucinated and another does not."""
_WEAKER = {True: Label.UNVERIFIABLE, False: Label.NO_FACTS}


def agreed(names: Sequence[str], verdicts: Sequence[Sentence]) -> Sentence:
    """Give the one verdict of several judges on the same span.

    A sentence has a label only where all say that it is hallucinated, or all that it is not: their
    label where it is the same, else the one that claims less (Unverifiable, No Facts). One that
    they disagree on has no label, and so counts in no score and in no loss. One that any of them
    has no verdict on has none: first a failure that another run asks again.

    Args:
        names: of the judges.
        verdicts: one each, of equal spans.
    """
    first = verdicts[0]
    failed = sorted(filter(None, (v.failure for v in verdicts)), key=_is_final)
    notes = tuple(dict.fromkeys(note for v in verdicts for note in v.notes))
    points = tuple(dict.fromkeys(point for v in verdicts for point in v.points))
    label, failure = None, failed[0] if failed else None
    if not failed:
        label = _common([v.label for v in verdicts if v.label])
        failure = None if label else _disagreement(names, verdicts)
    return Sentence(
        start=first.start, end=first.end, label=label, failure=failure, points=points, notes=notes
    )


def _is_final(failure: str) -> bool:
    return not failure.startswith('failed:')


def _common(labels: Sequence[Label]) -> Label | None:
    """Give the label that all agree on; None where they differ in what counts."""
    kinds = {label.is_hallucination for label in labels}
    if len(kinds) > 1:
        return None
    return labels[0] if len(set(labels)) == 1 else _WEAKER[kinds.pop()]


def _disagreement(names: Sequence[str], verdicts: Sequence[Sentence]) -> str:
    said = (f'{name} {v.label.value}' for name, v in zip(names, verdicts, strict=True) if v.label)
    return f'{DISAGREED}: {", ".join(said)}'
