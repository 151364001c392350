"""English and Chinese text into character spans that together cover it exactly.

The text is cut in two steps. Lines give blocks: paragraphs, list items, headings, table rows and
fenced code. Within a paragraph or a list item every run of terminators is judged by what stands
directly before and after it. Both steps look at a bounded context only, so time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from maskdpo_xtuner.splitters.base import join_pieces, split_words
from maskdpo_xtuner.splitters.lines import BULLETS, CJK, CLOSERS, TERMINATORS, blocks
from maskdpo_xtuner.splitters.quoting import is_in_title, runs_on_behind_quotation

# A name or an example follows: these end a sentence only before one of SENTENCE_STARTERS.
ABBREVIATIONS_BEFORE_NAMES = split_words(
    'dr mr mrs ms mx messrs prof st mt ft gen col capt lt sgt maj adm cmdr gov sen rep pres hon '
    'rev fr vs cf viz al ph.d dept univ esp incl mlle mme jr sr'
)
# A number or the rest of the sentence follows: these end one only before a capital.
ABBREVIATIONS_BEFORE_NUMBERS = split_words(
    'no nos n° nº fig figs eq eqs p pp vol vols ch chap sec sect art para ed eds approx ca c circa '
    'est jan feb mar apr jun jul aug sep sept oct nov dec etc inc ltd co corp bros ave blvd rd '
    'max min avg temp abbr alt resp lb lbs oz hr hrs mins kg km cm mm'
)
SENTENCE_STARTERS = split_words(
    'the an it its he she his her they their we our you your my this that these those there here '
    'in on at by for from with without when while where after before during since until although '
    'though because if as however but and or so then thus therefore also both some many most one '
    'each all such what why how is are was were do does did not another today later'
)
# After these a single letter is itself what is meant ("the symbol is K."), not an initial.
WORDS_BEFORE_LETTERS = split_words(
    'is symbol vitamin type class grade group plan option letter phase point'
)

_OPENERS = '"\'“‘«「『（(\\[【《〈*_~`>#'
_SIGNS_BEFORE_NUMBERS = frozenset('$€£¥₩₹<>~≈±+−')

# The guards against neighbouring backticks keep both patterns from retrying a long run of them.
_FENCED_CODE = re.compile(
    r'^([ \t]*)(`{3,}(?=[^`\n]*$)|~{3,})[^\n]*(?:\n(?s:.*?)(?:^[ \t]*\2[`~]*[ \t]*$|\Z)|\Z)', re.M
)
_INLINE_CODE = re.compile(r'(?<!`)(`{1,2})(?!`)[^`\n]+\1(?!`)')
_DISPLAY_MATH = re.compile(
    r'\\\[(?:[^\\]|\\(?![\[\]]))*\\\]|^[ \t]*\$\$[^$\n]*(?:\n[^$\n]+)*\n?[ \t]*\$\$[ \t]*$', re.M
)

# A first sign and the rest of its kind; the first kind is an ellipsis with blanks, ". . .".
_TERMINATOR = re.compile(
    rf'[{TERMINATORS}](?:(?<=\.)(?: \.){{2,}}|(?<=[.!?])[.!?]*|[。！？；｡…!?]*)[{CLOSERS}]*'
)
_FOLLOWING = re.compile(rf'(\s*)[{_OPENERS}]*(\w?)')
_LATIN_WORD = re.compile('[A-Za-z\u00c0-\u024f]+')
_ENUMERATOR = re.compile(r'\d{1,3}(?:\.\d{1,3}){0,3}|[ivx]{1,4}|[IVX]{1,4}|[A-Za-z]')
_ROMAN_NUMBER = re.compile(r'[IVX]{2,5}\b')
_MARKS_OF_ITEMS = frozenset('-*+–—' + BULLETS)
_INLINE_ITEM = re.compile(
    rf"""(?:(?<=\s)|^)(?:[{BULLETS}]\s*)?\(?(\d{{1,2}}|[a-z])
         (\.?\) | \.(?=\s+[{_OPENERS}]*[^\Wa-z_]))\s+(?=\S)""",
    re.M | re.X,
)
# "Step 2." is no item of a list, nor is "of 2."
_WORDS_BEFORE_NUMBERS = split_words(
    'step steps chapter section part figure table question answer grade phase type version act '
    'scene volume day page week year level class group book rule stage model and or of to in at is '
    'was are were the by from with about than over under between until'
)
_TITLES = split_words('mr mrs ms dr prof')
_CONTINUATION = frozenset(',;:.!?，、：；。！？…')
_CONTEXT = 40  # characters looked at before a full stop: two words


class EnglishChinese:
    """The splitter of the two languages that ANAH-v2 speaks."""

    identity = {'name': 'english_chinese', 'version': '3'}
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
    for start, end, closed in blocks(hidden):
        yield start
        if not closed:
            bounds = [start, *_inline_items(hidden, start, end), end]
            for first, last in pairwise(bounds):
                if first > start:
                    yield first
                yield from _starts_within(hidden, first, last)


def _hide_code(text: str) -> str:
    """Overwrite code and formulas with letters, length unchanged: nothing there ends anything."""
    if '```' in text or '~~~' in text:
        text = _FENCED_CODE.sub(_hide_fence, text)
    if '`' in text:
        text = _INLINE_CODE.sub(lambda m: '`' + 'x' * (len(m[0]) - 1), text)
    if '\\[' in text or '$$' in text:
        text = _DISPLAY_MATH.sub(lambda m: m[0][0] + 'x' * (len(m[0]) - 1), text)
    return text


def _hide_fence(code: re.Match[str]) -> str:
    indent, fence = code.groups()
    return indent + fence[:3] + 'x' * (len(code[0]) - len(indent) - 3)


def _inline_items(text: str, start: int, end: int) -> Iterator[int]:
    """Give where the second and further items of a list within one line start."""
    head = _INLINE_ITEM.match(text, start, end)
    if head is None:
        return
    number, mark = head.groups()
    for item in _INLINE_ITEM.finditer(text, head.end(), end):
        before = text[max(start, item.start() - _CONTEXT) : item.start()].split()
        if item.groups() == (_next_number(number), mark) and (
            before[-1].lower() not in _WORDS_BEFORE_NUMBERS
        ):
            number = item[1]
            yield item.start()


def _next_number(number: str) -> str:
    return str(int(number) + 1) if number.isdigit() else chr(ord(number) + 1)


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
    after = following.end(1)
    if not space and text[after] in _CONTINUATION:
        return False
    if len(run) > 1 and runs_on_behind_quotation(text, run, after):
        return False
    if run[0] != '.' and is_in_title(text, start, terminator.start()):
        return False
    if run[0] in '。！？；｡':
        return True
    if not space and not CJK.match(first):
        return False
    if run.startswith('. .'):
        return run.count('.') > 3 and not first.islower()
    if run[0] == '.' and not run.startswith('..'):
        return _full_stop_ends_sentence(text, start, terminator, following)
    return not first.islower()


def _full_stop_ends_sentence(
    text: str, start: int, terminator: re.Match[str], following: re.Match[str]
) -> bool:
    stop, first = terminator.start(), following.group(2)
    if not following.group(1) and not _LATIN_WORD.fullmatch(text[stop - 2 : stop]):
        return False  # "U.S.的", "1.金" run on; "gold.然后" does not
    words = _words_before(text, start, stop)
    if _is_enumerator(words):
        return False
    word = words[-1].lower()
    initials = all(len(part) == 1 and part.isalpha() for part in word.split('.'))
    before_name = initials or word in ABBREVIATIONS_BEFORE_NAMES
    abbreviation = before_name or word in ABBREVIATIONS_BEFORE_NUMBERS
    if first.islower():
        return not abbreviation and terminator.group() == '.'
    if _is_number(text, following):
        return not abbreviation
    if abbreviation and text[following.end(1)] in '(（[':
        return False
    if word in ('a.m', 'p.m') and len(words) > 3:
        before_name = not _is_word_of(text, following, _TITLES)
    return (
        not before_name
        or _is_letter_itself(words)
        or _is_word_of(text, following, SENTENCE_STARTERS)
    )


def _words_before(text: str, start: int, stop: int) -> list[str]:
    """Give the last words of a sentence, without marks of items and opening marks; at least one."""
    words = text[max(start, stop - _CONTEXT) : stop].split()
    return [word.strip(_OPENERS + BULLETS) for word in words if word not in _MARKS_OF_ITEMS] or ['']


def _is_number(text: str, following: re.Match[str]) -> bool:
    """Tell whether a number follows, or the sign of a currency or a comparison before one."""
    at, first = following.start(2), following.group(2)
    if first:
        return (first.isnumeric() and not CJK.match(first)) or (
            _ROMAN_NUMBER.match(text, at, following.endpos) is not None
        )
    return at < following.endpos and text[at] in _SIGNS_BEFORE_NUMBERS


def _is_enumerator(words: list[str]) -> bool:
    """Tell whether the last word numbers what follows: "2." opens, "1." follows a colon."""
    if len(words) == 1:
        return _ENUMERATOR.fullmatch(words[-1]) is not None
    return words[-2].endswith((':', '：')) and words[-1] in ('1', 'a', 'A', 'i')


def _is_letter_itself(words: list[str]) -> bool:
    return len(words[-1]) == 1 and len(words) > 1 and words[-2].lower() in WORDS_BEFORE_LETTERS


def _is_word_of(text: str, following: re.Match[str], words: frozenset[str]) -> bool:
    word = _LATIN_WORD.match(text, following.start(2), following.endpos)
    return word is not None and word.group().lower() in words
