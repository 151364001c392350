"""Whether two results may stand side by side: same questions, judge, prompts, K and decoding.

Levels belong to the judge: the same answers have been given 73, 60 and 50 % by three estimators
that agree on the order of models. So numbers of two judges, or of one judge asked in two wordings,
are not put into one table, and neither are those of different questions, K or decoding.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

from maskdpo_xtuner.evaluation.results import Evaluation, JudgeResult
from maskdpo_xtuner.experiments import describe_difference
from maskdpo_xtuner.records import Record

Aspect = Literal['questions', 'judge', 'k', 'decoding']


class Origin(Record):
    """What made a number, beside the model.

    Attributes:
        questions_sha256: hash of all that the questions and their documents say.
        judge: identity of the annotator: name, version, hash of its prompts, its model, ...
        k: of F1@K.
        decoding: temperature, top_k, top_p and max_new_tokens of the answers.
    """

    questions_sha256: str
    judge: dict[str, str]
    k: int
    decoding: dict[str, float]


class Obstacle(Record):
    """A reason why two numbers may not stand side by side."""

    aspect: Aspect
    reason: str


def origin_of(evaluation: Evaluation, result: JudgeResult) -> Origin:
    """Give what made the numbers of one judge on one set."""
    return Origin(
        questions_sha256=evaluation.questions_sha256,
        judge=result.annotator,
        k=evaluation.k,
        decoding=evaluation.sampling,
    )


def obstacles(one: Origin, other: Origin, allowed: Collection[Aspect] = ()) -> list[Obstacle]:
    """Everything that keeps two numbers apart; empty when they may stand side by side.

    Args:
        one: what made the first; `origin_of` gives it.
        other: what made the second.
        allowed: aspects that may differ: ``decoding`` where it is what is compared; ``judge`` and
            ``k`` for what no judge decides (tokens, repetition, perplexity).
    """
    found = [
        Obstacle(aspect='questions', reason=reason)
        for reason in _of_hashes(one.questions_sha256, other.questions_sha256)
    ]
    found += [Obstacle(aspect='judge', reason=r) for r in _of_judges(one.judge, other.judge)]
    if one.k != other.k:
        found.append(Obstacle(aspect='k', reason=f'F1@{one.k} is not F1@{other.k}'))
    if changed := describe_difference(one.decoding, other.decoding):
        found.append(Obstacle(aspect='decoding', reason=f'decoded differently ({changed})'))
    return [obstacle for obstacle in found if obstacle.aspect not in allowed]


def check_comparable(one: Origin, other: Origin, allowed: Collection[Aspect] = ()) -> None:
    """Refuse to put two numbers side by side.

    Raises:
        ValueError: with every reason of `obstacles`.
    """
    if found := obstacles(one, other, allowed):
        reasons = '; '.join(obstacle.reason for obstacle in found)
        raise ValueError(f'these results may not stand side by side: {reasons}')


def _of_hashes(one: str, other: str) -> list[str]:
    if not one or not other:
        return ['one of them does not say which questions were asked']
    return [] if one == other else ['the questions or their documents are not the same']


def _of_judges(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    if not one or not other:
        return ['one of the judges does not say what determines its verdicts (`identity`)']
    changed = describe_difference(one, other)
    return [f'the judges are not the same ({changed})'] if changed else []
