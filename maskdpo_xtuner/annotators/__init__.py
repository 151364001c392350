"""Annotators that label sentences against a document, behind one protocol."""

from maskdpo_xtuner.annotators.base import Annotator, Dialogue
from maskdpo_xtuner.annotators.lexical import LexicalAnnotator

__all__ = ['Annotator', 'Dialogue', 'LexicalAnnotator']
