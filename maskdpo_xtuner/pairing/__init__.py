"""Scores of answers, and the rules that make preference pairs of them."""

from maskdpo_xtuner.pairing.chosen import chose_refusal, chose_unsupported
from maskdpo_xtuner.pairing.drops import DroppedQuestion, DropReason
from maskdpo_xtuner.pairing.making import make_pairs
from maskdpo_xtuner.pairing.rules import PAIRINGS
from maskdpo_xtuner.pairing.scores import NoFacts, factuality_score
from maskdpo_xtuner.pairing.settings import PairRules, PairSettings

__all__ = [
    'PAIRINGS',
    'DropReason',
    'DroppedQuestion',
    'NoFacts',
    'PairRules',
    'PairSettings',
    'chose_refusal',
    'chose_unsupported',
    'factuality_score',
    'make_pairs',
]
