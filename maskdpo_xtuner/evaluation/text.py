"""The quality of a text by counting alone: how much of it repeats, how many answers differ.

A model that was pushed too far shows it here first: it loops within an answer, or gives the same
answer to every seed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# Chinese characters and kana: scripts that are written without blanks between words.
_UNSPACED = '\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff'
_TOKEN = re.compile(rf'[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]')


def repetition(text: str, n: int = 4) -> float | None:
    """Give rep-n: the share of a text's n-grams that have stood in it before.

    1 - different n-grams / all n-grams.

    Sources: Welleck et al. 2019 (arXiv 1908.04319, seq-rep-n; n is 4) and Su et al. 2022 (arXiv
    2202.06417, rep-n), both over a model's tokens and the latter in percent.

    Returns:
        A number in [0, 1); None for a text of fewer than ``n`` tokens, in which nothing can
        repeat.
    """
    found = ngrams(text, n)
    return 1 - len(set(found)) / len(found) if found else None


def ngrams(text: str, n: int) -> list[tuple[str, ...]]:
    """Give all runs of ``n`` tokens of a text, in order; none for a text of fewer.

    Tokens are words (case folded), single characters where Chinese is written, and single marks
    of punctuation: not those of a model, so that texts of models with different tokenizers can be
    compared.
    """
    tokens = _TOKEN.findall(text.casefold())
    return list(zip(*(tokens[start:] for start in range(n)), strict=False))


def distinct_share(texts: Sequence[str]) -> float:
    """Give the share of different texts among several: 1 for no two alike, 1 / n for n alike.

    White space and case make no difference. What distinct-n (Li et al. 2016, arXiv 1510.03055)
    is for n-grams, this is for whole answers, as of several runs to one question.

    Raises:
        ValueError: for no texts at all.
    """
    if not texts:
        raise ValueError('no texts, so no share of them is distinct')
    return len({' '.join(text.casefold().split()) for text in texts}) / len(texts)
