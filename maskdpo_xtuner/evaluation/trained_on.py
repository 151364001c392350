"""Which questions of a set the models were trained on, by the pairs that they were trained on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from maskdpo_xtuner.evaluation.results import TrainedOn
from maskdpo_xtuner.pipeline.files import read_lines
from maskdpo_xtuner.records import PreferencePair, Question


def trained_on(pairs: Path, questions: Iterable[Question]) -> TrainedOn:
    """Count the questions, and the topics, that are also in a file of pairs.

    A question is the same by its id, or by its words: files made elsewhere have no ids.

    Raises:
        ValueError: for a file that is no file of pairs, naming the line.
    """
    ids, words, topics = set(), set(), set()
    for pair in read_lines(pairs, PreferencePair):
        ids.add(pair.question_id)
        topics.add(pair.topic)
        words.add(_words(pair.prompt[-1].content))
    questions = list(questions)
    seen = [q for q in questions if q.question_id in ids or _words(q.question) in words]
    return TrainedOn(
        file=str(pairs),
        questions=len(seen),
        topics=len({q.topic for q in questions} & topics),
    )


def _words(text: str) -> str:
    return ' '.join(text.casefold().split())
