"""What a reader of pairs should know of the answers that were chosen."""

from __future__ import annotations

from maskdpo_xtuner.records import Label, PreferencePair
from maskdpo_xtuner.refusals import is_refusal


def chose_refusal(pair: PreferencePair) -> bool:
    """Whether the chosen answer is a refusal; a pair that names no language is read as English."""
    return is_refusal(pair.chosen[0].content, pair.language or 'en')


def chose_unsupported(pair: PreferencePair) -> bool:
    """Tell whether the chosen answer has no sentence that the document supports (No Hallucination).

    False where the file does not tell the labels: nothing is known then.
    """
    labels = pair.chosen_item.labels
    return labels is not None and Label.NO_HALLUCINATION not in labels
