"""Reading the annotator's answers: the published markers, and nothing that only looks like one.

The prompts put quotation marks of their own around the markers, and a model may echo them, write
full-width brackets or blanks, add words, or leave the brackets out. The tolerant reading takes all
of that, as long as no added word could turn the meaning: beside the marker stands nothing but words
that say that it holds. An answer that denies or doubts anything, brackets two things or holds no
marker is no answer. Better no verdict than a wrong one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TypeVar

from maskdpo_xtuner.annotators.asking import UnreadableAnswer
from maskdpo_xtuner.annotators.asserting import MARKER, asserts, split_reason
from maskdpo_xtuner.annotators.spoken import spoken, takes_back, turns, without_quotations
from maskdpo_xtuner.records import Label
from maskdpo_xtuner.refusals import is_refusal


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
_EDGES = '<>' + _QUOTES + '.,;:!。，；：！、'
_BRACKETED = re.compile(r'<+([^<>]*)>+')
_SEGMENT_END = re.compile(r'[,.;:!?\n]|、|。|—')
# What the document does not say is the reason of Unverifiable, and denies nothing.
_NOT_IN_DOCUMENT = re.compile(
    r"""(?:\b(?:points?|references?|documents?|text|passages?|information|evidence)\b.*
           (?:\b(?:do(?:es)?|did)[ ]not|n['’]t)[ ](?:\w+ly[ ])?
           (?:name|mention|say|state|tell|give|contain|support|confirm|cover|include|address)\b
         |(?:要点|文档|参考|资料|信息|原文).{0,6}(?:没有|没|未|并未|并没有|不曾)
           (?:提到|提及|说明|说|给出|涉及|包含|支持|证实|记载))""",
    re.I | re.X,
)
# The Chinese for "differs from" is a denial by its words alone.
_DIFFERS = re.compile(r'(?<![不没无非未])(?:不同|不一致|不符合?|不相符|不吻合)')
# How a refusal begins, also one that stops there: a point of a document is in no first person.
_REFUSES = re.compile(
    r"""[\W_]*(?:(?:i['’]m|i[ ]am|we['’]re|we[ ]are)[ ](?:\w+[ ])?(?:sorry|afraid|unable)\b
        |sorry,|(?:my[ ])?apologies\b|i[ ]apologi[sz]e\b
        |as[ ]an?[ ](?:ai|(?:\w+[ ])?language[ ]model)\b
        |(?:i|we)[ ](?:can[ ]?not|can['’]t|must[ ]decline|will[ ]not|won['’]t)\b
        |(?:很|非常)?(?:抱歉|对不起)|作为(?:一个|一名)?(?:人工智能|AI|语言模型)|我(?:无法|不能))""",
    re.I | re.X,
)
_NOTHING = re.compile(r'[\W_]*(?:none|nothing|n/?a|nil|not applicable|没有|无)?[\W_]*', re.I)
SEPARATOR = '<SEP>'
_SEPARATOR = re.compile(r'[<＜〈《]\s*(?:sep|ＳＥＰ)\s*[>＞〉》]', re.I)


def read_existence(answer: str, tolerant: bool = True) -> Existence:
    """Read turn 1; thoughts before the answer and a leaked stop token after it are not read.

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

    Thoughts before the points are none of them.

    Raises:
        UnreadableAnswer: for an answer without text, for a refusal, and for one that says that
            there are none and goes on.
    """
    answer = spoken(answer)
    if _is_any(answer, NO_REFERENCE_MARKERS, tolerant):
        return ()
    if any(_key(marker) in _key(answer) for marker in NO_REFERENCE_MARKERS):
        raise UnreadableAnswer('"no reference information" among other text', answer)
    if _REFUSES.match(answer) or any(is_refusal(answer, language) for language in ('en', 'zh')):
        raise UnreadableAnswer('a refusal', answer)
    points = tuple(filter(None, map(str.strip, _SEPARATOR.split(answer))))
    if all(map(_NOTHING.fullmatch, points)):
        raise UnreadableAnswer('no text', answer)
    return points


def _read_marker(answer: str, markers: Mapping[str, Meaning], tolerant: bool) -> Meaning:
    answer = spoken(answer)
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
    if _could_turn(text, found, only):
        raise UnreadableAnswer('a denied or doubted marker', answer)
    return only


def _could_turn(text: str, markers: Sequence[re.Match[str]], meaning: Enum) -> bool:
    """Tell whether a word around the markers could turn the meaning that they have."""
    segments = _segments(text, markers)
    first = next(place for place, segment in enumerate(segments) if MARKER in segment)
    parts = [split_reason(segment) for segment in segments]
    if not all(asserts(head) for head, _ in parts if MARKER in head):
        return True
    explained = [_without_reasons(part, meaning) for both in parts for part in both]
    return any(map(turns, explained)) or any(map(takes_back, segments[first:]))


def _segments(text: str, markers: Sequence[re.Match[str]]) -> list[str]:
    """Give what stands between commas, stops and the like, each marker as `MARKER`."""
    for marker in reversed(markers):
        text = text[: marker.start()] + MARKER + text[marker.end() :]
    text = without_quotations(re.sub(rf'[{_QUOTES}]*{MARKER}[{_QUOTES}]*', MARKER, text))
    # A question mark doubts what it follows.
    return _SEGMENT_END.split(text.replace('?', ' or not,'))


def _without_reasons(segment: str, meaning: Enum) -> str:
    """Leave out of an explanation what has the words of a denial and is the reason for the type."""
    if MARKER not in segment and meaning is Label.UNVERIFIABLE:
        return _NOT_IN_DOCUMENT.sub(' ', segment)
    if MARKER not in segment and meaning is Label.CONTRADICTORY:
        return _DIFFERS.sub(' ', segment)
    return segment


def _is_any(answer: str, markers: tuple[str, ...], tolerant: bool) -> bool:
    """Tell whether the whole answer is one of the markers."""
    if tolerant:
        return _key(answer) in map(_key, markers)
    return answer.strip() in markers


def _straighten(text: str) -> str:
    """Give width variants their plain form, and other brackets that of angles."""
    return unicodedata.normalize('NFKC', text).translate(_ANGLES)


def _key(text: str) -> str:
    """Give what two spellings of one marker have in common."""
    return ''.join(_straighten(text).casefold().split()).strip(_EDGES)
