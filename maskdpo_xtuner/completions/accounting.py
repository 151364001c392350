"""What became of every request."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

from maskdpo_xtuner.completions.rates import EngineRates
from maskdpo_xtuner.engines.base import Completion, Failure, Origin

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
    """Tokens read and written; those that nobody counted are not in it."""

    prompt: int = 0
    completion: int = 0

    def add(self, completion: Completion) -> None:
        """Enter one completion."""
        self.prompt += completion.prompt_tokens or 0
        self.completion += completion.completion_tokens or 0


@dataclass
class Accounting:
    """Counts of requests.

    Attributes:
        expected: requests that dialogues made.
        stored: of these, answered from the store.
        answered: of these, answered by the engine.
        coalesced: of these, answered with an equal request that was on its way.
        failures: of these, failed in all their attempts, by reason; another run may ask again.
        no_answer: of these, failed in a way that is final, by reason: asked again, they would fail
            again, as a question does that is longer than the context.
        asked: different requests that went to the engine, repetitions not counted.
        stored_tokens: of the requests answered from the store.
        answered_tokens: of those answered by the engine.
        damaged: requests asked again because what the store had did not fit its checksum.
        notes: what is to be known of answers, with how many they are.
        origins: of the answers from the store, as far as it is known.
        origin: of the answers of the engine.
        rates: of the engine, over the last minute.
    """

    expected: int = 0
    stored: int = 0
    answered: int = 0
    coalesced: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    no_answer: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    stored_tokens: Tokens = field(default_factory=Tokens)
    answered_tokens: Tokens = field(default_factory=Tokens)
    damaged: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    origins: Counter[Origin] = field(default_factory=Counter)
    origin: Origin = Origin()
    rates: EngineRates = field(default_factory=EngineRates)

    def count(self, outcome: Completion | Failure, source: Source) -> None:
        """Enter the outcome of one request."""
        if isinstance(outcome, Failure):
            reasons = self.failures if outcome.transient else self.no_answer
            known = outcome.reason in reasons or len(reasons) < MOST_REASONS
            reasons[outcome.reason if known else OTHER_REASONS] += 1
            return
        if outcome.note:
            self.notes[outcome.note] += 1
        if source is Source.STORE:
            self.stored += 1
            self.stored_tokens.add(outcome)
            self.origins.update([outcome.origin] if outcome.origin else [])
        elif source is Source.EQUAL_REQUEST:
            self.coalesced += 1
        else:
            self.answered += 1
            self.answered_tokens.add(outcome)
            self.rates.count_answer(outcome.completion_tokens or 0)

    @property
    def done(self) -> int:
        return self.stored + self.answered + self.coalesced

    @property
    def failed(self) -> int:
        """Requests that another run may ask again."""
        return self.failures.total()

    @property
    def refused(self) -> int:
        """Requests that will have no answer, whoever asks again."""
        return self.no_answer.total()

    @property
    def pending(self) -> int:
        """Requests without an outcome: what an interruption left."""
        return self.expected - self.done - self.failed - self.refused

    @property
    def stored_share(self) -> float:
        """Share of the done requests that the store answered; 0 when nothing is done."""
        return self.stored / self.done if self.done else 0.0

    def seconds_left(self, groups: int) -> float | None:
        """Seconds for so many more groups at the present rate; None when there is no rate."""
        rate = self.rates.groups
        return groups / rate if rate else None

    def postfix(self, groups_left: int | None = None) -> str:
        """Write a line for a progress bar: rates of the engine, share of the store, failures.

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
        no_answer = f'{self.refused} without an answer for good, ' if self.refused else ''
        line = (
            f'{self.expected} requests: {self.done} done, {self.failed} failed, {no_answer}'
            f'{self.pending} pending; {self.asked} sent to the engine, {self.stored} found in the '
            f'store, {self.coalesced} answered by an equal request'
        )
        reasons = (self.failures + self.no_answer).most_common()
        said = [f'{reason}: {n}' for reason, n in reasons[:_SHOWN_REASONS]]
        if len(reasons) > _SHOWN_REASONS:
            said.append(f'{len(reasons) - _SHOWN_REASONS} more reasons')
        said += [f'{note}: {n}' for note, n in self._remarks().most_common()]
        return f'{line} ({"; ".join(said)})' if said else line

    def _remarks(self) -> Counter[str]:
        """Give the notes, and what is to be known of the store."""
        remarks = Counter(self.notes)
        for origin, count in self.origins.items():
            if remark := _remark(origin, self.origin):
                remarks[remark] += count
        if self.damaged:
            remarks['damaged in the store and asked again'] += self.damaged
        return remarks


def _remark(origin: Origin, present: Origin) -> str | None:
    """Say how a stored answer differs from what this run would get; None where nothing is known."""
    if origin.served and present.served and origin.served != present.served:
        return (
            f'stored when the server said it serves {origin.served}, which is now '
            f'{present.served} (set policy.revision to tell them apart)'
        )
    if origin.run != present.run:
        return f'stored by another run ({origin.run or "that of the store"})'
    return None
