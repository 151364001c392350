"""Counts of requests, and the lines that show them."""

from __future__ import annotations

import dataclasses

import pytest

from maskdpo_xtuner.completions import Accounting, Tokens
from maskdpo_xtuner.completions.accounting import MOST_REASONS, OTHER_REASONS, Source
from maskdpo_xtuner.engines.base import Completion, Failure, Origin

ANSWER = Completion('gold', 'stop', 7, 2)


def test_tokens_are_counted_by_where_they_came_from() -> None:
    counts = Accounting(expected=4)
    for source in (Source.STORE, Source.STORE, Source.ENGINE, Source.EQUAL_REQUEST):
        counts.count(ANSWER, source)
    assert (counts.stored, counts.answered, counts.coalesced, counts.done) == (2, 1, 1, 4)
    assert counts.stored_tokens == Tokens(prompt=14, completion=4)
    assert counts.answered_tokens == Tokens(prompt=7, completion=2)
    assert counts.stored_share == 0.5


BUSY = Failure('busy', transient=True)


def test_a_failure_is_a_failure_wherever_it_came_from() -> None:
    counts = Accounting(expected=3)
    counts.count(BUSY, Source.ENGINE)
    counts.count(BUSY, Source.EQUAL_REQUEST)
    assert (counts.done, counts.failed, counts.pending) == (0, 2, 1)


def test_what_will_never_be_answered_is_an_outcome_of_its_own() -> None:
    counts = Accounting(expected=3)
    counts.count(BUSY, Source.ENGINE)
    counts.count(Failure('too long'), Source.ENGINE)
    assert (counts.done, counts.failed, counts.refused, counts.pending) == (0, 1, 1, 1)
    line = counts.describe()
    assert line.startswith(
        '3 requests: 0 done, 1 failed, 1 without an answer for good, 1 pending; '
    )
    assert line.endswith(' (busy: 1; too long: 1)')


def test_what_is_to_be_known_of_answers_is_said_with_how_many_they_are() -> None:
    here = Origin('here', 'root /models/b')
    counts = Accounting(expected=6, origin=here, damaged=2)
    origins = [None, here, Origin('here', ''), Origin('there', ''), Origin('x', 'root /models/a')]
    for origin in origins:
        counts.count(dataclasses.replace(ANSWER, origin=origin), Source.STORE)
    counts.count(dataclasses.replace(ANSWER, note='odd'), Source.ENGINE)
    said = counts.describe().partition(' (')[2].removesuffix(')')
    assert set(said.split('; ')) == {
        'damaged in the store and asked again: 2',
        'odd: 1',
        'stored by another run (there): 1',
        'stored when the server said it serves root /models/a, which is now root /models/b '
        '(set policy.revision to tell them apart): 1',
    }


def test_tokens_that_nobody_counted_are_not_counted() -> None:
    counts = Accounting()
    counts.count(Completion('gold', 'stop', None, None), Source.ENGINE)
    assert counts.answered_tokens == Tokens(0, 0)
    assert counts.answered == 1


def test_reasons_beyond_a_number_are_counted_together() -> None:
    counts = Accounting()
    for n in range(MOST_REASONS + 50):
        counts.count(Failure(f'request {n} of the server', transient=True), Source.ENGINE)
    assert len(counts.failures) == MOST_REASONS + 1
    assert counts.failures[OTHER_REASONS] == 50
    assert counts.failed == MOST_REASONS + 50
    assert counts.describe().endswith('96 more reasons)')


def test_the_line_for_a_progress_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Accounting()
    for source in (Source.STORE, Source.STORE, Source.STORE):
        counts.count(ANSWER, source)
    assert counts.postfix(groups_left=10) == (
        '0.0 requests/s, 0 tokens/s, 100% stored, 0 failed'  # no rate, so no time left
    )
    times = iter([0.0, *[2.0] * 100])
    monkeypatch.setattr(counts.rates, '_clock', lambda: next(times))
    with counts.rates.working():
        counts.count(ANSWER, Source.ENGINE)
        counts.count(BUSY, Source.ENGINE)
        counts.rates.count_group()
        assert counts.seconds_left(3600) == 7200
        assert counts.postfix(groups_left=3600) == (
            '0.5 requests/s, 1 tokens/s, 75% stored, 1 failed, 2:00:00 left'
        )
