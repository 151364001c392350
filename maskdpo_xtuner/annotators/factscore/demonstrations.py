"""Sentences with their atomic facts that a model is shown, whose they are, and their file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import Field, ValidationError

from maskdpo_xtuner.annotators.factscore.wording import DEMONSTRATIONS
from maskdpo_xtuner.annotators.passages import Ranking
from maskdpo_xtuner.annotators.prompt_files import OWN
from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.records import Record


class Demonstration(Record):
    """A sentence and its facts; ``topic`` says what the answer was about, where it is known."""

    sentence: str = Field(min_length=1)
    facts: tuple[str, ...]
    topic: str | None = None


@dataclass(frozen=True)
class Demonstrations:
    """What can be shown.

    Attributes:
        all: in their order.
        source: `OWN`, or the file that they were read from.
        licence: text of the licence of others than ours.
    """

    all: tuple[Demonstration, ...]
    source: str
    licence: str = ''

    @property
    def sha256(self) -> str:
        """Hash of the demonstrations; source and licence are no part of it."""
        values = [demonstration.model_dump() for demonstration in self.all]
        text = json.dumps(values, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def chosen(self, sentence: str, fixed: int | None, similar: int) -> list[Demonstration]:
        """Give the first ``fixed`` (None: all), then the ``similar`` most like a sentence.

        The latter are chosen among all by BM25, as FActScore's release does, so that one of the
        fixed may stand there again.
        """
        places = self._ranking.ranked(sentence)[:similar] if similar else []
        return [*self.all[:fixed], *(self.all[place] for place in places)]

    @cached_property
    def _ranking(self) -> Ranking:
        return Ranking([demonstration.sentence for demonstration in self.all])


def own_demonstrations() -> Demonstrations:
    """The project's own."""
    found = [
        Demonstration(topic=topic, sentence=sentence, facts=facts)
        for topic, sentence, facts in DEMONSTRATIONS
    ]
    return Demonstrations(tuple(found), OWN)


def write_demonstrations(path: Path | str, demonstrations: Demonstrations) -> None:
    """Write demonstrations, source, licence and hash as JSON."""
    record = {
        'source': demonstrations.source,
        'sha256': demonstrations.sha256,
        'licence': demonstrations.licence,
        'demonstrations': [d.model_dump(exclude_none=True) for d in demonstrations.all],
    }
    with atomic_writer(path) as file:
        json.dump(record, file, ensure_ascii=False, indent=1)


def read_demonstrations(path: Path | str) -> Demonstrations:
    """Read what `write_demonstrations` wrote, or a file of your own of the same form.

    Yours needs ``demonstrations`` alone: a list of ``sentence``, ``facts`` and, if you like,
    ``topic``.

    Raises:
        ValueError: naming the file, when it is missing, is no such file, or was edited.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(
            f'{path}: there is no such file; make it with `maskdpo import-factscore-demonstrations`'
        )
    try:
        record = json.loads(path.read_text(encoding='utf-8'))
        found = _read(record['demonstrations'])
    except (KeyError, TypeError, ValidationError, ValueError) as error:
        raise ValueError(f'{path}: not a file of demonstrations ({error})') from error
    read = Demonstrations(found, record.get('source', path.name), record.get('licence', ''))
    if record.get('sha256', read.sha256) != read.sha256:
        raise ValueError(f'{path}: the demonstrations do not have the hash that stands beside them')
    return read


def _read(values: Sequence[object]) -> tuple[Demonstration, ...]:
    found = tuple(map(Demonstration.model_validate, values))
    if not found:
        raise ValueError('there are none')
    return found
