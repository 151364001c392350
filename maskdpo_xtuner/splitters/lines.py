"""Which lines begin something new: a paragraph, a list item, a heading, a line of its own.

A line break within a paragraph is a soft wrap, and the sentence runs on, or the end of what the
line says. What stands at the ends of both lines decides: a capital, a number or a key with a colon
after a line without terminator begins something new; lower case and what follows a comma or an
article runs on. Prose wrapped at a width shows it: nowhere did the next word find room.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from maskdpo_xtuner.splitters.base import split_words

CJK = re.compile('[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]')
BULLETS = '•·●○◦▪▫■□◆◇▶►▸➢➤‣⁃∙'
TERMINATORS = '.!?。！？；｡…'
CLOSERS = '"\'”’»」』）)\\]】》〉*_~`'

_SHORT = 30  # characters: nothing is wrapped at so narrow a width
_NARROW = {False: 20, True: 16}  # the narrowest width of wrapped prose; True: Chinese

_LINE = re.compile(r'[^\n]*\n|[^\n]+')
_CLOSED_LINE = re.compile(
    r"""\s*(?: \#{1,6}\s                       # heading
             | \*\*[^*\n]+\*\*[:：]?\s*$       # a bold line in the place of a heading
             | \|                              # table row
             | ```|~~~                         # fenced code, hidden into one line
             | [-=*_]{3,}\s*$                  # underline of a heading, or a rule
             )""",
    re.X,
)
_LIST_ITEM = re.compile(
    rf"""\s*(?: (?:[-*+{BULLETS}]|\d{{1,3}}(?:\.?\)|\.)|[a-z][.)]|[A-Z]\))\s
             | [{BULLETS}]\w
             | (?:\d{{1,3}}[、．）]|[一二三四五六七八九十]{{1,3}}、|[①-⑳])
             | [（(](?:[\divx一二三四五六七八九十]{{1,3}}|[A-Za-z])[）)]
             )""",
    re.X,
)
_KEY = re.compile(r'[*_]{0,3}[^\W\d_][^\s:：]{0,30}(?: [^\s:：]{1,30}){0,3}[:：][*_]{0,3}(?:\s|$)')
_FIRST_WORD = re.compile(r'([*_"\'“‘«「『（(【\[《<#@$€£¥~]*)(\S?)')
_LAST_WORD = re.compile(r'[^\W\d_]+$')
_RUNS_ON_AFTER = tuple(',;，、-–—([{（【“‘「『=&+/')
_RUNS_ON_BEFORE = frozenset('=≈≤≥<>&\\/|+×÷}])）】”」』》.,;:，、。：；!?！？%')
_RUN_ON_WORDS = split_words(
    'the a an of and or nor with from by than between into at to in on for as its their his her '
    'my our your this these'
)


class _Line(NamedTuple):
    """A line that is not blank: where it starts after its indentation, and what it says."""

    start: int
    indent: int
    text: str
    is_closed: bool
    is_item: bool

    @property
    def is_ended(self) -> bool:
        """Whether a terminator ends it; then that decides, and not the line."""
        return self.text.rstrip(CLOSERS).endswith(tuple(TERMINATORS))

    @property
    def runs_on(self) -> bool:
        """Whether its last sign or word cannot stand at an end."""
        word = _LAST_WORD.search(self.text[-_SHORT:])
        return self.text.endswith(_RUNS_ON_AFTER) or (
            word is not None and word.group() in _RUN_ON_WORDS
        )

    @property
    def is_key(self) -> bool:
        """Whether it begins as ``Melting point: ...``."""
        return _KEY.match(self.text) is not None

    @property
    def first(self) -> str:
        """Its first letter, digit or sign behind what opens a quotation or a bracket."""
        found = _FIRST_WORD.match(self.text)
        assert found is not None, 'the pattern matches the empty string'
        return found[2]


def blocks(text: str) -> Iterator[tuple[int, int, bool]]:
    """Give ``(start, end, closed)`` of each block; a closed one is never split further."""
    start, closed = 0, False
    for number, line in enumerate(_first_lines(text)):
        if number and line.start > start:
            yield start, line.start, closed
            start = line.start
        closed = line.is_closed
    yield start, len(text), closed


def _first_lines(text: str) -> Iterator[_Line]:
    """Give the line that each block starts with."""
    for group in _groups(text):
        yield group[0]
        if len(group) > 1:
            yield from _lines_of_their_own(group)


def _groups(text: str) -> Iterator[list[_Line]]:
    """Gather lines up to a blank one, a list item, or what is closed."""
    group: list[_Line] = []
    for match in _LINE.finditer(text):
        raw = match.group()
        if raw.isspace():
            if group:
                yield group
            group = []
            continue
        line = _read(raw, match.start())
        if group and _is_apart(group[0], line):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _read(raw: str, start: int) -> _Line:
    indent = len(raw) - len(raw.lstrip())
    is_closed = _CLOSED_LINE.match(raw) is not None
    is_item = not is_closed and _LIST_ITEM.match(raw) is not None
    return _Line(start + indent, indent, raw.strip(), is_closed, is_item)


def _is_apart(first: _Line, line: _Line) -> bool:
    """Tell whether ``line`` cannot belong to the lines that begin with ``first``."""
    return first.is_closed or line.is_closed or line.is_item


def _lines_of_their_own(group: Sequence[_Line]) -> Iterator[_Line]:
    wrapped, listed = _is_wrapped(group), _is_bare_list(group)
    for before, line in pairwise(group):
        if before.is_ended or before.runs_on or line.first in _RUNS_ON_BEFORE:
            continue
        if line.first.islower():
            leaves_list = group[0].is_item and line.indent == 0 and len(before.text) < _SHORT
            begins = listed or leaves_list or _is_next_key(before, line)
        else:
            begins = not wrapped
        if begins:
            yield line


def _is_next_key(before: _Line, line: _Line) -> bool:
    """Tell whether a line in lower case is a key beside another; prose may have a colon as well."""
    after_key = before.is_key or before.text.endswith((':', '：'))
    return line.is_key and (after_key or len(before.text) < _SHORT)


def _is_bare_list(group: Sequence[_Line]) -> bool:
    """Tell whether the lines are short entries without marks: "flour", "brown sugar", "salt"."""
    return not group[0].is_item and all(
        len(line.text) < _SHORT and not (line.is_ended or line.runs_on or _opens_running(line))
        for line in group
    )


def _opens_running(line: _Line) -> bool:
    return line.text.partition(' ')[0] in _RUN_ON_WORDS


def _is_wrapped(group: Sequence[_Line]) -> bool:
    """Tell whether the lines are prose wrapped at a width, which some show by running on."""
    lengths = [line.indent + len(line.text) for line in group]
    width = max(lengths)
    pairs = list(zip(lengths, group[1:], strict=False))
    is_chinese = CJK.search(group[0].text) is not None
    if lengths[0] < _NARROW[is_chinese] or any(n + _needs(line) <= width for n, line in pairs):
        return False
    if is_chinese:
        return group[-1].is_ended or len(group) > 3
    return any(line.first.islower() and not before.is_ended for before, line in pairwise(group))


def _needs(line: _Line) -> int:
    """Characters that the first word of a line would have needed on the line before."""
    # A mark may not begin a Chinese line, so the line before may be one short.
    return 2 if CJK.match(line.text) else 1 + len(line.text.partition(' ')[0])
