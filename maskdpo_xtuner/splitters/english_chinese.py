"""English and Chinese text into character spans that together cover it exactly.

The text is cut in two steps. Lines give blocks: paragraphs, list items, headings, table rows and
fenced code. Within a paragraph or a list item every run of terminators is judged by what stands
directly before and after it. Both steps look at a bounded context only, so time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from maskdpo_xtuner.splitters.base import join_pieces


def _words(line: str) -> frozenset[str]:
    return frozenset(line.split())


# A name or an example follows: these end a sentence only before one of SENTENCE_STARTERS.
ABBREVIATIONS_BEFORE_NAMES = _words(
    'dr mr mrs ms mx messrs prof st mt ft gen col capt lt sgt maj adm cmdr gov sen rep pres hon '
    'rev fr vs cf viz al ph.d dept univ esp incl mlle mme'
)
# A number or the rest of the sentence follows: these end one only before a capital.
ABBREVIATIONS_BEFORE_NUMBERS = _words(
    'no nos fig figs eq eqs p pp vol vols ch chap sec sect art para ed eds approx ca c circa est '
    'jan feb mar apr jun jul aug sep sept oct nov dec etc inc ltd co corp bros jr sr ave blvd rd '
    'max min avg temp abbr alt resp lb lbs oz hr hrs mins kg km cm mm'
)
SENTENCE_STARTERS = _words(
    'the an it its he she his her they their we our you your my this that these those there here '
    'in on at by for from with without when while where after before during since until although '
    'though because if as however but and or so then thus therefore also both some many most one '
    'each all such what why how is are was were do does did not another today later'
)
# After these a single letter is itself what is meant ("the symbol is K."), not an initial.
WORDS_BEFORE_LETTERS = _words(
    'is symbol vitamin type class grade group plan option letter phase point'
)

_CLOSERS = '"\'”’»」』）)\\]】》〉*_~`'
_OPENERS = '"\'“‘«「『（(\\[【《〈*_~`>#'

# The guards against neighbouring backticks keep both patterns from retrying a long run of them.
_FENCED_CODE = re.compile(
    r'^([ \t]*)(`{3,}(?=[^`\n]*$)|~{3,})[^\n]*(?:\n(?s:.*?)(?:^[ \t]*\2[`~]*[ \t]*$|\Z)|\Z)', re.M
)
_INLINE_CODE = re.compile(r'(?<!`)(`{1,2})(?!`)[^`\n]+\1(?!`)')

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
    r"""\s*(?: (?:[-*+•·]|\d{1,3}[.)]|[a-z]\))\s
             | (?:\d{1,3}[、．]|[一二三四五六七八九十]{1,3}、)
             | [（(][\divx一二三四五六七八九十]{1,3}[）)]
             )""",
    re.X,
)

_TERMINATOR = re.compile(rf'(?:[.!?]+|[。！？；｡…!?]+)[{_CLOSERS}]*')
_FOLLOWING = re.compile(rf'(\s*)[{_OPENERS}]*(\w?)')
_CJK = re.compile('[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]')
_LATIN_WORD = re.compile('[A-Za-z\u00c0-\u024f]+')
_ENUMERATOR = re.compile(r'\d{1,3}|[ivx]{1,4}|[A-Za-z]')
_CONTINUATION = frozenset(',;:.!?，、：；。！？…')
_CONTEXT = 40  # characters looked at before a full stop: two words


class EnglishChinese:
    """The splitter of the two languages that ANAH-v2 speaks."""

    identity = {'name': 'english_chinese', 'version': '1'}
    languages = ('en', 'zh')

    def __call__(self, text: str, language: str) -> list[tuple[int, int]]:
        """Split as `split_sentences` does."""
        return split_sentences(text, language)


def split_sentences(text: str, language: str) -> list[tuple[int, int]]:
    """Split ``text`` into spans ``[start, end)``: in order, not empty, covering every character.

    White space belongs to the sentence before it, at the start of the text to the first one, and
    so does a piece without letter or digit (a lone rule, an emoji). A text of white space only is
    one span; an empty text has none. The rules of both languages always hold, so that mixed text
    is split as well; ``language`` is checked because no other language has rules here.

    Raises:
        ValueError: for a language that is neither ``en`` nor ``zh``.
    """
    if language not in EnglishChinese.languages:
        raise ValueError(
            f'sentences cannot be split in the language {language!r} but in en and zh; set '
            "splitter='sentencex' of the annotator for it, or a splitter of your own"
        )
    return join_pieces(text, _piece_starts(text)) if text else []


def _piece_starts(text: str) -> Iterator[int]:
    hidden = _hide_code(text)
    for start, end, closed in _blocks(hidden):
        yield start
        if not closed:
            yield from _starts_within(hidden, start, end)


def _hide_code(text: str) -> str:
    """Overwrite code with letters, length unchanged: nothing within it can then end anything."""
    text = _FENCED_CODE.sub(lambda m: m[1] + m[2][:3] + 'x' * (len(m[0]) - len(m[1]) - 3), text)
    return _INLINE_CODE.sub(lambda m: '`' + 'x' * (len(m[0]) - 1), text)


def _blocks(text: str) -> Iterator[tuple[int, int, bool]]:
    """Give ``(start, end, closed)`` of each block; a closed one is never split further."""
    start, closed, in_list, after_blank = 0, False, False, False
    for match in _LINE.finditer(text):
        line = match.group()
        if line.isspace():
            after_blank = True
            continue
        indent = len(line) - len(line.lstrip())
        is_closed = _CLOSED_LINE.match(line) is not None
        is_item = not is_closed and _LIST_ITEM.match(line) is not None
        leaves_list = in_list and indent == 0
        if after_blank or closed or is_closed or is_item or leaves_list:
            if match.start() + indent > start:
                yield start, match.start() + indent, closed
            start, closed, in_list = match.start() + indent, is_closed, is_item
        after_blank = False
    yield start, len(text), closed


def _starts_within(text: str, start: int, end: int) -> Iterator[int]:
    """Give where each sentence of the block ``text[start:end]`` but the first one starts."""
    for match in _TERMINATOR.finditer(text, start, end):
        following = _FOLLOWING.match(text, match.end(), end)
        assert following is not None, 'the pattern matches the empty string'
        if following.end(1) < end and _ends_sentence(text, start, match, following):
            start = following.end(1)
            yield start


def _ends_sentence(
    text: str, start: int, terminator: re.Match[str], following: re.Match[str]
) -> bool:
    run, space, first = terminator.group(), following.group(1), following.group(2)
    if not space and text[following.end(1)] in _CONTINUATION:
        return False
    if run[0] in '。！？；｡':
        return True
    if not space and not _CJK.match(first):
        return False
    if run[0] == '.' and not run.startswith('..'):
        return _full_stop_ends_sentence(text, start, terminator, following)
    return not first.islower()


def _full_stop_ends_sentence(
    text: str, start: int, terminator: re.Match[str], following: re.Match[str]
) -> bool:
    stop, first = terminator.start(), following.group(2)
    if not following.group(1) and not _LATIN_WORD.fullmatch(text[stop - 2 : stop]):
        return False  # "U.S.的", "1.金" run on; "gold.然后" does not
    words = [w.strip(_OPENERS) for w in text[max(start, stop - _CONTEXT) : stop].split()] or ['']
    if _is_enumerator(words):
        return False
    word = words[-1].lower()
    initials = all(len(part) == 1 and part.isalpha() for part in word.split('.'))
    before_name = initials or word in ABBREVIATIONS_BEFORE_NAMES
    abbreviation = before_name or word in ABBREVIATIONS_BEFORE_NUMBERS
    if first.islower():
        return not abbreviation and terminator.group() == '.'
    if first.isdigit():
        return not abbreviation
    return not before_name or _is_letter_itself(words) or _is_starter(text, following)


def _is_enumerator(words: list[str]) -> bool:
    """Whether the last word numbers what follows: "2." opens a sentence, "1." follows a colon."""
    if len(words) == 1:
        return _ENUMERATOR.fullmatch(words[-1]) is not None
    return words[-2].endswith((':', '：')) and words[-1] in ('1', 'a', 'A', 'i')


def _is_letter_itself(words: list[str]) -> bool:
    return len(words[-1]) == 1 and len(words) > 1 and words[-2].lower() in WORDS_BEFORE_LETTERS


def _is_starter(text: str, following: re.Match[str]) -> bool:
    word = _LATIN_WORD.match(text, following.start(2), following.endpos)
    return word is not None and word.group().lower() in SENTENCE_STARTERS
