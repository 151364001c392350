"""Labels by a table of facts: what a sentence states is compared with its topic's row."""

from maskdpo_xtuner.annotators.table.annotator import TableAnnotator

__all__ = ['TableAnnotator']
