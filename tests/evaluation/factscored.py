"""Hand-made answers as the judge of atomic facts annotates them."""

from __future__ import annotations

from collections.abc import Sequence

from maskdpo_xtuner.annotators.factscore.annotator import outcome_of
from maskdpo_xtuner.records import AnnotatedResponse, Fact, Sentence
from tests.evaluation.answers import answer

REPLIES = {'+': 'True', '-': 'False', '?': 'The text is about cats.'}
SUPPORTED = {'+': True, '-': False, '?': None}


def fact(mark: str, reply: str | None = None) -> Fact:
    """A fact that is supported (``+``), is not (``-``), or has an unreadable verdict (``?``)."""
    failure = 'unparsed: verdict: hm' if mark == '?' else None
    reply = REPLIES[mark] if reply is None else reply
    return Fact(text='It is so.', supported=SUPPORTED[mark], failure=failure, reply=reply)


def factscored(sentences: Sequence[str], question_id: str = 'q', run: int = 0) -> AnnotatedResponse:
    """Make an answer of sentences with a fact a mark; ``''`` has none, ``'unparsed: x'`` fails."""
    plain = answer(question_id, run, '+' * len(sentences))
    found = [
        _sentence(place, marks) for place, marks in zip(plain.sentences, sentences, strict=True)
    ]
    return plain.model_copy(update={'sentences': tuple(found)})


def _sentence(place: Sentence, marks: str) -> Sentence:
    if ':' in marks:
        return Sentence(start=place.start, end=place.end, failure=marks)
    facts = tuple(map(fact, marks))
    label, failure = outcome_of(facts)
    return Sentence(start=place.start, end=place.end, label=label, failure=failure, facts=facts)
