"""Geometry of the small plots: where things stand in an SVG, in pixels. Templates draw them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from maskdpo_xtuner.evaluation.intervals import Interval

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """A linear axis from ``low`` to ``high`` over ``length`` pixels after ``margin`` pixels."""

    low: float
    high: float
    length: float
    margin: float

    def place(self, value: float) -> float:
        """Give the distance from the start of the drawing to ``value``."""
        return round(self.margin + self.length * (value - self.low) / (self.high - self.low), 2)

    def ticks(self, about: int = 5, smallest_step: float = 0.0) -> list[tuple[float, str]]:
        """List round values on the axis, each with its place and its text."""
        step = max(_round_step((self.high - self.low) / about), smallest_step)
        decimals = max(0, -math.floor(math.log10(step)))
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [
            (self.place(step * index), f'{step * index:.{decimals}f}')
            for index in range(first, last + 1)
        ]


def _round_step(width: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above ``width``."""
    power = 10.0 ** math.floor(math.log10(width))
    return power * max(factor for factor in (1, 2, 5) if factor * power <= width * (1 + 1e-9))


def _axis(values: Sequence[float], length: float, margin: float) -> Axis:
    """An axis a little wider than the values, and never empty."""
    low, high = min(values), max(values)
    pad = 0.06 * (high - low) or 1.0
    return Axis(low - pad, high + pad, length, margin)


@dataclass(frozen=True)
class IntervalRow:
    """A value with its interval and where they stand; ``y`` is the middle of the row."""

    label: str
    text: str
    y: float
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class IntervalPlot:
    """Values with whiskers, a row each. ``zero`` is the place of 0 if it is marked."""

    width: float
    height: float
    ticks: list[tuple[float, str]]
    rows: list[IntervalRow]
    zero: float | None


def interval_plot(
    rows: Sequence[tuple[str, str, float, Interval | None]], mark_zero: bool = False
) -> IntervalPlot:
    """Place ``(label, text, value, interval)`` rows on one horizontal axis.

    Args:
        rows: at least one; ``text`` is written at the right end.
        mark_zero: let the axis contain 0 and mark it, for differences.
    """
    ends = [end for *_, interval in rows if interval for end in (interval.low, interval.high)]
    values = [value for _, _, value, _ in rows] + ends + [0.0] * mark_zero
    axis = _axis(values, length=290, margin=100)
    placed = [
        IntervalRow(
            label=label,
            text=text,
            y=24.0 + 32 * index,
            value=axis.place(value),
            low=None if interval is None else axis.place(interval.low),
            high=None if interval is None else axis.place(interval.high),
        )
        for index, (label, text, value, interval) in enumerate(rows)
    ]
    zero = axis.place(0) if mark_zero else None
    return IntervalPlot(540, 32 * len(rows) + 40, axis.ticks(), placed, zero)


@dataclass(frozen=True)
class LinePlot:
    """A curve: polylines between values that are not finite, ticks, and the value at its end."""

    title: str
    width: float
    height: float
    pieces: list[list[Point]]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    last: str

    @property
    def points(self) -> list[Point]:
        """The points of all pieces."""
        return [point for piece in self.pieces for point in piece]


def line_plot(title: str, points: Sequence[Point]) -> LinePlot:
    """Place ``(step, value)`` points, of which there is at least one.

    A value that is not finite is a gap, and a last one is named in the text of the end.
    """
    width, height = 420.0, 190.0
    x_axis = _axis([x for x, _ in points], length=width - 60, margin=50)
    finite = [y for _, y in points if math.isfinite(y)]
    # SVG counts from the top: a negative length turns the axis over.
    y_axis = _axis(finite or [0.0], length=-(height - 40), margin=height - 25)
    runs = groupby(points, key=lambda point: math.isfinite(point[1]))
    return LinePlot(
        title=title,
        width=width,
        height=height,
        pieces=[
            [(x_axis.place(x), y_axis.place(y)) for x, y in run]
            for is_finite, run in runs
            if is_finite
        ],
        x_ticks=x_axis.ticks(smallest_step=1),
        y_ticks=y_axis.ticks(4),
        last=f'{points[-1][1]:.3g}',
    )


MARKERS = (
    *('M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0', 'M-4 -4h8v8h-8z', 'M0 -5.5L5 4.5h-10z'),
    *('M0 -6L6 0L0 6L-6 0z', 'M0 5.5L5 -4.5h-10z'),
)
"""Shapes around the point (0, 0), as paths: curves are told apart without colours."""


@dataclass(frozen=True)
class MarkedCurve:
    """One of several curves: ``color`` counts from 0, ``marker`` is a path around each point."""

    label: str
    points: list[Point]
    color: int
    marker: str
    is_dashed: bool


@dataclass(frozen=True)
class CurvesPlot:
    """Several curves on one pair of axes; the key to them stands below."""

    width: float
    height: float
    curves: list[MarkedCurve]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]


def curves_plot(curves: Sequence[tuple[str, Sequence[Point], int, bool]]) -> CurvesPlot:
    """Place ``(label, (x, y) points, number, is_dashed)`` curves over the logarithm of x.

    Curves of one number share colour and marker. Every x is a tick.
    """
    width, height = 640.0, 280.0
    counts = sorted({x for _, points, *_ in curves for x, _ in points})
    x_axis = _axis([math.log2(x) for x in counts], length=width - 70, margin=50)
    values = [y for _, points, *_ in curves for _, y in points]
    y_axis = _axis(values, length=-(height - 40), margin=height - 25)
    placed = [
        MarkedCurve(
            label=label,
            points=[(x_axis.place(math.log2(x)), y_axis.place(y)) for x, y in points],
            color=number % len(MARKERS),
            marker=MARKERS[number % len(MARKERS)],
            is_dashed=is_dashed,
        )
        for label, points, number, is_dashed in curves
    ]
    x_ticks = [(x_axis.place(math.log2(x)), f'{x:g}') for x in counts]
    return CurvesPlot(width, height, placed, x_ticks, y_axis.ticks())
