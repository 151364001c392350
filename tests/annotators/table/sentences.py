"""Sentences for a table's judge, each with its topic and what it must be called."""

from __future__ import annotations

from maskdpo_xtuner.records import Label

SUPPORTED, WRONG = Label.NO_HALLUCINATION, Label.CONTRADICTORY
NOT_KNOWN, NOTHING = Label.UNVERIFIABLE, Label.NO_FACTS

Case = tuple[str, Label, str]


def cases(text: str) -> list[Case]:
    """Lines ``topic | mark | sentence``: ``+`` supported, ``x`` wrong, ``?`` not in the table,
    ``-`` nothing stated.
    """
    labels = {'+': SUPPORTED, 'x': WRONG, '?': NOT_KNOWN, '-': NOTHING}
    lines = [line.split(' | ') for line in text.strip().splitlines()]
    return [(topic.strip(), labels[mark.strip()], sentence) for topic, mark, sentence in lines]
