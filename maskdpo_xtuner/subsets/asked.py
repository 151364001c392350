"""What a subset is chosen of: questions with their topics."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import Literal, NamedTuple

from maskdpo_xtuner.records import Question

Unit = Literal['topics', 'questions']


class Asked(NamedTuple):
    """A question, as far as a choice depends on it; ``key`` is its id."""

    key: str
    question: str
    topic: str


def asked_of(questions: Iterable[Question]) -> list[Asked]:
    """Give what a choice depends on."""
    return [Asked(q.question_id, q.question, q.topic) for q in questions]


def units_of(asked: Iterable[Asked], unit: Unit) -> dict[str, list[str]]:
    """Give the keys of the questions of each topic, or each question by itself."""
    units: dict[str, list[str]] = {}
    for each in asked:
        units.setdefault(each.topic if unit == 'topics' else each.key, []).append(each.key)
    return units


def by_chance(names: Iterable[str], seed: int) -> list[str]:
    """Put names into an order that the seed decides; who else is there does not change it."""

    def rank(name: str) -> tuple[bytes, str]:
        return hashlib.sha256(f'{seed}/{name}'.encode()).digest(), name

    return sorted(names, key=rank)


def in_order(asked: Iterable[Asked], keys: Collection[str]) -> list[str]:
    """Give the keys in the order of the questions."""
    wanted = set(keys)
    return [each.key for each in asked if each.key in wanted]


def leaked_topics(asked: Iterable[Asked], test: Iterable[Asked]) -> list[str]:
    """Give the topics that are also tested, by names without case, accents' forms, punctuation."""
    tested = {normalised(each.topic) for each in test}
    return sorted({each.topic for each in asked if normalised(each.topic) in tested})


def normalised(name: str) -> str:
    """Give what is the same for two spellings of a name: NFKC, no case, words by one blank.

    A name of nothing but punctuation stays as it is.
    """
    plain = unicodedata.normalize('NFKC', name).casefold()
    return ' '.join(re.findall(r'\w+', plain)) or plain


def count_topics(asked: Sequence[Asked], keys: Collection[str]) -> int:
    """Count the topics of some of the questions."""
    wanted = set(keys)
    return len({each.topic for each in asked if each.key in wanted})
