"""Engines that die, and requests that fail for good."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import pytest

from maskdpo_xtuner.completions import (
    CompletionStore,
    EngineDown,
    Retry,
    Scheduler,
)
from maskdpo_xtuner.completions.scheduler import LEAST_PATIENCE
from maskdpo_xtuner.engines.base import EngineRefusal, Failure, Request
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from tests.completions.dialogues import Dialogue, Said, asked, flat, talk

DEAD = Failure('HTTP 503: no engine', transient=True)
TOO_LONG = Failure('HTTP 400: too long')


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CompletionStore]:
    with CompletionStore(tmp_path / 'completions.sqlite') as store:
        yield store


def dying_engine(after: int, concurrency: int = 1, batch_size: int = 1) -> ScriptedEngine:
    """Answers so many requests and then no more."""

    def script(request: Request) -> str | Failure:
        return asked(request) if len(flat(engine)) <= after else DEAD

    engine = ScriptedEngine(script, concurrency=concurrency, batch_size=batch_size)
    return engine


def schedule(
    engine: ScriptedEngine, store: CompletionStore, patience: int | None = None
) -> Scheduler[Said]:
    return Scheduler(engine, store, Retry(times=2, delay=0), patience=patience)


def endless() -> Iterator[list[Dialogue]]:
    for n in count():
        yield [talk(f'{n}')]


def test_a_dead_engine_ends_the_run_and_what_was_answered_is_kept(store: CompletionStore) -> None:
    engine = dying_engine(after=10)
    scheduler = schedule(engine, store, patience=4)
    with pytest.raises(EngineDown, match='4 requests in a row .* "HTTP 503: no engine"') as caught:
        list(scheduler.run(endless()))
    assert len(store) == 10
    assert 4 * 3 <= len(flat(engine)) - 10 <= 5 * 3  # three attempts each, and one on its way
    assert caught.value.reason == DEAD.reason
    assert caught.value.accounting is scheduler.accounting
    assert '10 done' in str(caught.value)
    assert '\n' not in str(caught.value)


def test_requests_on_their_way_to_a_dead_engine_stay_pending(store: CompletionStore) -> None:
    engine = dying_engine(after=0, concurrency=8)
    scheduler: Scheduler[Said] = Scheduler(engine, store, Retry(times=0), patience=3)
    with pytest.raises(EngineDown):
        list(scheduler.run(endless()))
    counts = scheduler.accounting
    assert counts.failed <= 2
    assert counts.pending == counts.expected - counts.failed >= 8


@pytest.mark.parametrize(('concurrency', 'batch_size'), [(1, 1), (16, 1), (1, 32)])
def test_patience_grows_with_what_an_engine_works_on_at_once(
    store: CompletionStore, concurrency: int, batch_size: int
) -> None:
    engine = dying_engine(0, concurrency, batch_size)
    limit = max(LEAST_PATIENCE, 2 * concurrency * batch_size)
    with pytest.raises(EngineDown, match=f'down: {limit} requests in a row'):
        list(schedule(engine, store).run(endless()))


@pytest.mark.parametrize('between', ['an answer', TOO_LONG])
def test_an_engine_that_answers_in_between_is_not_down(
    store: CompletionStore, between: str | Failure
) -> None:
    engine = ScriptedEngine(lambda request: between if int(asked(request)) % 4 == 3 else DEAD)
    scheduler = schedule(engine, store, patience=4)
    list(islice(scheduler.run(endless()), 40))
    assert scheduler.accounting.failures[DEAD.reason] >= 30


def test_requests_that_are_refused_do_not_mean_that_the_engine_is_down(
    store: CompletionStore,
) -> None:
    engine = ScriptedEngine(lambda request: TOO_LONG)
    results = list(schedule(engine, store, patience=4).run(islice(endless(), 50)))
    assert results == [[[f'[{TOO_LONG.reason}]']]] * 50
    assert len(flat(engine)) == 50


def test_a_run_goes_on_where_the_engine_died(store: CompletionStore) -> None:
    with pytest.raises(EngineDown):
        list(schedule(dying_engine(after=10), store, patience=4).run(endless()))
    mended = dying_engine(after=100)
    scheduler = schedule(mended, store)
    assert list(scheduler.run(islice(endless(), 12))) == [[[f'{n}']] for n in range(12)]
    assert flat(mended) == ['10', '11']


def test_failed_requests_are_counted_in_every_dialogue_that_misses_them(
    store: CompletionStore,
) -> None:
    answers: dict[str, str | Failure] = {'long': TOO_LONG, 'busy': DEAD}
    engine = ScriptedEngine(lambda request: answers.get(asked(request), 'fine'), concurrency=2)
    scheduler: Scheduler[Said] = Scheduler(engine, store, Retry(times=3, delay=0))
    list(scheduler.run([[talk('a', 'long'), talk('a', 'long')], [talk('busy'), talk('b')]]))
    assert scheduler.accounting.failures == {DEAD.reason: 1}
    assert scheduler.accounting.no_answer == {TOO_LONG.reason: 2}
    assert flat(engine).count('long') == 1
    assert flat(engine).count('busy') == 4


def test_an_engine_that_refuses_everything_ends_the_run_at_once(store: CompletionStore) -> None:
    def script(request: Request) -> str:
        if len(flat(engine)) > 10:
            raise EngineRefusal('HTTP 401: a key, please')
        return asked(request)

    engine = ScriptedEngine(script)
    scheduler = schedule(engine, store)
    with pytest.raises(EngineRefusal, match='HTTP 401'):
        list(scheduler.run(endless()))
    assert len(store) == scheduler.accounting.done == 10
    assert len(flat(engine)) <= 12
