"""FActScore counted by the rules of its release, so that published numbers can be set beside it.

The rules are those of the package ``factscore`` 0.2.0 (Min et al. 2023, arXiv 2305.14251;
https://github.com/shmsw25/FActScore): a penalty for few facts, a verdict read out of any reply, an
empty one too, and abstentions that are looked for on demand. `metrics` has our own counting: no
penalty, what cannot be read is counted apart.

What our judge could not find out is left out here and counted: a topic without a page ends the
release's run, as a request that failed does. Facts that could not be read are none, as there.
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Iterable, Mapping
from statistics import fmean
from typing import Literal

from maskdpo_xtuner.evaluation.counts import refuse_partial
from maskdpo_xtuner.records import AnnotatedResponse, Fact, Record, Sentence

Abstain = Literal['off', 'generic']
GAMMA = 10.0
"""Default of the release: answers of so many facts or fewer are penalised."""
_DENIALS = frozenset({'not', 'cannot', 'unknown', 'information'})
_NO_PUNCTUATION = str.maketrans('', '', string.punctuation)


class OfficialScores(Record):
    """What the release prints, as shares of 1; None where there is no answer to take it from.

    Attributes:
        score: mean over answers with facts of the share of supported facts times the penalty.
        init_score: the same without the penalty.
        respond_ratio: share of answers with facts.
        facts_per_response: mean over answers with facts.
        gamma: of the penalty; 0 for none.
        abstain: how abstentions were looked for.
        responses: answers that were counted.
        abstained: those among them that were taken for abstentions.
        left_out: further answers, on topics without a page or with a request that failed.
        unreadable_facts: sentences counted as without facts because theirs could not be read.
        unreadable_verdicts: facts counted whose verdict our own reading refuses.
    """

    score: float | None
    init_score: float | None
    respond_ratio: float | None
    facts_per_response: float | None
    gamma: float
    abstain: Abstain
    responses: int
    abstained: int
    left_out: int
    unreadable_facts: int
    unreadable_verdicts: int


def official_scores(
    responses: Iterable[AnnotatedResponse], gamma: float = GAMMA, abstain: Abstain = 'off'
) -> OfficialScores:
    """Count answers that the judge ``factscore`` annotated as the release would.

    Args:
        responses: of one model, which may be several an item.
        gamma: of the penalty (`length_penalty`); 0 turns it off.
        abstain: whether answers that decline are taken for ones without facts (`ABSTENTIONS`).

    Raises:
        ValueError: for answers whose sentences have no facts: another judge's.
    """
    responses = list(responses)
    _refuse_others(responses)
    counted = [response for response in responses if not _is_left_out(response)]
    abstains = ABSTENTIONS[abstain]
    spoken = [response for response in counted if not abstains(response.text)]
    facts = [_facts_of(response) for response in spoken]
    verdicts = [[official_verdict(fact) for fact in some] for some in facts if some]
    return OfficialScores(
        score=_mean([fmean(some) * length_penalty(len(some), gamma) for some in verdicts]),
        init_score=_mean([fmean(some) for some in verdicts]),
        respond_ratio=len(verdicts) / len(counted) if counted else None,
        facts_per_response=_mean([len(some) for some in verdicts]),
        gamma=gamma,
        abstain=abstain,
        responses=len(counted),
        abstained=len(counted) - len(spoken),
        left_out=len(responses) - len(counted),
        unreadable_facts=sum(s.facts is None for response in spoken for s in response.sentences),
        unreadable_verdicts=sum(fact.supported is None for some in facts for fact in some),
    )


def length_penalty(facts: int, gamma: float = GAMMA) -> float:
    """Factor of an answer of so many facts: 1 above ``gamma``, else exp(1 - gamma / facts)."""
    return 1.0 if facts > gamma else math.exp(1 - gamma / facts)


def official_verdict(fact: Fact) -> bool:
    """Read the reply of the verifier as the release does; it always finds a verdict.

    A fact without a reply has the verdict of its judge.
    """
    if fact.reply is None:
        return bool(fact.supported)
    said = fact.reply.lower()
    true, false = said.find('true'), said.find('false')
    if true >= 0 or false >= 0:
        return true > false
    return not _DENIALS & set(said.translate(_NO_PUNCTUATION).split())


def _abstains_generic(text: str) -> bool:
    return text.startswith("I'm sorry") or 'provide more' in text


def _never(text: str) -> bool:
    return False


ABSTENTIONS: Mapping[Abstain, Callable[[str], bool]] = {
    'off': _never,
    'generic': _abstains_generic,
}
"""How the release looks for abstentions; it does not by default."""


def _mean(values: list[float] | list[int]) -> float | None:
    return fmean(values) if values else None


def _facts_of(response: AnnotatedResponse) -> list[Fact]:
    return [fact for sentence in response.sentences for fact in sentence.facts or ()]


def _is_left_out(response: AnnotatedResponse) -> bool:
    return any(map(_was_not_asked, response.sentences))


def _was_not_asked(sentence: Sentence) -> bool:
    """Tell whether the release would have no reply either."""
    failures = [sentence.failure, *(fact.failure for fact in sentence.facts or ())]
    return any(failure and not failure.startswith('unparsed:') for failure in failures)


def _refuse_others(responses: list[AnnotatedResponse]) -> None:
    for response in responses:
        refuse_partial(response)
    sentences = [sentence for response in responses for sentence in response.sentences]
    for sentence in sentences:
        if sentence.label is not None and sentence.facts is None:
            raise ValueError(
                'there are sentences with a label and without facts; this counts answers that the '
                'judge factscore annotated'
            )
