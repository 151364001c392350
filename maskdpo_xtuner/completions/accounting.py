"""What became of every request."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from maskdpo_xtuner.engines.base import Completion, Failure


@dataclass
class Accounting:
    """Counts of requests.

    Attributes:
        expected: requests that dialogues made.
        stored: of these, answered from the store.
        answered: of these, answered by the engine.
        failures: of these, failed for good, by reason.
        asked: different requests that went to the engine.
    """

    expected: int = 0
    stored: int = 0
    answered: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    asked: int = 0

    def count(self, outcome: Completion | Failure, *, from_store: bool) -> None:
        """Enter the outcome of one request."""
        if isinstance(outcome, Failure):
            self.failures[outcome.reason] += 1
        elif from_store:
            self.stored += 1
        else:
            self.answered += 1

    @property
    def done(self) -> int:
        return self.stored + self.answered

    @property
    def failed(self) -> int:
        return self.failures.total()

    @property
    def pending(self) -> int:
        """Requests without an outcome: what an interruption left."""
        return self.expected - self.done - self.failed

    def describe(self) -> str:
        """One line: expected = done + failed + pending, and where the done ones came from."""
        line = (
            f'{self.expected} requests = {self.done} done ({self.stored} from the store) + '
            f'{self.failed} failed + {self.pending} pending; the engine was asked {self.asked}'
        )
        reasons = '; '.join(f'{reason}: {n}' for reason, n in self.failures.most_common())
        return f'{line} ({reasons})' if reasons else line
