"""How factual an answer is, counted over its labelled sentences."""

from __future__ import annotations

from typing import Literal

from maskdpo_xtuner.records import AnnotatedResponse, Label

NoFacts = Literal['correct', 'ignored']
"""What a sentence of No Facts is worth: as much as a supported one (the paper), or nothing."""


def factuality_score(response: AnnotatedResponse, no_facts: NoFacts = 'correct') -> float | None:
    """Share of hallucination-free sentences among those with a verdict (paper, section 2.2).

    With ``no_facts='ignored'`` it is the precision among checkable sentences instead: supported /
    (supported + hallucinated).

    None when there is nothing to count, or where sentences were not asked about: such an answer has
    no score, not a score of zero.
    """
    if response.is_partial:
        return None
    hallucinated = count_hallucinated(response)
    correct = count_correct(response, no_facts)
    return correct / (correct + hallucinated) if correct + hallucinated else None


def count_correct(response: AnnotatedResponse, no_facts: NoFacts) -> int:
    """Count the sentences that speak for a response, those of No Facts as said."""
    correct = count_supported(response)
    return correct + _count(response, Label.NO_FACTS) if no_facts == 'correct' else correct


def count_supported(response: AnnotatedResponse) -> int:
    """Count the sentences that the document supports (No Hallucination)."""
    return _count(response, Label.NO_HALLUCINATION)


def count_hallucinated(response: AnnotatedResponse) -> int:
    """Count the sentences that are Contradictory or Unverifiable."""
    return _count(response, Label.CONTRADICTORY, Label.UNVERIFIABLE)


def _count(response: AnnotatedResponse, *labels: Label) -> int:
    return sum(sentence.label in labels for sentence in response.sentences)
