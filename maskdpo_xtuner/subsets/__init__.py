"""Which questions of a set to train on: by topics, questions of each, distance, chance, a list."""

from maskdpo_xtuner.subsets import by_count, listed, near_far, random_halves  # registers them
from maskdpo_xtuner.subsets.asked import Asked
from maskdpo_xtuner.subsets.settings import SubsetChoice, SubsetSettings
from maskdpo_xtuner.subsets.split import Distance, Split

__all__ = [
    'Asked',
    'Distance',
    'Split',
    'SubsetChoice',
    'SubsetSettings',
    'by_count',
    'listed',
    'near_far',
    'random_halves',
]
