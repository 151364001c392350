"""Reading a judge's answer: the markers that the config names, and no other words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Generic, Literal, TypeVar

from maskdpo_xtuner.annotators.asking import UnreadableAnswer
from maskdpo_xtuner.annotators.spoken import is_denied, spoken

Verdict = TypeVar('Verdict')
Rule = Literal['last', 'one']

# "3.", "- **3**:", "Sentence 3", "第3句": a number at the beginning, with one word before it.
_NUMBER = re.compile(r'\W*(?:[^\W\d_]+\W*)?(\d+)')


class Markers(Generic[Verdict]):
    """The marker of each verdict, and which of them counts in an answer.

    Markers are looked for as they are written, upper and lower case included. Where one begins or
    ends with a letter or a digit, no other may stand beside it: ``SUPPORTED`` is not found in
    "UNSUPPORTED". (Letters of scripts without upper case, which may have no blanks, excepted.)
    Of markers that overlap the longer one is read. Thoughts before the answer and a leaked stop
    token after it are not looked at.

    Args:
        markers: by verdict.
        rule: ``last``: the last marker counts, whatever the reasoning before it mentions. ``one``:
            an answer with markers of two verdicts cannot be read.
    """

    def __init__(self, markers: Mapping[Verdict, str], rule: Rule = 'last') -> None:
        self._verdicts = {marker: verdict for verdict, marker in markers.items()}
        self._rule = rule
        longest_first = sorted(self._verdicts, key=len, reverse=True)
        self._pattern = re.compile('|'.join(map(_apart, longest_first)))

    def read(self, text: str) -> Verdict:
        """Read an answer that gives one verdict.

        Raises:
            UnreadableAnswer: when there is no marker, when the words around it deny it, and by the
                rule ``one`` when there are different ones.
        """
        text = spoken(text)
        found = list(self._pattern.finditer(text))
        if not found:
            raise UnreadableAnswer('no marker', text)
        verdicts = [self._verdicts[match[0]] for match in found]
        if self._rule == 'one' and len(set(verdicts)) > 1:
            raise UnreadableAnswer('markers of more than one verdict', text)
        counted = found if self._rule == 'one' else found[-1:]
        if any(is_denied(text, *match.span()) for match in counted):
            raise UnreadableAnswer('a denied marker', text)
        return verdicts[-1]

    def read_lines(self, text: str, count: int) -> dict[int, Verdict]:
        """Read an answer about ``count`` sentences, a line with number and marker for each.

        A line says by the number at its beginning which sentence it is about; lines without a
        number there, or without a marker behind it, are reasoning.

        Returns:
            Verdicts by sentence, counted from 0; sentences without a readable line are missing.

        Raises:
            UnreadableAnswer: for a verdict on a sentence that there is not: then the numbers of
                the other lines cannot be trusted either.
        """
        said: dict[int, list[str]] = {}
        for line in spoken(text).splitlines():
            number = _NUMBER.match(line)
            if number is None or not self._pattern.search(line, number.end()):
                continue
            if not 1 <= int(number[1]) <= count:
                raise UnreadableAnswer(f'a verdict on sentence {number[1]} of {count}', line)
            said.setdefault(int(number[1]) - 1, []).append(line[number.end() :])
        verdicts = {place: self._read_or_none('\n'.join(lines)) for place, lines in said.items()}
        return {place: verdict for place, verdict in verdicts.items() if verdict is not None}

    def _read_or_none(self, text: str) -> Verdict | None:
        try:
            return self.read(text)
        except UnreadableAnswer:
            return None


def check_markers(markers: Mapping[Verdict, str]) -> None:
    """Refuse markers that cannot be told apart, or cannot stand on a line.

    Raises:
        ValueError: for a blank marker, one of several lines, and one of two verdicts.
    """
    if any(not marker.strip() or '\n' in marker for marker in markers.values()):
        raise ValueError('a marker is a text on one line, not a blank one')
    twice = [marker for marker, times in Counter(markers.values()).items() if times > 1]
    if twice:
        raise ValueError(f'{twice[0]} is the marker of two verdicts; give each its own')


def _apart(marker: str) -> str:
    before = r'(?<![^\W_])' if _joins(marker[0]) else ''
    after = r'(?![^\W_])' if _joins(marker[-1]) else ''
    return f'{before}{re.escape(marker)}{after}'


def _joins(char: str) -> bool:
    """Tell whether a character makes one word with the letters beside it."""
    return char.isdigit() or char.lower() != char.upper()
