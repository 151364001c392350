import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdpo_xtuner.evaluation.intervals import Interval
from maskdpo_xtuner.reports.plots import Axis, curves_plot, interval_plot, line_plot


def test_an_axis_places_its_ends_and_middle() -> None:
    axis = Axis(10, 20, length=100, margin=5)
    assert [axis.place(value) for value in (10, 15, 20)] == [5, 55, 105]


def test_ticks_are_round_values_with_as_many_decimals_as_they_need() -> None:
    assert [text for _, text in Axis(71, 79, 100, 0).ticks(5)] == [
        *('71', '72', '73', '74', '75', '76', '77', '78', '79')
    ]
    assert [text for _, text in Axis(0.61, 0.7, 100, 0).ticks(3)] == [
        '0.62',
        '0.64',
        '0.66',
        '0.68',
        '0.70',
    ]
    assert [text for _, text in Axis(-120, 380, 100, 0).ticks(5)] == [
        '-100',
        '0',
        '100',
        '200',
        '300',
    ]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_lie_on_the_axis_and_are_at_least_two(low: float, width: float) -> None:
    ticks = Axis(low, low + width, 100, 10).ticks()
    assert 2 <= len(ticks) <= 14
    assert all(9.9 <= place <= 110.1 for place, _ in ticks)


def test_a_row_stands_between_the_ends_of_its_interval() -> None:
    plot = interval_plot([('a', '', 50, Interval(40, 70)), ('b', '', 60, None)])
    first, second = plot.rows
    assert first.low is not None
    assert first.high is not None
    assert first.low < first.value < second.value < first.high
    assert first.value - first.low == pytest.approx((first.high - first.low) / 3, abs=0.02)
    assert (second.low, second.high) == (None, None)
    assert first.y < second.y < plot.height
    assert plot.zero is None


def test_a_plot_of_differences_contains_zero() -> None:
    plot = interval_plot([('a', '', 5, Interval(4, 6))], mark_zero=True)
    assert plot.zero is not None
    assert plot.rows[0].low is not None
    assert 0 < plot.zero < plot.rows[0].low


def test_one_value_alone_can_be_drawn() -> None:
    assert 0 < interval_plot([('a', '', 50, None)]).rows[0].value < 540
    assert len(line_plot('loss', [(1, 0.69)]).points) == 1


def test_a_curve_runs_to_the_right_and_larger_values_stand_higher() -> None:
    plot = line_plot('loss', [(1, 0.7), (2, 0.5), (3, 0.6)])
    (x1, y1), (x2, y2), (x3, y3) = plot.points
    assert x1 < x2 < x3 <= plot.width
    assert 0 <= y1 < y3 < y2 <= plot.height
    assert plot.last == '0.6'
    assert [text for _, text in plot.x_ticks] == ['1', '2', '3']


@pytest.mark.parametrize('odd', [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_a_gap(odd: float) -> None:
    plot = line_plot('loss', [(1, odd), (2, 0.5), (3, odd), (4, odd), (5, 0.7), (6, 0.6)])
    assert [len(piece) for piece in plot.pieces] == [1, 2]
    assert all(math.isfinite(place) for point in plot.points for place in point)
    assert [text for _, text in plot.y_ticks] == ['0.50', '0.55', '0.60', '0.65', '0.70']
    assert plot.last == '0.6'


def test_a_curve_without_any_finite_value_has_axes_and_its_end_in_words() -> None:
    plot = line_plot('loss', [(1, math.nan), (2, math.nan)])
    assert (plot.points, plot.last) == ([], 'nan')
    assert plot.x_ticks
    assert plot.y_ticks


def test_curves_share_their_axes_on_which_a_doubling_is_one_step() -> None:
    low, high = [(1, 20.0), (2, 30.0), (4, 40.0)], [(2, 80.0), (4, 90.0)]
    plot = curves_plot([('a', low, 0, False), ('b', high, 1, True)])
    (x1, _), (x2, y2), (x3, y3) = plot.curves[0].points
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.02)
    assert [x for x, _ in plot.curves[1].points] == [x2, x3]
    assert plot.curves[1].points[0][1] < y3 < y2
    assert [text for _, text in plot.x_ticks] == ['1', '2', '4']
    assert plot.curves[0].marker != plot.curves[1].marker
