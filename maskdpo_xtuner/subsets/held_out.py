"""A test set whose topics are in no training question, out of one file of questions."""

from __future__ import annotations

from collections.abc import Sequence

from maskdpo_xtuner.records import Question
from maskdpo_xtuner.subsets.asked import by_chance, normalised


def hold_out(
    questions: Sequence[Question], test: int, train: int | None = None, seed: int = 0
) -> tuple[list[Question], list[Question]]:
    """Split questions so that no topic is on both sides, as the paper's are (177 and 8,046).

    Topics go to the test set in an order that the seed decides, until it is full. What the last of
    them has too many is on neither side. Which questions are taken depends on their ids alone, not
    on the order of the file. Spellings of a name that `normalised` does not tell apart are one
    topic.

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
    topics: dict[str, list[str]] = {}
    for question in questions:
        topics.setdefault(normalised(question.topic), []).append(question.question_id)
    taken: list[str] = []
    left: list[str] = []
    for topic in by_chance(topics, seed):
        (left if len(taken) >= test else taken).extend(topics[topic])
    wanted = len(left) if train is None else train
    if len(taken) < test or not left or len(left) < wanted:
        raise ValueError(
            f'{len(questions)} questions about {len(topics)} topics cannot be split into {test} to '
            f'test and {train or "some"} to train on that share no topic; ask for fewer'
        )
    kept = [set(by_chance(ids, seed)[:count]) for ids, count in ((left, wanted), (taken, test))]
    train_part, test_part = ([q for q in questions if q.question_id in ids] for ids in kept)
    return train_part, test_part
