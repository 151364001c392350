"""The choice among servers, with a clock that the test moves."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.engines.endpoints import (
    DIALOGUES,
    FIRST_PAUSE,
    LAST_PAUSE,
    STRIKES,
    Endpoint,
    EndpointPool,
)
from maskdpo_xtuner.engines.statuses import Verdict


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def pool_of(count: int, clock: Clock | None = None, capacity: int = 8) -> EndpointPool:
    return EndpointPool([f'http://node{n}' for n in range(count)], capacity, clock or Clock())


def chosen(pool: EndpointPool, dialogue: bytes, *tried: Endpoint) -> Endpoint:
    endpoint = pool.choose(dialogue, tried)
    assert endpoint is not None
    return endpoint


def test_new_dialogues_go_where_the_fewest_requests_are() -> None:
    pool = pool_of(3)
    for n in range(9):
        chosen(pool, b'%d' % n).in_flight += 1
    assert [endpoint.in_flight for endpoint in pool.endpoints] == [3, 3, 3]


def test_a_dialogue_stays_though_others_are_free() -> None:
    pool = pool_of(3)
    home = chosen(pool, b'd')
    home.in_flight = 7
    assert chosen(pool, b'd') is home


def test_a_crowded_home_is_left_for_one_that_is_half_empty() -> None:
    pool = pool_of(2, capacity=8)
    home = chosen(pool, b'd')
    home.in_flight = 8
    other = next(endpoint for endpoint in pool.endpoints if endpoint is not home)
    other.in_flight = 4
    assert chosen(pool, b'd') is home
    other.in_flight = 3
    assert chosen(pool, b'd') is other


def test_a_dead_endpoint_is_left_and_its_dialogues_move() -> None:
    pool = pool_of(2)
    home = chosen(pool, b'd')
    pool.report(home, Verdict.DEAD)
    assert chosen(pool, b'd') is not home
    pool.report(home, Verdict.WELL)
    assert chosen(pool, b'd') is not home, 'the new home has the prefix now'


def test_failures_in_a_row_take_an_endpoint_down_and_a_good_answer_starts_anew() -> None:
    pool = pool_of(1)
    endpoint = chosen(pool, b'd')
    for _ in range(STRIKES - 1):
        pool.report(endpoint, Verdict.SUSPECT)
    pool.report(endpoint, Verdict.WELL)
    for _ in range(STRIKES - 1):
        pool.report(endpoint, Verdict.LOST)
    assert pool.choose(b'd') is endpoint
    pool.report(endpoint, Verdict.SUSPECT)
    assert pool.choose(b'd') is None


def test_an_endpoint_that_is_down_gets_one_request_a_pause_and_pauses_grow() -> None:
    clock = Clock()
    pool = pool_of(1, clock)
    endpoint = chosen(pool, b'd')
    pool.report(endpoint, Verdict.DEAD)
    probes = []
    for _ in range(1000):
        clock.now += FIRST_PAUSE / 10
        if pool.choose(b'd'):
            probes.append(clock.now - 1000)
            pool.report(endpoint, Verdict.DEAD)
    gaps = [round(b - a) for a, b in zip([0.0, *probes], probes, strict=False)]
    assert gaps[:6] == [1, 2, 4, 8, 16, LAST_PAUSE]
    assert set(gaps[6:]) <= {LAST_PAUSE}


def test_many_failures_at_once_are_one_fall() -> None:
    clock = Clock()
    pool = pool_of(1, clock)
    endpoint = chosen(pool, b'd')
    for _ in range(100):
        pool.report(endpoint, Verdict.LOST)
    clock.now += FIRST_PAUSE
    assert pool.choose(b'd') is endpoint


def test_an_endpoint_is_up_again_after_one_good_answer() -> None:
    clock = Clock()
    pool = pool_of(1, clock)
    endpoint = chosen(pool, b'd')
    pool.report(endpoint, Verdict.DEAD)
    clock.now += FIRST_PAUSE
    chosen(pool, b'probe')
    assert pool.choose(b'other') is None
    pool.report(endpoint, Verdict.WELL)
    assert pool.choose(b'other') is endpoint
    assert pool.next_probe() == 0


def test_what_is_left_and_what_is_back_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    pool = pool_of(2)
    endpoint = chosen(pool, b'd')
    for _ in range(3):
        pool.report(endpoint, Verdict.DEAD, 'cannot connect')
    for _ in range(3):
        pool.report(endpoint, Verdict.WELL)
    assert caplog.messages == [
        f'{endpoint.url} is left until it answers again: cannot connect',
        f'{endpoint.url} is back',
    ]


def test_next_probe_tells_how_long_all_stay_down() -> None:
    clock = Clock()
    pool = pool_of(2, clock)
    pool.report(pool.endpoints[0], Verdict.DEAD)
    assert pool.next_probe() == 0
    clock.now += FIRST_PAUSE / 2
    pool.report(pool.endpoints[1], Verdict.DEAD)
    assert pool.next_probe() == FIRST_PAUSE / 2


def test_an_endpoint_that_was_tried_is_not_chosen_again() -> None:
    pool = pool_of(2)
    first = chosen(pool, b'd')
    second = chosen(pool, b'd', first)
    assert second is not first
    assert pool.choose(b'd', [first, second]) is None


def test_only_so_many_dialogues_are_remembered() -> None:
    pool = pool_of(1)
    for n in range(DIALOGUES + 10):
        chosen(pool, n.to_bytes(4, 'big'))
    assert len(pool._homes) == DIALOGUES


def test_an_endpoint_that_refuses_all_gets_no_more_and_is_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    pool = pool_of(2, clock)
    first, second = pool.endpoints
    for _ in range(3):
        pool.report(first, Verdict.REFUSING, 'HTTP 401: a key, please')
    clock.now += 1000
    assert {chosen(pool, b'%d' % n) for n in range(8)} == {second}
    assert pool.refusal is None
    pool.report(second, Verdict.REFUSING, 'HTTP 404: no model')
    assert pool.choose(b'd') is None
    assert pool.refusal == 'http://node0 refuses every request: HTTP 401: a key, please'
    assert len(caplog.messages) == 2


def test_an_endpoint_with_too_much_to_do_is_passed_over_and_is_not_down() -> None:
    clock = Clock()
    pool = pool_of(2, clock)
    first, second = pool.endpoints
    pool.report(first, Verdict.LIMITED, 'HTTP 429', wait=5.0)
    assert {chosen(pool, b'%d' % n) for n in range(8)} == {second}
    pool.report(second, Verdict.LIMITED, 'HTTP 429', wait=9.0)
    assert chosen(pool, b'd') is first, 'the one that is free first'
    clock.now += 9.5
    second.in_flight, first.in_flight = 0, 3
    assert chosen(pool, b'new') is second


def test_where_nothing_is_understood_nothing_is_waited_for() -> None:
    pool = pool_of(2)
    first, second = pool.endpoints
    for _ in range(STRIKES):
        pool.report(first, Verdict.ODD, 'not JSON')
    assert chosen(pool, b'd') is second
    for _ in range(STRIKES):
        pool.report(second, Verdict.ODD, 'not JSON')
    assert pool.choose(b'd') is not None
    assert pool.trouble == 'not JSON'
