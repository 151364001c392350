"""A test set whose topics are in no training question, out of one file of questions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from maskdpo_xtuner.records import Question


def hold_out(
    questions: Sequence[Question], test: int, train: int | None = None, seed: int = 0
) -> tuple[list[Question], list[Question]]:
    """Split questions so that no topic is on both sides, as the paper's are (177 and 8,046).

    Topics go to the test set in the order of a hash of their names, until it is full. What the last
    of them has too many is on neither side. Which questions are taken depends on their ids alone,
    not on the order of the file.

    Args:
        questions: with the topics by which they are split.
        test: how many to test on.
        train: how many to train on; None for all that are left.
        seed: another seed holds out others.

    Returns:
        Those to train on and those to test on, each in the order of the file.

    Raises:
        ValueError: when there are too few.
    """
    topics = sorted({question.topic for question in questions}, key=lambda t: _hash(seed, t))
    held: set[str] = set()
    taken: list[Question] = []
    for topic in topics:
        if len(taken) >= test:
            break
        held.add(topic)
        taken += (question for question in questions if question.topic == topic)
    left = [question for question in questions if question.topic not in held]
    wanted = len(left) if train is None else train
    if len(taken) < test or not left or len(left) < wanted:
        raise ValueError(
            f'{len(questions)} questions about {len(topics)} topics cannot be split into {test} to '
            f'test and {train or "some"} to train on that share no topic; ask for fewer'
        )
    return _first(questions, left, wanted, seed), _first(questions, taken, test, seed)


def _first(
    questions: Sequence[Question], of: Iterable[Question], count: int, seed: int
) -> list[Question]:
    """So many of them, by the hash of their ids, in the order of all questions."""
    ids = sorted((question.question_id for question in of), key=lambda i: _hash(seed, i))
    kept = set(ids[:count])
    return [question for question in questions if question.question_id in kept]


def _hash(seed: int, name: str) -> str:
    return hashlib.sha256(f'{seed}:{name}'.encode()).hexdigest()
