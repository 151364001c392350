"""How far two judges agree on the same sentences: accuracy and Cohen's kappa.

Cohen 1960, "A coefficient of agreement for nominal scales": kappa = (p_o - p_e) / (1 - p_e), with
p_o the share of sentences with equal classes, and p_e that share if both judges kept how often they
give each class and drew it by chance. The classes are those that the metrics count: supported,
hallucinated (Contradictory or Unverifiable), no facts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from maskdpo_xtuner.records import AnnotatedResponse, Label, Record, Sentence

Class = Literal['supported', 'hallucinated', 'no facts']
CLASSES: tuple[Class, ...] = get_args(Class)


class DifferentSentences(ValueError):
    """Two judges that do not judge the same sentences."""


class Agreement(Record):
    """The classes that two judges gave to the same sentences of all models' answers.

    Attributes:
        judges: names of the two.
        table: number of sentences, a row for each class of the first judge and a column for each
            of the second, in the order of `CLASSES`.
        without_verdict: sentences that one of the two gave no verdict; they are not in the table.
        obstacle: why nothing was counted: the two do not judge the same sentences.
    """

    judges: tuple[str, str]
    table: tuple[tuple[int, ...], ...]
    without_verdict: int
    obstacle: str = ''

    @property
    def sentences(self) -> int:
        """Sentences that both judged."""
        return sum(map(sum, self.table))

    @property
    def accuracy(self) -> float | None:
        """Share of sentences with equal classes; None when there are none."""
        equal = sum(row[index] for index, row in enumerate(self.table))
        return equal / self.sentences if self.sentences else None

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa; None when there is nothing to agree on, or one class alone was given."""
        if not self.sentences:
            return None
        kappa = float(cohens_kappa(np.array([self.table]))[0])
        return None if np.isnan(kappa) else kappa


def cohens_kappa(tables: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cohen's kappa of each table of counts; NaN where nothing is counted, or one class alone.

    Args:
        tables: (tables, classes, classes), a row for each class of the first judge.

    Returns:
        (tables,)
    """
    total = tables.sum(axis=(1, 2))
    with np.errstate(divide='ignore', invalid='ignore'):
        observed = np.trace(tables, axis1=1, axis2=2) / total
        by_chance = (tables.sum(axis=2) * tables.sum(axis=1)).sum(axis=1) / total**2
        kappa: NDArray[np.float64] = np.where(
            by_chance < 1, (observed - by_chance) / (1 - by_chance), np.nan
        )
    return kappa


def agreements(
    responses: Mapping[str, Mapping[str, Sequence[AnnotatedResponse]]],
) -> tuple[Agreement, ...]:
    """Count the agreement of every two judges; two that cut differently get an obstacle.

    Args:
        responses: judge -> model -> annotated responses, the same in the same order.
    """
    pooled = {
        judge: [response for own in by_model.values() for response in own]
        for judge, by_model in responses.items()
    }
    return tuple(
        _agreement_or_obstacle(pair, pooled[pair[0]], pooled[pair[1]])
        for pair in combinations(responses, 2)
    )


def _agreement_or_obstacle(
    judges: tuple[str, str],
    first: Sequence[AnnotatedResponse],
    second: Sequence[AnnotatedResponse],
) -> Agreement:
    try:
        return agreement(judges, first, second)
    except DifferentSentences as error:
        return Agreement(judges=judges, table=(), without_verdict=0, obstacle=str(error))


def agreement(
    judges: tuple[str, str],
    first: Sequence[AnnotatedResponse],
    second: Sequence[AnnotatedResponse],
) -> Agreement:
    """Count the classes of the same sentences.

    Raises:
        DifferentSentences: naming the first response that the two cut differently.
    """
    times: Counter[tuple[Class | None, Class | None]] = Counter()
    for one, other in zip(first, second, strict=True):
        times.update(zip(_classes(one, other, judges), map(_class, other.sentences), strict=True))
    return Agreement(
        judges=judges,
        table=tuple(tuple(times[row, column] for column in CLASSES) for row in CLASSES),
        without_verdict=sum(n for classes, n in times.items() if None in classes),
    )


def _classes(
    one: AnnotatedResponse, other: AnnotatedResponse, judges: tuple[str, str]
) -> list[Class | None]:
    spans = [[(s.start, s.end) for s in response.sentences] for response in (one, other)]
    if spans[0] != spans[1]:
        raise DifferentSentences(
            f'{" and ".join(judges)} do not judge the same sentences of {one.response_id} '
            f'({one.model}): {spans[0]} and {spans[1]}'
        )
    return [_class(sentence) for sentence in one.sentences]


def _class(sentence: Sentence) -> Class | None:
    if sentence.label is None:
        return None
    if sentence.label.is_hallucination:
        return 'hallucinated'
    return 'no facts' if sentence.label is Label.NO_FACTS else 'supported'
