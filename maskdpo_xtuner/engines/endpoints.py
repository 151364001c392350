"""Which of several servers gets a request: health learned from answers, dialogues kept together."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from maskdpo_xtuner.engines.dialects import Dialect
from maskdpo_xtuner.engines.statuses import Verdict
from maskdpo_xtuner.engines.turns import Pace

logger = logging.getLogger(__name__)

# Failures in a row, by whatever requests, after which an endpoint is left.
STRIKES = 5
# Seconds until a lost endpoint is tried again; doubled each time that it fails, up to the last.
FIRST_PAUSE, LAST_PAUSE = 1.0, 30.0
# How many dialogues are remembered: more than are ever in flight.
DIALOGUES = 100_000


@dataclass(eq=False)
class Endpoint:
    """One server.

    Attributes:
        url: its base address.
        pace: how fast it may be asked.
        in_flight: requests that it has, or that wait for their turn.
        strikes: failures in a row.
        pause: seconds between two requests while it is down.
        retry_at: None while it is up, else when to send it one request.
        has_answered: whether any request was ever answered.
        odd: whether its last failure was an answer in a form that is not understood.
        refusal: why it will refuse every request; None while it may answer.
        trouble: why its last request failed.
        dialect: what it said of itself; None while it is not known, and again when it was down:
            another program may have come up in its place.
    """

    url: str
    pace: Pace
    in_flight: int = 0
    strikes: int = 0
    pause: float = FIRST_PAUSE
    retry_at: float | None = None
    has_answered: bool = False
    odd: bool = False
    refusal: str | None = None
    trouble: str = ''
    dialect: Dialect | None = None


class EndpointPool:
    """Chooses an endpoint for each request and learns from what came of it.

    The requests of a dialogue go where its first one went, so that they find their beginning in
    that server's prefix cache; a new dialogue goes where the fewest requests are in flight. An
    endpoint that is down gets one request when its pause is over, and is up again when any of its
    answers is a good one. One that refuses every request gets no more.

    Attributes:
        answered_at: when one of them gave an answer, by the clock.

    Args:
        urls: base addresses of the servers.
        capacity: how many requests one of them works on at once.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        urls: Sequence[str],
        capacity: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.endpoints = [Endpoint(url, Pace(capacity)) for url in urls]
        self._clock = clock
        self.answered_at = clock()
        self._homes: OrderedDict[bytes, Endpoint] = OrderedDict()

    def choose(self, dialogue: bytes, tried: Collection[Endpoint] = ()) -> Endpoint | None:
        """Choose an endpoint not yet ``tried``; None when all others are down."""
        candidates = [e for e in self.endpoints if e not in tried and e.refusal is None]
        for endpoint in candidates:
            if endpoint.retry_at is not None and endpoint.retry_at <= self._clock():
                # This request is the probe; the next one comes a longer pause later.
                endpoint.pause = min(2 * endpoint.pause, LAST_PAUSE)
                endpoint.retry_at = self._clock() + endpoint.pause
                return endpoint
        up = [endpoint for endpoint in candidates if endpoint.retry_at is None]
        # What is not understood will not be so later: nothing is won by waiting.
        up = self._soonest(up or [endpoint for endpoint in candidates if endpoint.odd])
        if not up:
            return None
        home = self._homes.get(dialogue)
        freest = min(up, key=lambda endpoint: endpoint.in_flight)
        # The samples of one question may be more than one server takes.
        crowded = home and home.in_flight >= home.pace.limit > 2 * freest.in_flight
        if home is None or home not in up or crowded:
            home = freest
        self._remember(dialogue, home)
        return home

    def report(
        self, endpoint: Endpoint, verdict: Verdict, reason: str = '', wait: float | None = None
    ) -> None:
        """Take note of an answer: a good one lifts all doubt, a bad one adds to it.

        Args:
            endpoint: that gave it.
            verdict: on it.
            reason: of the failure.
            wait: seconds for which the endpoint asks to be left alone.
        """
        endpoint.trouble = reason
        endpoint.odd = verdict is Verdict.ODD
        if verdict in (Verdict.WELL, Verdict.DECLINED):
            self._note_health(endpoint, answered=verdict is Verdict.WELL)
        elif verdict is Verdict.LIMITED:
            self._note_health(endpoint, answered=False)
            endpoint.pace.slow_down(self._clock(), wait)
        elif verdict is Verdict.REFUSING:
            if endpoint.refusal is None and len(self.endpoints) > 1:
                logger.warning('%s is left for good: %s', endpoint.url, reason)
            endpoint.refusal = endpoint.refusal or reason
        else:
            self._add_strike(endpoint, reason, dead=verdict is Verdict.DEAD)

    def _note_health(self, endpoint: Endpoint, *, answered: bool) -> None:
        if endpoint.retry_at is not None:
            logger.warning('%s is back', endpoint.url)
        endpoint.strikes, endpoint.pause, endpoint.retry_at = 0, FIRST_PAUSE, None
        if answered:
            endpoint.has_answered, self.answered_at = True, self._clock()
            endpoint.pace.speed_up()

    def _add_strike(self, endpoint: Endpoint, reason: str, *, dead: bool) -> None:
        endpoint.strikes += 1
        endpoint.dialect = None if dead else endpoint.dialect
        if endpoint.retry_at is None and (dead or endpoint.strikes >= STRIKES):
            endpoint.retry_at = self._clock() + endpoint.pause
            logger.warning('%s is left until it answers again: %s', endpoint.url, reason)

    @property
    def refusal(self) -> str | None:
        """Why no endpoint will ever answer, with the address of one; None while any may."""
        if any(endpoint.refusal is None for endpoint in self.endpoints):
            return None
        first = self.endpoints[0]
        return f'{first.url} refuses every request: {first.refusal}'

    @property
    def trouble(self) -> str:
        """Why the last request to an endpoint failed that is down."""
        down = (e.trouble for e in self.endpoints if e.retry_at is not None and e.trouble)
        return next(down, 'no endpoint is up')

    def next_probe(self) -> float:
        """Seconds until the first endpoint that is down may be tried; 0 when one is up."""
        now = self._clock()
        waits = [(e.retry_at or now) - now for e in self.endpoints if e.refusal is None]
        return max(0.0, min(waits, default=0.0))

    def _soonest(self, endpoints: list[Endpoint]) -> list[Endpoint]:
        """Those that may be asked now; or, where all have too much to do, the first that may."""
        now = self._clock()
        free = [endpoint for endpoint in endpoints if endpoint.pace.not_before <= now]
        return free or sorted(endpoints, key=lambda endpoint: endpoint.pace.not_before)[:1]

    def _remember(self, dialogue: bytes, home: Endpoint) -> None:
        self._homes[dialogue] = home
        self._homes.move_to_end(dialogue)
        if len(self._homes) > DIALOGUES:
            self._homes.popitem(last=False)
