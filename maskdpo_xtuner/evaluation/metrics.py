"""How factual a set of answers is: sentence counts, pooled over the set, averaged over runs.

Source: Mask-DPO, section 3.1 ("the ratio of non-hallucinated sentences to the total number of
sentences as the final score", "the mean value after five replications") and appendix A (No Facts
and No Hallucination are hallucination-free, Contradictory and Unverifiable are hallucination).

Where we deviate: sentences without a verdict are in neither count and are shown beside them. A
model that says little, or nothing that can be checked, scores well by this metric, so the length
of the answers, the empty ones and the share of No Facts sentences belong to every result.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean

from maskdpo_xtuner.records import AnnotatedResponse, Label


@dataclasses.dataclass(frozen=True)
class Counts:
    """What is counted over a set of answers; sums of two sets are the counts of their union.

    Attributes:
        answers: answers in the set.
        empty: answers without any sentence.
        truncated: answers cut at the token limit.
        tokens: completion tokens of all answers.
        sentences: sentences of all answers, with and without a verdict.
        correct: hallucination-free sentences, ``no_facts`` among them.
        incorrect: hallucinated sentences.
        no_facts: sentences without a checkable fact.
        without_verdict: sentences whose annotation failed or could not be read.
    """

    answers: int = 0
    empty: int = 0
    truncated: int = 0
    tokens: int = 0
    sentences: int = 0
    correct: int = 0
    incorrect: int = 0
    no_facts: int = 0
    without_verdict: int = 0

    def __add__(self, other: Counts) -> Counts:
        mine, theirs = dataclasses.astuple(self), dataclasses.astuple(other)
        return Counts(*(a + b for a, b in zip(mine, theirs, strict=True)))

    @property
    def score(self) -> float | None:
        """100 * correct / (correct + incorrect), in percent; None when nothing was judged."""
        judged = self.correct + self.incorrect
        return 100 * self.correct / judged if judged else None


def count_response(response: AnnotatedResponse) -> Counts:
    """Count one answer."""
    labels = Counter(sentence.label for sentence in response.sentences)
    incorrect = sum(n for label, n in labels.items() if label and label.is_hallucination)
    sentences = len(response.sentences)
    return Counts(
        answers=1,
        empty=int(sentences == 0),
        truncated=int(response.finish_reason == 'length'),
        tokens=response.completion_tokens,
        sentences=sentences,
        correct=sentences - incorrect - labels[None],
        incorrect=incorrect,
        no_facts=labels[Label.NO_FACTS],
        without_verdict=labels[None],
    )


def count_runs(responses: Iterable[AnnotatedResponse]) -> list[Counts]:
    """Counts of every run in order; run r is made of the answers with ``sample_index`` r."""
    totals: dict[int, Counts] = defaultdict(Counts)
    for response in responses:
        totals[response.sample_index] += count_response(response)
    return [totals[run] for run in sorted(totals)]


def mean_score(runs: Sequence[Counts]) -> float | None:
    """Mean of the runs' scores in percent, over the runs that have one (section 3.1)."""
    scores = [run.score for run in runs if run.score is not None]
    return fmean(scores) if scores else None


def mean_counts(runs: Sequence[Counts]) -> dict[str, float]:
    """Totals over the set, each averaged over the runs: the columns of the paper's tables."""
    names = [field.name for field in dataclasses.fields(Counts)]
    return {name: fmean(getattr(run, name) for run in runs) for name in names}
