"""How well a judge meets human labels: precision, recall, F1, kappa, AUROC, with intervals.

Positive is the label in question, or, for both kinds of hallucination together, a hallucination.
All but AUROC are functions of the table of both labels. Topics are resampled, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from maskdpo_xtuner.evaluation.agreement import cohens_kappa
from maskdpo_xtuner.evaluation.human.matching import (
    NOT_JUDGED,
    NOT_TO_JUDGE,
    OUTCOMES,
    Case,
    Matched,
)
from maskdpo_xtuner.evaluation.intervals import Bootstrap, Estimate, estimate
from maskdpo_xtuner.evaluation_settings import MOST_WITHOUT_VERDICT
from maskdpo_xtuner.records import Label, Record

LABELS = tuple(Label)
HALLUCINATION = 'hallucination'
Tables = NDArray[np.float64]
"""Counts of sentences, (tables, labels, labels): a row a human label, a column one of the judge."""
Statistic = Callable[[Tables], NDArray[np.float64]]
"""Tables -> a number for each."""


class Classification(Record):
    """How well a judge finds one class; ``human`` and ``judge`` are how often each gave it.

    A class that the human labels do not know, as marks do not know No Facts, has no measures.
    """

    human: int
    judge: int
    precision: Estimate
    recall: Estimate
    f1: Estimate


class HumanAgreement(Record):
    """One judge against human labels.

    Attributes:
        judge: its name.
        annotator: what determined its labels.
        counts: what became of its sentences; see `maskdpo_xtuner.evaluation.human.matching`.
        topics: how many were resampled.
        table: sentences by label, a row a human label and a column one of the judge, in the order
            of `Label`.
        classes: by label, and `HALLUCINATION` for both kinds together.
        accuracy: share of the sentences with the same class, hallucinated or not.
        kappa: Cohen's, of the classes hallucinated and not.
        kappa_labels: Cohen's, of the four labels.
        auroc: of the judge's scores for hallucinated or not; a half is chance.
        scored: sentences that have a score; AUROC is over these.
    """

    judge: str
    annotator: dict[str, str]
    counts: dict[str, int]
    topics: int
    table: tuple[tuple[int, ...], ...]
    classes: dict[str, Classification]
    accuracy: Estimate
    kappa: Estimate
    kappa_labels: Estimate
    auroc: Estimate
    scored: int

    @property
    def unjudged(self) -> float:
        """Share of the sentences that the judge was to judge and gave no verdict; 1 of none."""
        asked = sum(self.counts.get(end, 0) for end in OUTCOMES if end != NOT_TO_JUDGE)
        return self.counts.get(NOT_JUDGED, 0) / asked if asked else 1.0

    @property
    def is_doubtful(self) -> bool:
        """Whether too few were judged for the numbers to be trusted."""
        return self.unjudged >= MOST_WITHOUT_VERDICT


class Report(Record):
    """All judges, and the human labels that belong to no sentence, by reason."""

    left_out: dict[str, int]
    judges: tuple[HumanAgreement, ...]


def human_agreement(
    judge: str, annotator: Mapping[str, str], matched: Matched, bootstrap: Bootstrap
) -> HumanAgreement:
    """Measure one judge.

    Raises:
        ValueError: when no sentence has both labels.
    """
    cases = matched.cases
    if not cases:
        raise ValueError(
            f'{judge}: no sentence has a verdict and a human label ({describe(matched.counts)})'
        )
    tables = _tables_by_topic(cases)
    scored = [case for case in cases if case.score is not None]

    def of_tables(statistic: Statistic) -> Estimate:
        return _of_tables(statistic, tables, bootstrap)

    return HumanAgreement(
        judge=judge,
        annotator=dict(annotator),
        counts=dict(matched.counts),
        topics=len(tables),
        table=tuple(tuple(map(int, row)) for row in tables.sum(axis=0)),
        classes={
            **{label.value: _classification((label,), tables, of_tables) for label in LABELS},
            HALLUCINATION: _classification(_hallucinated(), tables, of_tables),
        },
        accuracy=of_tables(lambda t: _two_by_two(t).trace(axis1=1, axis2=2) / t.sum(axis=(1, 2))),
        kappa=of_tables(lambda t: cohens_kappa(_two_by_two(t))),
        kappa_labels=of_tables(cohens_kappa),
        auroc=auroc(scored, bootstrap),
        scored=len(scored),
    )


def describe(counts: Mapping[str, int]) -> str:
    """Say what became of sentences and responses, in one line."""
    return ', '.join(f'{reason}: {count}' for reason, count in counts.items() if count) or 'none'


def _hallucinated() -> tuple[Label, ...]:
    return tuple(label for label in LABELS if label.is_hallucination)


def _tables_by_topic(cases: Sequence[Case]) -> Tables:
    topics = {topic: row for row, topic in enumerate(sorted({case.topic for case in cases}))}
    place = {label: index for index, label in enumerate(LABELS)}
    tables = np.zeros((len(topics), len(LABELS), len(LABELS)))
    for case in cases:
        tables[topics[case.topic], place[case.human], place[case.judge]] += 1
    return tables


def _two_by_two(tables: Tables) -> Tables:
    """Tables of hallucinated and not."""
    bad = np.array([label.is_hallucination for label in LABELS])
    groups = np.stack([bad, ~bad]).astype(float)
    grouped: Tables = np.einsum('al,tlm,bm->tab', groups, tables, groups)
    return grouped


def _classification(
    positive: Sequence[Label],
    tables: Tables,
    of_tables: Callable[[Statistic], Estimate],
) -> Classification:
    every, own = range(len(LABELS)), [LABELS.index(label) for label in positive]
    human, judge = (int(_sums(tables, *place).sum()) for place in ((own, every), (every, own)))
    none = Estimate(None, None)
    if not human:
        return Classification(human=0, judge=judge, precision=none, recall=none, f1=none)
    return Classification(
        human=human,
        judge=judge,
        precision=of_tables(lambda t: _ratio(_sums(t, own, own), _sums(t, every, own))),
        recall=of_tables(lambda t: _ratio(_sums(t, own, own), _sums(t, own, every))),
        f1=of_tables(
            lambda t: _ratio(2 * _sums(t, own, own), _sums(t, own, every) + _sums(t, every, own))
        ),
    )


def _sums(tables: Tables, rows: Sequence[int], columns: Sequence[int]) -> NDArray[np.float64]:
    """Give the sum over some rows and columns of each table: (tables,)."""
    sums: NDArray[np.float64] = tables[:, list(rows)][:, :, list(columns)].sum(axis=(1, 2))
    return sums


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """NaN where there is nothing to divide by."""
    ratio: NDArray[np.float64] = np.where(whole > 0, part / np.where(whole > 0, whole, 1), np.nan)
    return ratio


def _of_tables(statistic: Statistic, tables: Tables, bootstrap: Bootstrap) -> Estimate:
    """Compute a statistic of all topics together, and its interval from resampled ones."""
    topics = len(tables)

    def of_samples(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        flat = weights @ tables.reshape(topics, -1)
        return statistic(flat.reshape(-1, *tables.shape[1:]))

    return estimate(of_samples, topics, bootstrap)


def auroc(cases: Sequence[Case], bootstrap: Bootstrap) -> Estimate:
    """Say how often a hallucinated sentence has a higher score than another one; a tie is a half.

    Args:
        cases: with scores.
        bootstrap: of the interval.

    Returns:
        None where one of the classes is empty.
    """
    wins, positives, negatives = _pairs_of_topics(cases)

    def of_samples(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return _ratio(
            ((weights @ wins) * weights).sum(axis=1), (weights @ positives) * (weights @ negatives)
        )

    return estimate(of_samples, len(positives), bootstrap)


def _pairs_of_topics(
    cases: Sequence[Case],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Wins of a topic's positives (row) over the negatives of another, and the counts of both."""
    topics = sorted({case.topic for case in cases})
    scores: dict[bool, list[NDArray[np.float64]]] = {True: [], False: []}
    for topic in topics:
        for bad, of_topics in scores.items():
            own = [c.score for c in cases if c.topic == topic and c.human.is_hallucination == bad]
            of_topics.append(np.sort(np.array(own, dtype=float)))
    wins = np.array(
        [[_wins(positive, negative) for negative in scores[False]] for positive in scores[True]]
    ).reshape(len(topics), len(topics))
    positives, negatives = (np.array([float(len(x)) for x in scores[bad]]) for bad in (True, False))
    return wins, positives, negatives


def _wins(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Pairs in which the positive is higher, a tie for half; ``negative`` is sorted."""
    lower = np.searchsorted(negative, positive, side='left')
    not_higher = np.searchsorted(negative, positive, side='right')
    return float((lower + not_higher).sum() / 2)
