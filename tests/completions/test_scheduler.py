"""Dialogues over an engine: order, batches, repetitions, failures, interruptions."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import random
import sys
import warnings
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from types import FrameType

import pytest

from maskdpo_xtuner.completions import CompletionStore, Retry, Scheduler, request_key
from maskdpo_xtuner.completions.scheduler import HELD
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from tests.completions.dialogues import (
    Dialogue,
    Said,
    ask_about,
    asked,
    batches,
    flat,
    run,
    talk,
)


def echo(request: Request) -> str:
    return asked(request).upper()


class UnsteadyEngine(ScriptedEngine):
    """Answers after a time of its own for each request, so that none comes in order."""

    def __init__(self, concurrency: int) -> None:
        super().__init__(echo, concurrency=concurrency)
        self.most_at_once = self._at_once = 0
        self._times = random.Random(0)

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(self._times.uniform(0, 0.01))
        self._at_once -= 1
        return await super().complete(requests)


def close(results: Iterator[object]) -> None:
    """Leave a run before its end."""
    assert isinstance(results, Generator)
    results.close()


def test_results_come_in_the_order_of_the_input(tmp_path: Path) -> None:
    engine = UnsteadyEngine(concurrency=5)
    groups = [[talk(f'a{n}'), talk(f'b{n}', f'c{n}')] for n in range(20)]
    results, _ = run(engine, tmp_path, [*groups, [], [talk('z')]])
    expected = [[[f'A{n}'], [f'B{n}', f'C{n}']] for n in range(20)]
    assert results == [*expected, [], [['Z']]]
    assert flat(engine) != sorted(flat(engine))


def test_as_many_calls_are_in_flight_as_the_engine_takes_and_no_more(tmp_path: Path) -> None:
    engine = UnsteadyEngine(concurrency=5)
    run(engine, tmp_path, [[talk(f'{n}')] for n in range(30)])
    assert engine.most_at_once == 5


def test_a_dialogue_is_sent_each_outcome_before_it_asks_again(tmp_path: Path) -> None:
    def dialogue() -> Dialogue:
        first = yield ask_about('tin')
        assert isinstance(first, Completion)
        second = yield ask_about(f'{first.text}, again')
        assert isinstance(second, Completion)
        return [second.text]

    results, _ = run(ScriptedEngine(echo), tmp_path, [[dialogue()]])
    assert results == [[['TIN, AGAIN']]]


def test_a_dialogue_that_asks_nothing_has_its_result(tmp_path: Path) -> None:
    engine = ScriptedEngine(echo, batch_size=2)
    results, _ = run(engine, tmp_path, [[talk()], [talk(), talk('a')]])
    assert results == [[[]], [[], ['A']]]
    assert flat(engine) == ['a']


def test_a_dialogue_goes_on_before_later_ones_begin(tmp_path: Path) -> None:
    engine = ScriptedEngine(echo, concurrency=2)
    run(engine, tmp_path, [[talk(*(f'{n}{turn}' for turn in 'abc'))] for n in range(6)])
    two_by_two = [f'{n}{turn}' for one in (0, 2, 4) for turn in 'abc' for n in (one, one + 1)]
    assert flat(engine) == two_by_two


def test_one_slow_dialogue_does_not_keep_the_engine_waiting(tmp_path: Path) -> None:
    # The first dialogue is asked again and again while the others pass it by.
    turns = 20
    engine = ScriptedEngine(echo, concurrency=2)
    slow = talk(*(f'slow {turn}' for turn in range(turns)))
    results, _ = run(engine, tmp_path, [[slow], *([talk(f'{n}')] for n in range(turns))])
    assert results[1:] == [[[f'{n}']] for n in range(turns)]
    first, second = flat(engine)[: 2 * turns : 2], flat(engine)[1 : 2 * turns : 2]
    assert sorted([*first, *second]) == sorted(flat(engine))
    assert len(engine.calls) == 2 * turns
    assert all('slow' in a or 'slow' in b for a, b in zip(first, second, strict=True))


# -- batches


def test_consecutive_groups_share_a_batch_as_long_as_they_fit(tmp_path: Path) -> None:
    engine = ScriptedEngine(echo, batch_size=4)
    groups = [[talk('a'), talk('b')], [talk('c')], [talk('d'), talk('e')], [talk('f')]]
    results, _ = run(engine, tmp_path, groups)
    assert batches(engine) == ['a b c', 'd e f']
    assert results == [[['A'], ['B']], [['C']], [['D'], ['E']], [['F']]]


def test_a_group_larger_than_a_batch_is_cut(tmp_path: Path) -> None:
    engine = ScriptedEngine(echo, batch_size=2)
    results, _ = run(engine, tmp_path, [[talk('x')], [talk(t) for t in 'abcde'], [talk('y')]])
    assert batches(engine) == ['x', 'a b', 'c d', 'e', 'y']
    assert results == [[['X']], [['A'], ['B'], ['C'], ['D'], ['E']], [['Y']]]


def test_the_dialogues_of_a_batch_advance_together(tmp_path: Path) -> None:
    engine = ScriptedEngine(echo, batch_size=3)
    results, _ = run(engine, tmp_path, [[talk('a', 'd'), talk('b'), talk('c', 'e', 'f')]])
    assert batches(engine) == ['a b c', 'd e', 'f']
    assert results == [[['A', 'D'], ['B'], ['C', 'E', 'F']]]


def groups_of_two(texts: str) -> list[list[Dialogue]]:
    pairs = zip(texts[::2], texts[1::2], strict=True)
    return [[talk(first), talk(second)] for first, second in pairs]


def test_a_batch_that_lacks_anything_is_asked_whole_and_what_is_stored_stays(
    tmp_path: Path,
) -> None:
    with CompletionStore(tmp_path / 'completions.sqlite') as store:
        key = request_key(ScriptedEngine(echo).identity, ask_about('b'))
        store.put({key: Completion('stored', 'stop', 1, 1)})
    engine = ScriptedEngine(echo, batch_size=2)
    results, scheduler = run(engine, tmp_path, groups_of_two('abcd'))
    assert batches(engine) == ['a b', 'c d']
    assert results == [[['A'], ['stored']], [['C'], ['D']]]
    assert (scheduler.accounting.stored, scheduler.accounting.answered) == (1, 3)
    again = ScriptedEngine(echo, batch_size=2)
    assert run(again, tmp_path, groups_of_two('abcd'))[0] == results
    assert again.calls == []


def test_an_answer_does_not_depend_on_which_batch_came_first(tmp_path: Path) -> None:
    # The same question in two batches: one answer is stored, and both dialogues get that one.
    engine = ScriptedEngine(lambda request: f'answer {len(engine.calls)}', batch_size=2)
    results, _ = run(engine, tmp_path, groups_of_two('abbc'))
    assert results == [[['answer 1'], ['answer 1']], [['answer 1'], ['answer 2']]]
    assert run(engine, tmp_path, groups_of_two('abbc'))[0] == results


# -- equal requests


@pytest.mark.parametrize(('batch_size', 'concurrency'), [(1, 1), (1, 8), (4, 1)])
def test_equal_requests_are_asked_once(tmp_path: Path, batch_size: int, concurrency: int) -> None:
    engine = ScriptedEngine(echo, batch_size=batch_size, concurrency=concurrency, latency_s=0.002)
    groups = [[talk('a', 'b'), talk('a', 'b')], [talk('a'), talk('b')]]
    results, scheduler = run(engine, tmp_path, groups)
    assert results == [[['A', 'B'], ['A', 'B']], [['A'], ['B']]]
    assert Counter(flat(engine))['a'] == 1
    counts = scheduler.accounting
    assert counts.expected == counts.done == 6
    assert counts.asked == counts.answered == len(flat(engine)) == 2
    assert counts.stored + counts.coalesced == 4


def test_who_waits_for_an_equal_request_keeps_no_slot_from_it(tmp_path: Path) -> None:
    # The first one has left the only slot before it tries again when the second one joins it.
    seen: Counter[str] = Counter()

    def script(request: Request) -> str | Failure:
        seen[asked(request)] += 1
        return Failure('busy', transient=True) if seen == {'a': 1} else echo(request)

    results, scheduler = run(ScriptedEngine(script), tmp_path, [[talk('a'), talk('x', 'a')]])
    assert results == [[['A'], ['X', 'A']]]
    assert scheduler.accounting.coalesced == 1


def test_what_was_asked_before_is_not_asked_again(tmp_path: Path) -> None:
    engine = ScriptedEngine(echo, concurrency=3)
    first, _ = run(engine, tmp_path, groups_of_two('abcd'))
    second, scheduler = run(engine, tmp_path, groups_of_two('abcdef'))
    assert second[:2] == first
    assert sorted(flat(engine)) == [*'abcdef']
    assert scheduler.accounting.describe() == (
        '6 requests: 6 done, 0 failed, 0 pending; 2 sent to the engine, 4 found in the store, '
        '0 answered by an equal request'
    )


def test_of_an_engine_that_says_nothing_of_itself_no_answer_is_found_again(tmp_path: Path) -> None:
    engine = ScriptedEngine(echo)
    engine.identity = {}
    for _ in range(2):
        _, scheduler = run(engine, tmp_path, groups_of_two('ab'))
        assert (scheduler.accounting.stored, scheduler.accounting.asked) == (0, 2)


# -- failures


def busy_times(times: int) -> ScriptedEngine:
    """An engine that is busy so many times for each request but 'a', which it answers at once."""
    seen: Counter[str] = Counter()

    def script(request: Request) -> str | Failure:
        seen[asked(request)] += 1
        busy = asked(request) != 'a' and seen[asked(request)] <= times
        return Failure('busy', transient=True) if busy else echo(request)

    return ScriptedEngine(script, batch_size=2)


def test_transient_failures_are_asked_again_and_nothing_else_is(tmp_path: Path) -> None:
    engine = busy_times(2)
    results, scheduler = run(engine, tmp_path, groups_of_two('ab'))
    assert results == [[['A'], ['B']]]
    assert batches(engine) == ['a b', 'b', 'b']
    assert (scheduler.accounting.done, scheduler.accounting.failed) == (2, 0)


def test_what_stays_busy_has_failed_after_the_last_try(tmp_path: Path) -> None:
    engine = busy_times(3)
    results, scheduler = run(engine, tmp_path, groups_of_two('ab'))
    assert results == [[['A'], ['[busy]']]]
    assert batches(engine) == ['a b', 'b', 'b']
    assert scheduler.accounting.failures == {'busy': 1}
    assert run(engine, tmp_path, groups_of_two('ab'))[0] == [[['A'], ['B']]]


def test_the_delay_doubles_from_try_to_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    delays: list[float] = []

    async def sleep(seconds: float) -> None:
        delays.append(seconds)

    engine = ScriptedEngine(lambda request: Failure('busy', transient=True))
    monkeypatch.setattr(asyncio, 'sleep', sleep)
    with CompletionStore(tmp_path / 'completions.sqlite') as store:
        scheduler: Scheduler[Said] = Scheduler(engine, store, Retry(times=3, delay=0.5))
        list(scheduler.run([[talk('a')]]))
    assert [delay for delay in delays if delay] == [0.5, 1.0, 2.0]


def test_failures_for_good_reach_the_dialogue_at_once_and_are_not_stored(tmp_path: Path) -> None:
    engine = ScriptedEngine(lambda r: Failure('too long') if asked(r) == 'b' else echo(r))
    results, scheduler = run(engine, tmp_path, [[talk('a', 'b', 'c')]])
    assert results == [[['A', '[too long]', 'C']]]
    assert flat(engine) == ['a', 'b', 'c']
    assert scheduler.accounting.describe().endswith('(too long: 1)')
    run(engine, tmp_path, [[talk('a', 'b', 'c')]])
    assert flat(engine) == ['a', 'b', 'c', 'b']


@pytest.mark.parametrize('concurrency', [1, 4])
def test_an_engine_that_raises_ends_the_run_and_keeps_what_was_answered(
    tmp_path: Path, concurrency: int, caplog: pytest.LogCaptureFixture
) -> None:
    def script(request: Request) -> str:
        if asked(request) >= 'c':
            raise RuntimeError('out of memory')
        return echo(request)

    engine = ScriptedEngine(script, concurrency=concurrency)
    with CompletionStore(tmp_path / 'completions.sqlite') as store:
        scheduler: Scheduler[Said] = Scheduler(engine, store)
        with pytest.raises(RuntimeError, match='out of memory'):
            list(scheduler.run([talk(text)] for text in 'abcdefg'))
        assert len(store) == 2
    accounting = scheduler.accounting
    assert accounting.done <= 2
    assert accounting.failed == 0
    assert accounting.pending == accounting.expected - accounting.done > 0
    gc.collect()
    assert not caplog.records  # asyncio logs exceptions that nobody took


def test_ctrl_c_while_a_task_is_made_leaves_nothing_to_report(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupt(frame: FrameType, event: str, arg: object) -> None:
        # asyncio has put the task's first step into the loop, and does not know the task yet.
        if event == 'return' and frame.f_code.co_name == 'call_soon':
            sys.setprofile(None)
            raise KeyboardInterrupt

    def run_into_it(store: CompletionStore) -> None:
        """Keep neither the exception nor the scheduler: both would keep the tasks."""
        scheduler: Scheduler[Said] = Scheduler(ScriptedEngine(echo), store)
        sys.setprofile(interrupt)
        with contextlib.suppress(KeyboardInterrupt):
            list(scheduler.run([talk(text)] for text in 'abcdefg'))
            pytest.fail('there was no Ctrl-C')

    with (
        CompletionStore(tmp_path / 'completions.sqlite') as store,
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter('always')
        run_into_it(store)
        gc.collect()
    assert [str(each.message) for each in warned] == []
    assert not caplog.records


def test_an_error_ends_the_run_also_while_an_earlier_dialogue_waits(tmp_path: Path) -> None:
    class Stuck(ScriptedEngine):
        async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
            if asked(requests[0]) == 'never':
                await asyncio.Event().wait()
            raise RuntimeError('out of memory')

    with pytest.raises(RuntimeError, match='out of memory'):
        run(Stuck(echo, concurrency=2), tmp_path, [[talk('never')], [talk('a')]])


# -- laziness and interruptions


@pytest.mark.parametrize(('batch_size', 'concurrency'), [(1, 1), (1, 4), (4, 1)])
def test_an_endless_input_is_taken_as_there_is_room(
    tmp_path: Path, batch_size: int, concurrency: int
) -> None:
    taken = 0

    def groups() -> Iterator[list[Dialogue]]:
        nonlocal taken
        for taken in count(1):
            yield [talk(f'a{taken}'), talk(f'b{taken}')]

    engine = ScriptedEngine(echo, batch_size=batch_size, concurrency=concurrency)
    with CompletionStore(tmp_path / 'completions.sqlite') as store:
        scheduler: Scheduler[Said] = Scheduler(engine, store)
        results = scheduler.run(groups())
        assert list(islice(results, 50)) == [[[f'A{n}'], [f'B{n}']] for n in range(1, 51)]
        close(results)
    # One batch beyond those in the window is known only when the next group is seen.
    assert taken <= 50 + HELD * batch_size * concurrency + 2


def test_results_that_wait_for_a_slow_dialogue_stop_the_input_at_last(tmp_path: Path) -> None:
    taken = 0

    def groups() -> Iterator[list[Dialogue]]:
        nonlocal taken
        yield [talk(*(f'slow {turn}' for turn in range(4 * HELD)))]
        for taken in range(1, 6 * HELD):
            yield [talk(f'{taken}')]

    with CompletionStore(tmp_path / 'completions.sqlite') as store:
        scheduler: Scheduler[Said] = Scheduler(ScriptedEngine(echo, concurrency=2), store)
        results = scheduler.run(groups())
        next(results)
        assert taken <= 2 * HELD
        close(results)


def test_rates_are_those_of_the_engine_and_not_of_the_store(tmp_path: Path) -> None:
    def rates_while_running() -> list[tuple[bool, bool]]:
        with CompletionStore(tmp_path / 'completions.sqlite') as store:
            engine = ScriptedEngine(echo, concurrency=2, latency_s=0.001)
            scheduler: Scheduler[Said] = Scheduler(engine, store)
            rates = scheduler.accounting.rates
            groups = scheduler.run([talk(f'{n}')] for n in range(20))
            return [(rates.answers > 0, rates.groups > 0) for _ in groups]

    assert rates_while_running()[-1] == (True, True)
    assert rates_while_running()[-1] == (False, False)


def test_closing_early_leaves_the_rest_pending_and_stores_what_came(tmp_path: Path) -> None:
    engine = ScriptedEngine(echo, concurrency=3, latency_s=0.001)
    with CompletionStore(tmp_path / 'completions.sqlite') as store:
        scheduler: Scheduler[Said] = Scheduler(engine, store)
        results = scheduler.run([talk(f'{n}')] for n in count())
        next(results)
        close(results)
        accounting = scheduler.accounting
        assert accounting.expected == accounting.done + accounting.failed + accounting.pending
        assert accounting.done == len(store) >= 1
        assert accounting.pending > 0
        assert len(list(scheduler.run([[talk('again')]]))) == 1


def test_an_interruption_in_the_engine_passes_and_the_run_goes_on_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def script(request: Request) -> str:
        if asked(request) == 'c' and not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        return echo(request)

    interrupted: list[bool] = []
    engine = ScriptedEngine(script, concurrency=2)
    with pytest.raises(KeyboardInterrupt):
        run(engine, tmp_path, [[talk(text)] for text in 'abcdef'])
    assert not caplog.records
    results, scheduler = run(engine, tmp_path, [[talk(text)] for text in 'abcdef'])
    assert results == [[[text.upper()]] for text in 'abcdef']
    assert scheduler.accounting.stored >= 2
