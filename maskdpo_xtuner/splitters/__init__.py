"""Splitters of text into sentences, by name and by language.

A splitter of your own: a function or an object like `Splitter` in your file, registered in
`maskdpo_xtuner.registry.SPLITTERS`, and ``annotator.splitter='its name'``.
"""

from __future__ import annotations

from maskdpo_xtuner.registry import SPLITTERS
from maskdpo_xtuner.splitters.base import Splitter, join_pieces
from maskdpo_xtuner.splitters.english_chinese import EnglishChinese, split_sentences
from maskdpo_xtuner.splitters.sentencex import Sentencex

__all__ = ['Splitter', 'find_splitter', 'join_pieces', 'split_sentences']

SPLITTERS.register_module('english_chinese', module=EnglishChinese())
SPLITTERS.register_module('sentencex', module=Sentencex())


def find_splitter(name: str) -> Splitter:
    """Give a splitter by its registered or dotted name.

    Raises:
        ValueError: for a name that leads to nothing that can be called.
    """
    splitter: Splitter = SPLITTERS.get(name)
    if not callable(splitter):
        raise ValueError(f'the splitter {name} cannot be called with a text and its language')
    return splitter
