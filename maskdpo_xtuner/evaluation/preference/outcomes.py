"""What two verdicts on the same responses, one in each order, come to.

A judge that follows the place and not the text says the opposite in the other order (Zheng et al.
2023, arXiv 2306.05685, count that as a tie; Wang et al. 2023, arXiv 2305.17926, measure how often
it happens). Here it is an outcome of its own, and so is what cannot be read.
"""

from __future__ import annotations

from typing import Literal, get_args

from maskdpo_xtuner.preference import Ballot
from maskdpo_xtuner.records import Record

Outcome = Literal[
    'win', 'loss', 'tie', 'order-dependent', 'equal texts', 'unreadable', 'no answer', 'failed'
]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
WORTH: dict[Outcome, float] = {
    'win': 1.0,
    'loss': 0.0,
    'tie': 0.5,
    'order-dependent': 0.5,
    'equal texts': 0.5,
}
"""What an outcome adds to the win rate; those that are not here are not in it."""


class Preference(Record):
    """What the judge said of the two models' responses to a question by one criterion.

    Attributes:
        question_id: of the question.
        sample_index: which of the responses to it.
        criterion: by which they were compared.
        outcome: for the second model, the one that is held against the baseline.
        baseline_first: the verdict where the baseline's response stood first; None without one.
        baseline_second: the verdict where it stood second.
        failures: why verdicts are missing.
        baseline_length: characters of the baseline's response.
        length: characters of the other's.
    """

    question_id: str
    sample_index: int
    criterion: str
    outcome: Outcome
    baseline_first: str | None = None
    baseline_second: str | None = None
    failures: tuple[str, ...] = ()
    baseline_length: int
    length: int


def outcome_of(baseline_first: Ballot, baseline_second: Ballot) -> Outcome:
    """Put the verdicts of both orders together, for the model that is not the baseline."""
    ballots = (baseline_first, baseline_second)
    for kind, outcome in _MISSING.items():
        if any((ballot.failure or '').startswith(kind) for ballot in ballots):
            return outcome
    said = (baseline_first.choice, baseline_second.choice)
    return _BOTH.get(said, 'order-dependent')


_MISSING: dict[str, Outcome] = {
    'failed': 'failed',
    'no_answer': 'no answer',
    'unparsed': 'unreadable',
}
_BOTH: dict[tuple[str | None, str | None], Outcome] = {
    ('second', 'first'): 'win',
    ('first', 'second'): 'loss',
    ('tie', 'tie'): 'tie',
}
