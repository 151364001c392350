"""Ratios of two sums over a set of answers, with their spread, and how those of two models differ.

Every number of an evaluation is such a ratio: a score, sentences per answer, a share, a mean, and
a perplexity as the exponential of one. Numerators and denominators are summed by cluster, so all
of them get their interval, and their difference to another model's, from the same resamples.

There are two spreads, and neither says what the other does. The interval is that between topics:
what another set of questions would have given to the same weights. The standard deviation is that
between trainings: what another seed of the training would have given on the same questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import stdev
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from maskdpo_xtuner.evaluation.intervals import Bootstrap, Interval, expanded_percentiles

Direction = Literal['higher', 'lower', 'within noise', 'unknown']


class Part(NamedTuple):
    """What one answer, or one question in all runs (run 0), adds to a ratio."""

    question_id: str
    run: int
    numerator: float
    denominator: float


@dataclass(frozen=True)
class Form:
    """How a ratio is read.

    Attributes:
        scale: factor of the value; 100 gives percent.
        by_run: whether the value is the mean of the runs' ratios, as the paper's score is; else
            the runs are pooled, which is steadier where a run holds little.
        exponential: whether the value is the exponential of the ratio (of nll per token).
    """

    scale: float = 1.0
    by_run: bool = False
    exponential: bool = False


@dataclass(frozen=True)
class Tally:
    """The two sums of one model, by cluster and by run (one column where runs are pooled).

    Attributes:
        clusters: names of the clusters, sorted.
        numerator: (clusters, columns), a column a run, or a training.
        denominator: (clusters, columns).
        form: how the ratio is read.
        ends: where the columns of each training end, where there are several.
    """

    clusters: tuple[str, ...]
    numerator: NDArray[np.float64]
    denominator: NDArray[np.float64]
    form: Form = Form()
    ends: tuple[int, ...] = ()

    def values(self, weights: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give the ratio of each row of ``weights`` (rows, clusters), averaged over runs: (rows,).

        A run of a row whose denominator is 0 has no ratio and is left out of the mean; a row
        without any is NaN.
        """
        numerator, denominator = weights @ self.numerator, weights @ self.denominator
        there = denominator > 0
        ratio = numerator / np.where(there, denominator, 1)
        if self.form.exponential:
            ratio = np.exp(ratio)
        runs = there.sum(axis=1)
        total = np.where(there, ratio, 0.0).sum(axis=1)
        mean: NDArray[np.float64] = self.form.scale * total / np.where(runs > 0, runs, np.nan)
        return mean

    def value(self) -> float | None:
        """Give the ratio over the whole set; None where the denominator is 0."""
        value = float(self.values(np.ones((1, len(self.clusters)), dtype=np.int64))[0])
        return None if np.isnan(value) else value

    def by_training(self) -> tuple[float | None, ...]:
        """Give the value of each training by itself."""
        spans = pairwise((0, *(self.ends or (self.numerator.shape[1],))))
        return tuple(self._columns(start, end).value() for start, end in spans)

    def _columns(self, start: int, end: int) -> Tally:
        return Tally(
            self.clusters, self.numerator[:, start:end], self.denominator[:, start:end], self.form
        )

    def interval(self, bootstrap: Bootstrap) -> Interval | None:
        """Interval of the value; None for fewer than two clusters, or without a value."""
        if len(self.clusters) < 2:
            return None
        values = self.values(bootstrap.weights(len(self.clusters)))
        return expanded_percentiles(values, len(self.clusters), bootstrap.level)


@dataclass(frozen=True)
class Difference:
    """Value of one model minus that of another on the same questions, in the value's unit.

    ``direction`` is ``within noise`` when the interval contains 0, and ``unknown`` when there is
    no interval: a single cluster, or no value.
    """

    points: float | None
    interval: Interval | None
    direction: Direction


def tally(parts: Iterable[Part], cluster_of: Mapping[str, str], form: Form = Form()) -> Tally:
    """Sum the parts of one model by cluster and run.

    Args:
        parts: those of all questions.
        cluster_of: question id -> cluster (the topic, or the question itself); all clusters get a
            row, so that models of which one has no parts somewhere can still be compared.
        form: how the ratio is read.

    Raises:
        ValueError: for a part of a question that ``cluster_of`` does not have.
    """
    parts = list(parts)
    unknown = {part.question_id for part in parts} - cluster_of.keys()
    if unknown:
        raise ValueError(f'there is an answer to {min(unknown)}, which is not among the questions')
    clusters = tuple(sorted(set(cluster_of.values())))
    row = {name: index for index, name in enumerate(clusters)}
    runs = sorted({part.run for part in parts}) if form.by_run else []
    column = {run: index for index, run in enumerate(runs)}
    sums = np.zeros((2, len(row), max(len(column), 1)))
    for part in parts:
        place = row[cluster_of[part.question_id]], column.get(part.run, 0)
        sums[0][place] += part.numerator
        sums[1][place] += part.denominator
    return Tally(clusters, sums[0], sums[1], form)


def joined(trainings: Sequence[Tally]) -> Tally:
    """Join the tallies of several trainings of a model: the value is the mean of theirs.

    Args:
        trainings: of the same questions and form, each in as many runs.
    """
    if len(trainings) == 1:
        return trainings[0]
    ends = np.cumsum([each.numerator.shape[1] for each in trainings])
    return Tally(
        trainings[0].clusters,
        np.concatenate([each.numerator for each in trainings], axis=1),
        np.concatenate([each.denominator for each in trainings], axis=1),
        trainings[0].form,
        tuple(map(int, ends)),
    )


@dataclass(frozen=True)
class Measure:
    """A metric of one model.

    Attributes:
        value: None where there is nothing to divide by; of several trainings their mean.
        interval: over topics.
        difference: to the first model; None for the first model itself.
        trainings: the value of each training; empty for a model that was trained once.
        std: standard deviation between trainings (of a sample, n - 1); None for fewer than two.
    """

    value: float | None
    interval: Interval | None
    difference: Difference | None
    trainings: tuple[float | None, ...] = ()
    std: float | None = None


def measure(model: Tally, baseline: Tally | None, bootstrap: Bootstrap) -> Measure:
    """Measure the value with its interval, and how it differs from a baseline's if there is one."""
    compared = None if baseline is None else difference(model, baseline, bootstrap)
    each = model.by_training() if model.ends else ()
    known = [value for value in each if value is not None]
    std = stdev(known) if len(known) > 1 else None
    return Measure(model.value(), model.interval(bootstrap), compared, each, std)


def difference(model: Tally, baseline: Tally, bootstrap: Bootstrap) -> Difference:
    """Compare two models cluster by cluster: both are counted on the same resampled clusters.

    Raises:
        ValueError: when the two have not answered questions of the same clusters.
    """
    if model.clusters != baseline.clusters:
        odd = sorted(set(model.clusters) ^ set(baseline.clusters))
        raise ValueError(f'only one of the two models has answers for {", ".join(odd[:5])}')
    mine, theirs = model.value(), baseline.value()
    if mine is None or theirs is None:
        return Difference(None, None, 'unknown')
    interval = None
    if len(model.clusters) > 1:
        weights = bootstrap.weights(len(model.clusters))
        differences = model.values(weights) - baseline.values(weights)
        interval = expanded_percentiles(differences, len(model.clusters), bootstrap.level)
    return Difference(mine - theirs, interval, _direction(interval))


def _direction(interval: Interval | None) -> Direction:
    if interval is None:
        return 'unknown'
    if interval.low > 0:
        return 'higher'
    return 'lower' if interval.high < 0 else 'within noise'
