"""FActScore (Min et al. 2023, arXiv 2305.14251): atomic facts, verified one by one."""

from maskdpo_xtuner.annotators.factscore.annotator import FactScoreAnnotator
from maskdpo_xtuner.annotators.factscore.demonstrations import (
    Demonstrations,
    own_demonstrations,
    read_demonstrations,
    write_demonstrations,
)
from maskdpo_xtuner.annotators.factscore.retrieval import Retriever
from maskdpo_xtuner.annotators.factscore.upstream import read_official_demonstrations

__all__ = [
    'Demonstrations',
    'FactScoreAnnotator',
    'Retriever',
    'own_demonstrations',
    'read_demonstrations',
    'read_official_demonstrations',
    'write_demonstrations',
]
