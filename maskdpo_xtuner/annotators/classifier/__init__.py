"""A sequence classifier as the judge: does a passage of the document entail the sentence?"""

from maskdpo_xtuner.annotators.classifier.annotator import ClassifierAnnotator

__all__ = ['ClassifierAnnotator']
