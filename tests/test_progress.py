"""What the progress bars show."""

from __future__ import annotations

import threading

import pytest

from maskdpo_xtuner import progress
from maskdpo_xtuner.progress import engine_bar


def test_the_bar_has_the_units_and_the_details_of_what_is_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[int] = []

    def details(left: int) -> str:
        asked.append(left)
        return f'{left} left'

    with engine_bar(3, 'sampling', 'questions', details) as advance:
        for _ in range(3):
            advance()
    last = capsys.readouterr().err.splitlines()[-1]
    assert 'sampling: 100%' in last
    assert '3/3 questions' in last
    assert last.endswith(', 0 left]')
    # Rate and time left are the engine's, not those of what the store gave at once.
    assert '/s' not in last
    assert asked == [2, 1, 0]


def test_a_quiet_bar_shows_nothing_and_asks_for_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def details(left: int) -> str:
        raise AssertionError(left)

    with engine_bar(1, 'sampling', 'questions', details, quiet=True) as advance:
        advance()
    assert capsys.readouterr() == ('', '')


def test_what_is_in_a_call_is_shown_between_two_units(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, '_TICK_IN_FILE', 0.01)
    looked = threading.Semaphore(0)
    said = iter(['3 of 8', '5 of 8'])

    def in_call() -> str:
        looked.release()
        return next(said, '')

    with engine_bar(2, 'sampling', 'questions', lambda left: 'fast', in_call=in_call) as advance:
        for _ in range(3):
            assert looked.acquire(timeout=60)
        advance()
    before, after = capsys.readouterr().err.split('1/2', 1)
    assert '0/2 questions' in before
    assert ', 3 of 8]' in before
    assert ', 5 of 8]' in before
    assert 'of 8' not in after
    assert 'fast' in after


def test_a_quiet_bar_has_no_thread() -> None:
    with engine_bar(1, 'sampling', 'questions', lambda left: '', quiet=True):
        before = threading.active_count()
    with engine_bar(1, 'sampling', 'questions', lambda left: ''):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
