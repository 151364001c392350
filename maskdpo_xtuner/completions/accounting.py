"""What became of every request."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from maskdpo_xtuner.completions.rates import EngineRates
from maskdpo_xtuner.engines.base import Completion, Failure

# Servers put numbers into their reasons: this many are told apart.
MOST_REASONS = 100
OTHER_REASONS = 'other reasons'
_SHOWN_REASONS = 5


class Source(Enum):
    """Where the outcome of a request came from."""

    STORE = 'store'
    ENGINE = 'engine'
    EQUAL_REQUEST = 'equal request'


@dataclass
class Tokens:
    """Tokens read and written."""

    prompt: int = 0
    completion: int = 0

    def add(self, completion: Completion) -> None:
        """Enter one completion."""
        self.prompt += completion.prompt_tokens
        self.completion += completion.completion_tokens


@dataclass
class Accounting:
    """Counts of requests.

    Attributes:
        expected: requests that dialogues made.
        stored: of these, answered from the store.
        answered: of these, answered by the engine.
        coalesced: of these, answered with an equal request that was on its way.
        failures: of these, failed for good, by reason.
        asked: different requests that went to the engine, repetitions not counted.
        stored_tokens: of the requests answered from the store.
        answered_tokens: of those answered by the engine.
        rates: of the engine, over the last minute.
    """

    expected: int = 0
    stored: int = 0
    answered: int = 0
    coalesced: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    stored_tokens: Tokens = field(default_factory=Tokens)
    answered_tokens: Tokens = field(default_factory=Tokens)
    rates: EngineRates = field(default_factory=EngineRates)

    def count(self, outcome: Completion | Failure, source: Source) -> None:
        """Enter the outcome of one request."""
        if isinstance(outcome, Failure):
            known = outcome.reason in self.failures or len(self.failures) < MOST_REASONS
            self.failures[outcome.reason if known else OTHER_REASONS] += 1
        elif source is Source.STORE:
            self.stored += 1
            self.stored_tokens.add(outcome)
        elif source is Source.EQUAL_REQUEST:
            self.coalesced += 1
        else:
            self.answered += 1
            self.answered_tokens.add(outcome)
            self.rates.count_answer(outcome.completion_tokens)

    @property
    def done(self) -> int:
        return self.stored + self.answered + self.coalesced

    @property
    def failed(self) -> int:
        return self.failures.total()

    @property
    def pending(self) -> int:
        """Requests without an outcome: what an interruption left."""
        return self.expected - self.done - self.failed

    @property
    def stored_share(self) -> float:
        """Share of the done requests that the store answered; 0 when nothing is done."""
        return self.stored / self.done if self.done else 0.0

    def seconds_left(self, groups: int) -> float | None:
        """Seconds for so many more groups at the present rate; None when there is no rate."""
        rate = self.rates.groups
        return groups / rate if rate else None

    def postfix(self, groups_left: int | None = None) -> str:
        """One short line for a progress bar: rates of the engine, share of the store, failures.

        Args:
            groups_left: groups whose results are still to come; adds the time that they take.
        """
        parts = [
            f'{self.rates.answers:.1f} requests/s',
            f'{self.rates.tokens:.0f} tokens/s',
            f'{self.stored_share:.0%} stored',
            f'{self.failed} failed',
        ]
        left = None if groups_left is None else self.seconds_left(groups_left)
        if left is not None:
            parts.append(f'{timedelta(seconds=round(left))} left')
        return ', '.join(parts)

    def describe(self) -> str:
        """Say in one line what became of the requests, and who answered them."""
        line = (
            f'{self.expected} requests: {self.done} done, {self.failed} failed, {self.pending} '
            f'pending; {self.asked} sent to the engine, {self.stored} found in the store, '
            f'{self.coalesced} answered by an equal request'
        )
        reasons = [f'{reason}: {n}' for reason, n in self.failures.most_common(_SHOWN_REASONS)]
        if len(self.failures) > _SHOWN_REASONS:
            reasons.append(f'{len(self.failures) - _SHOWN_REASONS} more reasons')
        return f'{line} ({"; ".join(reasons)})' if reasons else line
