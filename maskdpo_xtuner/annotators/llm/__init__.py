"""Any language model as the judge, with a prompt and markers of the user's."""

from maskdpo_xtuner.annotators.llm.annotator import LLMAnnotator

__all__ = ['LLMAnnotator']
