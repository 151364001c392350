"""Which of several servers gets a request: health learned from answers, dialogues kept together."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from maskdpo_xtuner.engines.answers import Verdict

logger = logging.getLogger(__name__)

# Failures in a row, by whatever requests, after which an endpoint is left.
STRIKES = 5
# Seconds until a lost endpoint is tried again; doubled each time that it fails, up to the last.
FIRST_PAUSE, LAST_PAUSE = 1.0, 30.0
# How many dialogues are remembered: more than are ever in flight.
DIALOGUES = 100_000


@dataclass(eq=False)
class Endpoint:
    """One server. ``retry_at`` is None while it is up, else when to send it one request."""

    url: str
    in_flight: int = 0
    strikes: int = 0
    pause: float = FIRST_PAUSE
    retry_at: float | None = None


class EndpointPool:
    """Chooses an endpoint for each request and learns from what came of it.

    The requests of a dialogue go where its first one went, so that they find their beginning in
    that server's prefix cache; a new dialogue goes where the fewest requests are in flight. An
    endpoint that is down gets one request when its pause is over, and is up again when any of its
    answers is a good one.

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
        self.endpoints = [Endpoint(url) for url in urls]
        self._capacity = capacity
        self._clock = clock
        self._homes: OrderedDict[bytes, Endpoint] = OrderedDict()

    def choose(self, dialogue: bytes, tried: Collection[Endpoint] = ()) -> Endpoint | None:
        """Choose an endpoint not yet ``tried``; None when all others are down."""
        candidates = [endpoint for endpoint in self.endpoints if endpoint not in tried]
        for endpoint in candidates:
            if endpoint.retry_at is not None and endpoint.retry_at <= self._clock():
                # This request is the probe; the next one comes a longer pause later.
                endpoint.pause = min(2 * endpoint.pause, LAST_PAUSE)
                endpoint.retry_at = self._clock() + endpoint.pause
                return endpoint
        up = [endpoint for endpoint in candidates if endpoint.retry_at is None]
        if not up:
            return None
        home = self._homes.get(dialogue)
        freest = min(up, key=lambda endpoint: endpoint.in_flight)
        # The samples of one question may be more than one server takes.
        crowded = home and home.in_flight >= self._capacity > 2 * freest.in_flight
        if home is None or home not in up or crowded:
            home = freest
        self._remember(dialogue, home)
        return home

    def report(self, endpoint: Endpoint, verdict: Verdict, reason: str = '') -> None:
        """Take note of an answer: a good one lifts all doubt, a bad one adds to it."""
        if verdict is Verdict.WELL:
            if endpoint.retry_at is not None:
                logger.warning('%s is back', endpoint.url)
            endpoint.strikes, endpoint.pause, endpoint.retry_at = 0, FIRST_PAUSE, None
            return
        endpoint.strikes += 1
        if endpoint.retry_at is None and (verdict is Verdict.DEAD or endpoint.strikes >= STRIKES):
            endpoint.retry_at = self._clock() + endpoint.pause
            logger.warning('%s is left until it answers again: %s', endpoint.url, reason)

    def next_probe(self) -> float:
        """Seconds until the first endpoint that is down may be tried; 0 when one is up."""
        now = self._clock()
        return max(0.0, min((e.retry_at or now) - now for e in self.endpoints))

    def _remember(self, dialogue: bytes, home: Endpoint) -> None:
        self._homes[dialogue] = home
        self._homes.move_to_end(dialogue)
        if len(self._homes) > DIALOGUES:
            self._homes.popitem(last=False)
