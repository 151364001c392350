"""Annotators that label sentences against a document, behind one protocol."""

from maskdpo_xtuner.annotators.base import Annotator, Dialogue

__all__ = ['Annotator', 'Dialogue']
