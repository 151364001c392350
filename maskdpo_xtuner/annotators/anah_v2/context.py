"""The annotator's context: conversations measured in its tokens, long documents shortened to it.

What is kept of a document that is too long are the passages most relevant to question and sentence
by BM25 (Robertson and Zaragoza, 2009; Lucene's variant as in the package bm25s), in the order of
the document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from maskdpo_xtuner.chat_templates import ChatTemplate
from maskdpo_xtuner.records import Language, Message
from maskdpo_xtuner.splitters import split_sentences

PASSAGE_LENGTH = 400  # characters, so that a kept passage is a few sentences
GAP = '\n...\n'

_TERM = re.compile(r'(?P<cjk>[\u3400-\u4dbf\u4e00-\u9fff]+)|[^\W\u3400-\u4dbf\u4e00-\u9fff]+')


@dataclass(frozen=True)
class Context:
    """A model's context: ``length`` tokens, of the prompt and the answer together."""

    length: int
    template: ChatTemplate

    def fits(self, messages: Sequence[Message], reserve: int) -> bool:
        """Whether ``messages`` leave ``reserve`` tokens for what follows."""
        room = self.length - reserve
        # A token stands for a byte at least, so most conversations need no tokenizing.
        if len(self.template.render(messages).encode()) <= room:
            return True
        return len(self.template.encode(messages)) <= room


@dataclass(frozen=True)
class Shortened:
    """What is left of a document: ``kept`` of its ``passages`` passages."""

    text: str
    kept: int
    passages: int


def shorten(
    document: str, language: Language, query: str, fits: Callable[[str], bool]
) -> Shortened | None:
    """Keep as many of the passages most relevant to ``query`` as fit.

    Returns:
        What is kept, in the order of the document, or None when not even one passage fits.
    """
    passages, index = _index(document, language)
    # The library refuses a query without terms; this one is in no passage.
    scores = index.get_scores(_terms(query) or ['?'])
    ranked = sorted(range(len(passages)), key=lambda place: (-scores[place], place))

    def text_of(count: int) -> str:
        return _join(document, sorted(passages[place] for place in ranked[:count]))

    # More passages are more tokens, so the largest number that fits is found by bisection.
    fitting, too_many = 0, len(passages) + 1
    while too_many - fitting > 1:
        middle = (fitting + too_many) // 2
        if fits(text_of(middle)):
            fitting = middle
        else:
            too_many = middle
    return Shortened(text_of(fitting), fitting, len(passages)) if fitting else None


@lru_cache(maxsize=64)
def _index(document: str, language: Language) -> tuple[list[tuple[int, int]], Any]:
    """The passages of a document and their BM25 index."""
    import bm25s

    passages = _split_passages(document, language)
    index = bm25s.BM25(method='lucene')
    index.index([_terms(document[start:end]) for start, end in passages], show_progress=False)
    return passages, index


def _split_passages(document: str, language: Language) -> list[tuple[int, int]]:
    """Runs of sentences of at most `PASSAGE_LENGTH` characters; a longer sentence is cut."""
    passages: list[tuple[int, int]] = []
    for sentence_start, sentence_end in split_sentences(document, language):
        for start in range(sentence_start, sentence_end, PASSAGE_LENGTH):
            end = min(start + PASSAGE_LENGTH, sentence_end)
            if passages and end - passages[-1][0] <= PASSAGE_LENGTH:
                passages[-1] = (passages[-1][0], end)
            else:
                passages.append((start, end))
    return passages


def _terms(text: str) -> list[str]:
    """Words in lower case; Chinese, which has no blanks to find words by, as pairs."""
    terms: list[str] = []
    for match in _TERM.finditer(text.casefold()):
        run = match['cjk']
        if run is None or len(run) == 1:
            terms.append(match[0])
        else:
            terms.extend(run[place : place + 2] for place in range(len(run) - 1))
    return terms


def _join(document: str, passages: Sequence[tuple[int, int]]) -> str:
    """The passages as they stand in the document, with `GAP` where something is left out."""
    parts: list[str] = []
    position = None
    for start, end in passages:
        if position not in (None, start):
            parts.append(GAP)
        parts.append(document[start:end])
        position = end
    return ''.join(parts)
