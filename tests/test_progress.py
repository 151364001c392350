"""What the progress bars show."""

from __future__ import annotations

import pytest

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
