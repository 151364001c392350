"""The topics nearest to those of the test set, and the farthest (paper, Tables 5 and 12)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from maskdpo_xtuner.embeddings.base import Embedding, Metric
from maskdpo_xtuner.embeddings.settings import EmbeddingChoice, HiddenStatesSettings
from maskdpo_xtuner.experiments import NOT_SAID
from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.registry import SUBSETS
from maskdpo_xtuner.subsets.asked import Asked, Unit, in_order, units_of
from maskdpo_xtuner.subsets.settings import SubsetSettings
from maskdpo_xtuner.subsets.split import Distance, Split

# `read_questions` gives such a name where a file has no topics.
_DERIVED = re.compile(r'document-[0-9a-f]{12}')


@SUBSETS.register_module('near_far')
class NearFar(SubsetSettings):
    """The halves ``near`` and ``far`` by the paper's recipe (appendix A).

    The vectors of the test topics are centroids; each topic goes to its nearest; each cluster is
    halved by the distance to its centroid; the near halves of all clusters are ``near``.

    Attributes:
        part: ``near`` or ``far``.
        of: ``topics``, by their names (Table 5), or ``questions``, by their words, with those of
            the test set as centroids (Table 12).
        embedding: gives the vectors.
        distance: ``euclidean``, the paper's, or ``cosine``.
    """

    of: Unit = 'topics'
    embedding: EmbeddingChoice = HiddenStatesSettings()
    distance: Metric = 'euclidean'

    def split(self, asked: Sequence[Asked], test: Sequence[Asked], folder: Path | None) -> Split:
        """Give both halves, with the distances that decided.

        Raises:
            ValueError: without a test set, for topics without names, and as the embedding.
        """
        if not test:
            raise ValueError(
                'subset: near and far are measured from the test set, and none is named; set '
                "subset.test=dict(type='jsonl', path=...), or evaluation.questions"
            )
        from maskdpo_xtuner.embeddings.kept import free_memory

        embedding = self.embedding.build()
        told = identity_of(embedding) or {'identity': NOT_SAID}
        centroids = sorted(set(_texts(test, self.of).values()))
        made_by = {
            **{f'embedding.{key}': value for key, value in told.items()},
            'test.sha256': hashlib.sha256(json.dumps(centroids).encode()).hexdigest(),
        }
        found = self._halve(_texts(asked, self.of), centroids, embedding, folder)
        del embedding  # Its model makes room for the policy's.
        free_memory()
        units = units_of(asked, self.of)
        parts = {
            part: in_order(asked, {key for d in found if d.part == part for key in units[d.name]})
            for part in ('near', 'far')
        }
        return Split(parts, made_by, found)

    def _halve(
        self,
        texts: Mapping[str, str],
        centroids: Sequence[str],
        embedding: Embedding,
        folder: Path | None,
    ) -> list[Distance]:
        from maskdpo_xtuner.embeddings.kept import vectors_of
        from maskdpo_xtuner.subsets.halving import halve

        every = sorted({*texts.values(), *centroids})
        vectors = dict(zip(every, vectors_of(embedding, every, folder), strict=True))
        return halve(
            {name: vectors[text] for name, text in texts.items()},
            {text: vectors[text] for text in centroids},
            self.distance,
        )


def _texts(asked: Sequence[Asked], unit: Unit) -> dict[str, str]:
    """Give what is embedded of each topic or question, by its name.

    Raises:
        ValueError: for topics that have no names.
    """
    if unit == 'questions':
        return {each.key: each.question for each in asked}
    nameless = [each for each in asked if _DERIVED.fullmatch(each.topic)]
    if nameless:
        raise ValueError(
            f'{len(nameless)} questions have no "topic" (the first is {nameless[0].key}), so that '
            'there is no name to embed: add it to each line, or set subset.of="questions"'
        )
    return {each.topic: each.topic for each in asked}
