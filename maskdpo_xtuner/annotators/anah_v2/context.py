"""The annotator's context: conversations measured in its tokens, long documents shortened to it.

What is kept of a document that is too long are the passages most relevant to question and sentence
(`maskdpo_xtuner.annotators.passages`), in the order of the document.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from maskdpo_xtuner.annotators.passages import Passages
from maskdpo_xtuner.chat_templates import ChatTemplate
from maskdpo_xtuner.records import Language, Message
from maskdpo_xtuner.splitters import split_sentences

GAP = '\n...\n'


@dataclass(frozen=True)
class Context:
    """A model's context: ``length`` tokens, of the prompt and the answer together."""

    length: int
    template: ChatTemplate

    def fits(self, messages: Sequence[Message], reserve: int) -> bool:
        """Tell whether ``messages`` leave ``reserve`` tokens for what follows."""
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
    passages = _passages(document, language)
    ranked = passages.ranked(query)

    def text_of(count: int) -> str:
        return _join(document, sorted(passages.spans[place] for place in ranked[:count]))

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
def _passages(document: str, language: Language) -> Passages:
    return Passages(document, split_sentences(document, language))


def _join(document: str, passages: Sequence[tuple[int, int]]) -> str:
    """Give the passages as they stand in the document, with `GAP` where something is left out."""
    parts: list[str] = []
    position = None
    for start, end in passages:
        if position not in (None, start):
            parts.append(GAP)
        parts.append(document[start:end])
        position = end
    return ''.join(parts)
