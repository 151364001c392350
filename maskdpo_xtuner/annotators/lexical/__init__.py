"""The annotator that needs no model: clauses are looked up among the points of the document."""

from maskdpo_xtuner.annotators.lexical.annotator import LexicalAnnotator

__all__ = ['LexicalAnnotator']
