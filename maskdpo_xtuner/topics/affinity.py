"""Whether training moves a topic to what is said rightly of it, and away from what is not.

Mask-DPO, appendix C.1: of 200 pairs of the training data the entities of the chosen and of the
rejected response are taken; the distance of each to the pair's topic is averaged, by the model
before training and by the one after it. The paper found 1.97 less for the chosen, and 4.09 more for
the rejected. What it leaves open is decided here as said below.

- A pair counts once, with the mean over its entities, whatever their number. (open)
- An entity counts once a response, whatever its capitals; the topic itself is none. (open)
- What both responses name is in both means. (open)
- Distances are Euclidean; the paper's numbers cannot be cosines. (open which)
- Vectors are those of `maskdpo_xtuner.embeddings.hidden_states`. The paper says "word embeddings"
  here, and "the output of the last hidden layer" where it clusters topics. (open which)
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from maskdpo_xtuner.embeddings.base import Metric
from maskdpo_xtuner.embeddings.distances import distances_to
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.evaluation.ratios import Measure, Part, Tally, measure, tally
from maskdpo_xtuner.records import PreferencePair, Record
from maskdpo_xtuner.topics.entities import Extractor, distinct

Side = Literal['chosen', 'rejected']
SIDES: tuple[Side, ...] = get_args(Side)
Vectors = Callable[[Sequence[str]], NDArray[np.float64]]
"""Gives (names, width)."""
Distances = Mapping[Side, Sequence[float | None]]
"""The mean distance between topic and entities of each pair, by side; None without an entity."""
Item = TypeVar('Item')


class PairNames(NamedTuple):
    """The topic of a pair, and the entities that each of its responses names."""

    topic: str
    entities: Mapping[Side, tuple[str, ...]]


class SideResult(Record):
    """The mean distance between topic and entities of one side.

    Attributes:
        pairs: how many have an entity on this side.
        entities: how many these have.
        before: by the model before training.
        after: by the model after it, with its difference to the one before.
    """

    pairs: int
    entities: int
    before: Measure
    after: Measure


class Affinity(Record):
    """What training did to the distances.

    Attributes:
        pairs: pairs that were drawn.
        topics: of these; they are resampled for the intervals.
        metric: the distance.
        settings: what else determined the numbers: models, layer, extractor, seed.
        sides: by side; None where no pair has an entity.
    """

    pairs: int
    topics: int
    metric: Metric
    settings: dict[str, str]
    sides: dict[Side, SideResult | None]


def draw(items: Iterable[Item], count: int, seed: int) -> list[Item]:
    """Draw so many without replacement, in their own order; all where there are no more."""
    every = list(items)
    if len(every) <= count:
        return every
    chosen = sorted(random.Random(seed).sample(range(len(every)), count))
    return [every[index] for index in chosen]


def names_of(pair: PreferencePair, extractor: Extractor, place: str) -> PairNames:
    """Find the entities of a pair.

    Args:
        pair: of the training data.
        extractor: finds them.
        place: where the pair stands, for the error.

    Raises:
        ValueError: for a pair without topic or language, and a language that is not read.
    """
    if not pair.topic or not pair.language:
        missing = 'language' if pair.topic else 'topic'
        raise ValueError(
            f'{place}: the pair has no "{missing}"; add it, as `maskdpo sample` writes it'
        )
    texts = {'chosen': pair.chosen[0].content, 'rejected': pair.rejected[0].content}
    try:
        return PairNames(
            pair.topic,
            {side: distinct(extractor(texts[side], pair.language), pair.topic) for side in SIDES},
        )
    except ValueError as error:
        raise ValueError(f'{place}: {error}') from error


def distances(pairs: Sequence[PairNames], vectors: Vectors, metric: Metric) -> Distances:
    """Measure each side of each pair.

    Raises:
        ValueError: when no pair names anything.
    """
    if not any(pair.entities[side] for pair in pairs for side in SIDES):
        raise ValueError(
            f'none of {len(pairs)} pairs names an entity beside its topic; try other entities'
        )
    names = sorted({name for pair in pairs for name in _all_names(pair)})
    place = {name: index for index, name in enumerate(names)}
    found = vectors(names)

    def mean(topic: str, entities: Sequence[str]) -> float | None:
        if not entities:
            return None
        rows = found[[place[name] for name in entities]]
        return float(distances_to(rows, found[place[topic]], metric).mean())

    return {side: [mean(pair.topic, pair.entities[side]) for pair in pairs] for side in SIDES}


def _all_names(pair: PairNames) -> Iterable[str]:
    return [pair.topic, *(name for side in SIDES for name in pair.entities[side])]


def affinity(
    pairs: Sequence[PairNames],
    before: Distances,
    after: Distances,
    metric: Metric,
    settings: Mapping[str, str] | None = None,
    bootstrap: Bootstrap | None = None,
) -> Affinity:
    """Measure what training did.

    Args:
        pairs: entities of some pairs of the training data.
        before: their distances by the model before training.
        after: those by the model after it.
        metric: of both.
        settings: what else determined the numbers, for the reader.
        bootstrap: of the intervals.

    """
    bootstrap = bootstrap or Bootstrap()
    return Affinity(
        pairs=len(pairs),
        topics=len({pair.topic for pair in pairs}),
        metric=metric,
        settings=dict(settings or {}),
        sides={side: _side(pairs, side, before[side], after[side], bootstrap) for side in SIDES},
    )


def _side(
    pairs: Sequence[PairNames],
    side: Side,
    before: Sequence[float | None],
    after: Sequence[float | None],
    bootstrap: Bootstrap,
) -> SideResult | None:
    named = [pair for pair in pairs if pair.entities[side]]
    if not named:
        return None
    first, second = (_tally(pairs, values) for values in (before, after))
    return SideResult(
        pairs=len(named),
        entities=sum(len(pair.entities[side]) for pair in named),
        before=measure(first, None, bootstrap),
        after=measure(second, first, bootstrap),
    )


def _tally(pairs: Sequence[PairNames], values: Sequence[float | None]) -> Tally:
    """The sum over pairs by topic, and their number."""
    cluster_of = {str(index): pair.topic for index, pair in enumerate(pairs)}
    parts = (Part(str(n), 0, value, 1) for n, value in enumerate(values) if value is not None)
    return tally(parts, cluster_of)
