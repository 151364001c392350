"""A rule of pairs: the best against the worst answer, if their scores are far enough apart."""

from itertools import islice

from maskdpo_xtuner.pairing import by_rank
from maskdpo_xtuner.registry import PAIRINGS


@PAIRINGS.register_module('margin')
@by_rank
def margin(candidates, rules):
    least = rules.options.get('least', 0.5)
    return islice((pair for pair in candidates if pair.margin >= least), 1)


margin.identity = {'version': '1'}
