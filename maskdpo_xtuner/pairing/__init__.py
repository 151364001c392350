"""Scores of answers, and the rules that make preference pairs of them."""

from maskdpo_xtuner.pairing import all_pairs, best_worst, top_bottom  # registers them
from maskdpo_xtuner.pairing.by_rank import by_rank
from maskdpo_xtuner.pairing.chosen import chose_refusal, chose_unsupported
from maskdpo_xtuner.pairing.drops import DroppedQuestion, DropReason
from maskdpo_xtuner.pairing.making import as_pair, make_pairs
from maskdpo_xtuner.pairing.needed import Bounds, bounds_of, reads_all_scores, still_needed
from maskdpo_xtuner.pairing.scores import NoFacts, factuality_score
from maskdpo_xtuner.pairing.settings import PairRules, PairSettings

__all__ = [
    'Bounds',
    'DropReason',
    'DroppedQuestion',
    'NoFacts',
    'PairRules',
    'PairSettings',
    'all_pairs',
    'as_pair',
    'best_worst',
    'bounds_of',
    'by_rank',
    'chose_refusal',
    'chose_unsupported',
    'factuality_score',
    'make_pairs',
    'reads_all_scores',
    'still_needed',
    'top_bottom',
]
