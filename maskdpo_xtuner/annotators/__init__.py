"""Annotators that label the sentences of answers against a document, behind one protocol."""

from maskdpo_xtuner.annotators.base import Annotator, Dialogue, SentenceAnnotator, check_languages
from maskdpo_xtuner.annotators.lexical import LexicalAnnotator

__all__ = ['Annotator', 'Dialogue', 'LexicalAnnotator', 'SentenceAnnotator', 'check_languages']
