"""Documents in passages, and which of them are relevant to a sentence.

Relevance is BM25 (Robertson and Zaragoza, 2009; Lucene's variant as in the package bm25s).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

PASSAGE_LENGTH = 400  # characters, so that a passage is a few sentences

# Scripts that put no blanks between words: Thai, Lao, Myanmar, Khmer, Japanese, Chinese.
UNSPACED = (
    r'\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff66-\uff9f'
)
_TERM = re.compile(rf'(?P<unspaced>[{UNSPACED}]+)|[^\W{UNSPACED}]+')


class Ranking:
    """Texts, and which of them are relevant to a query.

    Args:
        texts: what is ranked.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    def ranked(self, query: str) -> list[int]:
        """Give the places of all texts, the most relevant first; equal ones as they stand."""
        places = range(len(self._texts))
        terms = _terms(query)
        if len(places) == 1 or self._index is None or not terms:
            return list(places)
        scores = self._index.get_scores(terms)
        return sorted(places, key=lambda place: (-scores[place], place))

    @cached_property
    def _index(self) -> Any:
        """The BM25 index; None for texts without a single word."""
        import bm25s

        terms = [_terms(text) for text in self._texts]
        if not any(terms):
            return None
        index = bm25s.BM25(method='lucene')
        index.index(terms, show_progress=False)
        return index


class Passages:
    """The passages of a document.

    Args:
        document: the text.
        sentences: spans that together cover it, of a splitter.
        length: most characters of a passage; a longer sentence is cut.

    Attributes:
        spans: runs of whole sentences, together the document.
    """

    def __init__(
        self, document: str, sentences: Sequence[tuple[int, int]], length: int = PASSAGE_LENGTH
    ) -> None:
        self.document = document
        self.spans = _join_sentences(sentences, length)
        self._ranking = Ranking([document[start:end] for start, end in self.spans])

    def __len__(self) -> int:
        return len(self.spans)

    def ranked(self, query: str) -> list[int]:
        """Give the places of all passages, the most relevant first; equal ones as they stand."""
        return self._ranking.ranked(query)

    def best(self, query: str, count: int) -> list[str]:
        """Give the texts of the most relevant passages, the most relevant first."""
        spans = [self.spans[place] for place in self.ranked(query)[:count]]
        return [self.document[start:end].strip() for start, end in spans]


def _join_sentences(sentences: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    passages: list[tuple[int, int]] = []
    for sentence_start, sentence_end in sentences:
        for start in range(sentence_start, sentence_end, length):
            end = min(start + length, sentence_end)
            if passages and end - passages[-1][0] <= length:
                passages[-1] = (passages[-1][0], end)
            else:
                passages.append((start, end))
    return passages


def _terms(text: str) -> list[str]:
    """Words in lower case; where there are no blanks to find words by, pairs of characters."""
    terms: list[str] = []
    for match in _TERM.finditer(text.casefold()):
        run = match['unspaced']
        if run is None or len(run) == 1:
            terms.append(match[0])
        else:
            terms.extend(run[place : place + 2] for place in range(len(run) - 1))
    return terms
