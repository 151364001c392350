"""Spans that are marked in an answer as hallucinated, by a token classifier or by anything else."""

from maskdpo_xtuner.annotators.spans.annotator import SpanAnnotator
from maskdpo_xtuner.annotators.spans.files import ResponseSpans, SpanFile

__all__ = ['ResponseSpans', 'SpanAnnotator', 'SpanFile']
