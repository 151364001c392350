"""Stopping when the engine is dead."""

from __future__ import annotations

from maskdpo_xtuner.completions.accounting import Accounting


class EngineDown(ConnectionError):
    """The engine does not answer any more.

    What it had answered is in the store, and what was on its way is pending: run again when the
    engine is back.

    Attributes:
        accounting: what became of every request.
        reason: of the last failure.
    """

    def __init__(self, accounting: Accounting, failures: int, reason: str) -> None:
        super().__init__(
            f'the engine is down: {failures} requests in a row failed in all their attempts, the '
            f'last one with "{reason}"; {accounting.describe()}. Nothing that was answered is '
            'lost: fix the engine and run the same command again'
        )
        self.accounting = accounting
        self.reason = reason


class CircuitBreaker:
    """Counts requests that failed in all their attempts while nothing else was answered.

    Args:
        limit: how many of them are enough.
        accounting: for the error.
    """

    def __init__(self, limit: int, accounting: Accounting) -> None:
        self._limit = limit
        self._accounting = accounting
        self._in_a_row = 0

    def answered(self) -> None:
        """Note that the engine lives: it answered, or refused a bad request."""
        self._in_a_row = 0

    def failed(self, reason: str) -> None:
        """Note that a request failed in all its attempts.

        Raises:
            EngineDown: when it was one too many.
        """
        self._in_a_row += 1
        if self._in_a_row >= self._limit:
            raise EngineDown(self._accounting, self._in_a_row, reason)
