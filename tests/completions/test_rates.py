"""How fast an engine works by a clock that the test moves."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.completions.rates import WINDOW, EngineRates


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rates(clock: Clock) -> EngineRates:
    return EngineRates(clock)


def work(rates: EngineRates, clock: Clock, seconds: int, each: float) -> None:
    """One answer of ten tokens and one group after ``each`` seconds of work."""
    for _ in range(seconds):
        with rates.working():
            clock.now += each
            rates.count_answer(10)
            rates.count_group()


def test_nothing_done_has_no_rate(rates: EngineRates, clock: Clock) -> None:
    assert (rates.answers, rates.tokens, rates.groups) == (0, 0, 0)
    with rates.working():
        clock.now += 5
        assert rates.answers == 0


def test_rates_are_counts_by_seconds_of_work(rates: EngineRates, clock: Clock) -> None:
    work(rates, clock, 20, each=0.5)
    assert (rates.answers, rates.tokens, rates.groups) == (2, 20, 2)


def test_time_in_which_the_engine_has_nothing_to_do_does_not_count(
    rates: EngineRates, clock: Clock
) -> None:
    work(rates, clock, 10, each=0.5)
    clock.now += 1000
    work(rates, clock, 10, each=0.5)
    assert rates.answers == 2


def test_groups_that_end_while_the_engine_rests_do_not_count(
    rates: EngineRates, clock: Clock
) -> None:
    for _ in range(1000):  # All of it from the store, after a restart.
        rates.count_group()
    work(rates, clock, 10, each=0.5)
    assert rates.groups == 2


def test_calls_that_overlap_count_their_time_once(rates: EngineRates, clock: Clock) -> None:
    with rates.working():
        clock.now += 1
        with rates.working():
            clock.now += 1
            rates.count_answer(10)
        clock.now += 2
        rates.count_answer(10)
    assert rates.answers == 2 / 4


def test_old_rates_are_forgotten_and_memory_does_not_grow(rates: EngineRates, clock: Clock) -> None:
    work(rates, clock, 2000, each=0.25)
    work(rates, clock, 100, each=2.0)
    assert rates.answers == pytest.approx(0.5)
    assert len(rates._marks) <= WINDOW + 2


def test_an_engine_that_hangs_gets_slower(rates: EngineRates, clock: Clock) -> None:
    work(rates, clock, 10, each=1.0)
    with rates.working():
        clock.now += 30
        assert rates.answers == pytest.approx(10 / 40)
