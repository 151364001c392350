"""The plots of an evaluation: each model's metrics, their differences, the best of N."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from maskdpo_xtuner.evaluation.intervals import Interval
from maskdpo_xtuner.evaluation.ratios import Measure
from maskdpo_xtuner.evaluation.results import JudgeResult, ModelResult
from maskdpo_xtuner.evaluation.verdict import format_interval
from maskdpo_xtuner.reports.plots import CurvesPlot, IntervalPlot, curves_plot, interval_plot

# What decides first; the paper's score is the last of them.
PLOTTED = (
    ('precision', 'Precision, %', 1),
    ('supported_per_answer', 'Supported {unit} per answer', 2),
    ('f1_at_k', 'F1@{k}, %', 1),
    ('score', "The paper's score, %", 1),
)


class Measured(Protocol):
    """A model with its metrics by name."""

    @property
    def name(self) -> str: ...
    @property
    def measures(self) -> Mapping[str, Measure]: ...


@dataclass(frozen=True)
class Comparison:
    """One metric of all models, and how the models differ from the first in it."""

    title: str
    values: IntervalPlot | None
    differences: IntervalPlot | None


def comparisons(result: JudgeResult, k: int) -> list[Comparison]:
    """A comparison for each of the metrics that decide, and the paper's score beside them."""
    return comparisons_of(result.models, result.unit, k)


def comparisons_of(models: Sequence[Measured], unit: str, k: int) -> list[Comparison]:
    """The same of any models that one judge measured."""
    return [
        Comparison(
            title.format(unit=unit, k=k),
            _values(models, key, decimals),
            _differences(models, key, decimals),
        )
        for key, title, decimals in PLOTTED
    ]


def _values(models: Sequence[Measured], key: str, decimals: int) -> IntervalPlot | None:
    measured = [(model.name, model.measures[key]) for model in models]
    rows = [
        (name, f'{m.value:.{decimals}f} {format_interval(m.interval, decimals)}', m.value)
        + (m.interval,)
        for name, m in measured
        if m.value is not None
    ]
    return interval_plot(rows) if rows else None


def _differences(models: Sequence[Measured], key: str, decimals: int) -> IntervalPlot | None:
    rows: list[tuple[str, str, float, Interval | None]] = []
    for model in models:
        difference = model.measures[key].difference
        if difference is not None and difference.points is not None:
            interval = format_interval(difference.interval, decimals, signed=True)
            text = f'{difference.points:+.{decimals}f} {interval}'
            rows.append((model.name, text, difference.points, difference.interval))
    return interval_plot(rows, mark_zero=True) if rows else None


def best_of_plot(result: JudgeResult) -> CurvesPlot | None:
    """Draw precision and score over N for all models on one pair of axes, N doubling.

    None where no model has three points: two make no curve.
    """
    curves = [
        (f'{model.name}, {what}', points, number, what == 'score')
        for number, model in enumerate(result.models)
        for what in ('precision', 'score')
        if len(points := _best_of(model, what)) > 2
    ]
    return curves_plot(curves) if curves else None


def _best_of(model: ModelResult, what: str) -> list[tuple[float, float]]:
    values = [(point.count, getattr(point, what)) for point in model.best_of]
    return [(count, value) for count, value in values if value is not None]
