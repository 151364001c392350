"""What is counted in the labels of one judge.

What is counted is a unit: a sentence, or, where the judge gives atomic facts, each fact of it.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Literal

from maskdpo_xtuner.records import AnnotatedResponse, Label, Sentence

Unit = Literal['sentences', 'facts']


@dataclasses.dataclass(frozen=True)
class Counts:
    """What is counted over a set of answers; sums of two sets are the counts of their union.

    Attributes:
        answers: answers in the set.
        empty: answers without any sentence.
        truncated: answers cut at the token limit.
        tokens: completion tokens of the answers whose tokens were counted.
        sentences: sentences of all answers that were to be judged, with and without a verdict.
        units: what was to be judged: sentences, or facts where a sentence has some.
        correct: hallucination-free units; ``no_facts`` are among them where sentences are judged,
            and not where facts are, for a fact is never without one.
        supported: checkable units that the document supports.
        incorrect: hallucinated units.
        no_facts: sentences without a checkable fact.
        without_verdict: units whose annotation failed or could not be read.
        uncheckable: answers, the empty ones among them, of which every unit has a verdict and
            none is checkable.
    """

    answers: int = 0
    empty: int = 0
    truncated: int = 0
    tokens: int = 0
    sentences: int = 0
    units: int = 0
    correct: int = 0
    supported: int = 0
    incorrect: int = 0
    no_facts: int = 0
    without_verdict: int = 0
    uncheckable: int = 0

    def __add__(self, other: Counts) -> Counts:
        mine, theirs = dataclasses.astuple(self), dataclasses.astuple(other)
        return Counts(*(a + b for a, b in zip(mine, theirs, strict=True)))

    @property
    def checkable(self) -> int:
        """Units that say something that can be checked."""
        return self.supported + self.incorrect

    @property
    def score(self) -> float | None:
        """100 * correct / (correct + incorrect), in percent; None when nothing was judged."""
        judged = self.correct + self.incorrect
        return 100 * self.correct / judged if judged else None

    @property
    def precision(self) -> float | None:
        """100 * supported / checkable units, in percent; None where none is checkable."""
        return 100 * self.supported / self.checkable if self.checkable else None


def count_response(response: AnnotatedResponse) -> Counts:
    """Count one answer.

    Raises:
        ValueError: for one that was annotated only as far as pairs need it.
    """
    refuse_partial(response)
    total = sum(map(_count_sentence, response.sentences), Counts())
    return dataclasses.replace(
        total,
        answers=1,
        empty=int(not response.sentences),
        truncated=int(response.finish_reason == 'length'),
        tokens=response.completion_tokens or 0,
        uncheckable=int(not total.checkable and not total.without_verdict),
    )


def refuse_partial(response: AnnotatedResponse) -> None:
    """Refuse an answer of which sentences were not asked about: those that were are no sample.

    Raises:
        ValueError: naming the answer, and what to do.
    """
    if response.is_partial:
        raise ValueError(
            f'{response.response_id} was annotated only as far as the pairs need it; annotate its '
            "work dir with annotation='all' first (nothing is asked twice)"
        )


def _count_sentence(sentence: Sentence) -> Counts:
    if sentence.is_left_out:
        return Counts()
    if sentence.facts:
        return _count_facts([fact.supported for fact in sentence.facts])
    if sentence.label is None:
        return Counts(sentences=1, units=1, without_verdict=1)
    if sentence.facts is not None:
        return Counts(sentences=1, units=1, no_facts=1)
    if sentence.label.is_hallucination:
        return Counts(sentences=1, units=1, incorrect=1)
    no_facts = int(sentence.label is Label.NO_FACTS)
    return Counts(sentences=1, units=1, correct=1, supported=1 - no_facts, no_facts=no_facts)


def _count_facts(supported: Sequence[bool | None]) -> Counts:
    return Counts(
        sentences=1,
        units=len(supported),
        correct=supported.count(True),
        supported=supported.count(True),
        incorrect=supported.count(False),
        without_verdict=supported.count(None),
    )


def unit_of(responses: Iterable[AnnotatedResponse]) -> Unit:
    """Give what a judge counted: facts as soon as one sentence has them."""
    has = any(s.facts is not None for response in responses for s in response.sentences)
    return 'facts' if has else 'sentences'


def f1_at(k: int, counts: Counts) -> float | None:
    """F1@K of one answer: 2PR / (P + R) with P = supported / checkable, R = min(supported / K, 1).

    Source: SAFE (Wei et al. 2024, arXiv 2403.18802, section 5), per answer and then averaged.

    Returns:
        A share; 0 where nothing is supported, also of an answer that says nothing checkable; None
        where no unit of an answer has a verdict, or what was judged of it is not checkable.
    """
    if counts.supported == 0:
        return 0.0 if counts.checkable or counts.uncheckable else None
    precision = counts.supported / counts.checkable
    recall = min(counts.supported / k, 1)
    return 2 * precision * recall / (precision + recall)


def count_runs(responses: Iterable[AnnotatedResponse]) -> list[Counts]:
    """Counts of every run in order; run r is made of the answers with ``sample_index`` r."""
    totals: dict[int, Counts] = defaultdict(Counts)
    for response in responses:
        totals[response.sample_index] += count_response(response)
    return [totals[run] for run in sorted(totals)]


def mean_counts(runs: Sequence[Counts]) -> dict[str, float]:
    """Totals over the set, each averaged over the runs: the columns of the paper's tables."""
    names = [field.name for field in dataclasses.fields(Counts)]
    return {name: fmean(getattr(run, name) for run in runs) for name in names}
