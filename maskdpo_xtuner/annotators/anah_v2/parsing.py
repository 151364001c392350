"""Reading the annotator's answers: the published markers, and nothing that only looks like one.

The prompts put quotation marks of their own around the markers, and a model may echo them, write
full-width brackets or blanks, add words, or leave the brackets out. The tolerant reading takes all
of that. An answer that brackets two things, denies its marker or holds none is no answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from maskdpo_xtuner.annotators.asking import UnreadableAnswer
from maskdpo_xtuner.records import Label


class Existence(Enum):
    """Answers of turn 1: is there something to check?"""

    NO_FACTS = 'no_facts'
    FACTS_PRESENT = 'facts_present'


Meaning = TypeVar('Meaning', bound=Enum)

EXISTENCE_MARKERS: Mapping[str, Existence] = {
    '<No Facts>': Existence.NO_FACTS,
    '<无事实>': Existence.NO_FACTS,
    '<Facts Present>': Existence.FACTS_PRESENT,
    '<有事实>': Existence.FACTS_PRESENT,
}
NO_REFERENCE_MARKERS = ('<No Reference Information>', '<无参考信息>')
TYPE_MARKERS: Mapping[str, Label] = {
    '<No Hallucination>': Label.NO_HALLUCINATION,
    '<无幻觉>': Label.NO_HALLUCINATION,
    '<Contradictory>': Label.CONTRADICTORY,
    '<矛盾>': Label.CONTRADICTORY,
    '<Unverifiable>': Label.UNVERIFIABLE,
    '<无法验证>': Label.UNVERIFIABLE,
}
# The name of the type in the published prompt, which asks for "<Contradictory>".
_SYNONYMS = {'<Contradiction>': Label.CONTRADICTORY}

_ANGLES = str.maketrans(dict.fromkeys('〈《‹«⟨≪【「『', '<') | dict.fromkeys('〉》›»⟩≫】」』', '>'))
_QUOTES = '"\'“”‘’`*'
_EDGES = '<>' + _QUOTES + '.,;:!?。，；：！？、'
_BRACKETED = re.compile(r'<+([^<>]*)>+')
_DENIAL = re.compile(
    rf"""(?:\b(?:not|never|neither|nor)(?:\s+an?)?|n['’]t(?:\s+an?)?|[不没非]|不是|不属于|没有|并非)
         [\s{_QUOTES}]*$""",
    re.I | re.X,
)
SEPARATOR = '<SEP>'
_SEPARATOR = re.compile(r'[<＜〈《]\s*(?:sep|ＳＥＰ)\s*[>＞〉》]', re.I)


def read_existence(answer: str, tolerant: bool = True) -> Existence:
    """Read turn 1.

    Args:
        answer: what the model wrote.
        tolerant: False takes a published marker alone, with white space around it.

    Raises:
        UnreadableAnswer: when no marker, or more than one, can be read.
    """
    return _read_marker(answer, EXISTENCE_MARKERS, tolerant)


def read_type(answer: str, tolerant: bool = True) -> Label:
    """Read turn 3, as `read_existence` does."""
    return _read_marker(
        answer, {**TYPE_MARKERS, **_SYNONYMS} if tolerant else TYPE_MARKERS, tolerant
    )


def read_points(answer: str, tolerant: bool = True) -> tuple[str, ...]:
    """Read turn 2: points of the document, or none when the model says that there are none.

    Raises:
        UnreadableAnswer: for an answer without text, and for one that says that there are none
            and goes on.
    """
    if _is_any(answer, NO_REFERENCE_MARKERS, tolerant):
        return ()
    if any(_key(marker) in _key(answer) for marker in NO_REFERENCE_MARKERS):
        raise UnreadableAnswer('"no reference information" among other text', answer)
    points = tuple(filter(None, map(str.strip, _SEPARATOR.split(answer))))
    if not points:
        raise UnreadableAnswer('no text', answer)
    return points


def _read_marker(answer: str, markers: Mapping[str, Meaning], tolerant: bool) -> Meaning:
    for marker, meaning in markers.items():
        if _is_any(answer, (marker,), tolerant):
            return meaning
    if not tolerant:
        raise UnreadableAnswer('not a marker', answer)
    text = _straighten(answer)
    known = {_key(marker): meaning for marker, meaning in markers.items()}
    found = list(_BRACKETED.finditer(text))
    # What is in brackets and is no marker stands for a meaning of its own, which is none of ours.
    meanings = {known.get(_key(match[1])) for match in found}
    if len(meanings) > 1:
        raise UnreadableAnswer('more than one thing in brackets', answer)
    only = meanings.pop() if meanings else None
    if only is None:
        raise UnreadableAnswer('no marker', answer)
    if any(_DENIAL.search(text[: match.start()]) for match in found):
        raise UnreadableAnswer('a denied marker', answer)
    return only


def _is_any(answer: str, markers: tuple[str, ...], tolerant: bool) -> bool:
    """Whether the whole answer is one of the markers."""
    if tolerant:
        return _key(answer) in map(_key, markers)
    return answer.strip() in markers


def _straighten(text: str) -> str:
    """Give width variants their plain form, and other brackets that of angles."""
    return unicodedata.normalize('NFKC', text).translate(_ANGLES)


def _key(text: str) -> str:
    """What two spellings of one marker have in common."""
    return ''.join(_straighten(text).casefold().split()).strip(_EDGES)
