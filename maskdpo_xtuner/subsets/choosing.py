"""A split made, checked against the test set, and written down."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.columns import align
from maskdpo_xtuner.subsets.asked import Asked, count_topics, leaked_topics
from maskdpo_xtuner.subsets.settings import SubsetSettings
from maskdpo_xtuner.subsets.split import Split


@dataclass(frozen=True)
class Chosen:
    """The parts of a set of questions, and what they are of.

    Attributes:
        settings: that were followed.
        asked: the questions that were split, without those that were left out.
        left_out: topics that are also tested.
        tested: topics of the test set; None where none was named.
        made: the parts.
    """

    settings: SubsetSettings
    asked: Sequence[Asked]
    left_out: Sequence[str]
    tested: int | None
    made: Split

    @property
    def keys(self) -> Sequence[str]:
        """The questions of the part that the settings name."""
        return self.made.parts[str(self.settings.part)]

    def identity(self) -> dict[str, Any]:
        """Give what determined the part, under dotted keys."""
        values = self.settings.model_dump(mode='json')
        flat = {f'subset.{key}': value for key, value in values.items() if key != 'embedding'}
        embedding = values.get('embedding')
        if embedding:
            flat['subset.embedding.type'] = embedding['type']
        return {**flat, **{f'subset.{key}': value for key, value in self.made.made_by.items()}}

    def describe(self) -> str:
        """Say how much the part has, and what was checked."""
        kept, every = self.keys, [each.key for each in self.asked]
        topics, of = (count_topics(self.asked, keys) for keys in (kept, every))
        return (
            f'{self.settings.type} {self.settings.part}: {topics} of {of} topics, {len(kept)} of '
            f'{len(every)} questions; {self.checked()}'
        )

    def checked(self) -> str:
        """Say what was found of the test set."""
        if self.tested is None:
            return 'no test set is named, so no topic was looked for in it'
        if self.left_out:
            return f'left out: {len(self.left_out)} topics that are also tested'
        return f'none of {self.tested} test topics is among them'

    def table(self) -> str:
        """Give the counts of all parts."""
        rows = [
            [part, str(count_topics(self.asked, keys)), str(len(keys))]
            for part, keys in self.made.parts.items()
        ]
        return align([['part', 'topics', 'questions'], *rows], right=True)

    def write(self, path: Path) -> None:
        """Write down which topic and question went where, and by what."""
        with atomic_writer(path) as file:
            json.dump(self._record(), file, indent=1, ensure_ascii=False)

    def _record(self) -> dict[str, Any]:
        topics = {each.key: each.topic for each in self.asked}
        parts = {
            part: {
                'topics': list(dict.fromkeys(topics[key] for key in keys)),
                'questions': list(keys),
            }
            for part, keys in self.made.parts.items()
        }
        return {
            'made_by': self.identity(),
            'test_topics': self.tested,
            'left_out': list(self.left_out),
            'counts': {
                part: {name: len(listed) for name, listed in each.items()}
                for part, each in parts.items()
            },
            'parts': parts,
            'distances': [each.model_dump() for each in self.made.distances],
        }


def choose(
    settings: SubsetSettings,
    asked: Sequence[Asked],
    test: Sequence[Asked] | None,
    folder: Path | None,
) -> Chosen:
    """Split questions as the settings say.

    Args:
        settings: of the subset; without a part all parts are checked.
        asked: the questions.
        test: those of the test set; None where none is named.
        folder: where vectors are kept; None for nowhere.

    Raises:
        ValueError: for topics that are also tested, a part that does not exist or is empty, and
            what the split itself refuses.
    """
    left_out = leaked_topics(asked, test or ())
    if left_out and settings.leaked == 'refuse':
        first = ', '.join(left_out[:3]) + (', ...' if len(left_out) > 3 else '')
        raise ValueError(
            f'subset: {len(left_out)} topics are also in the test set ({first}); take them out of '
            'the questions, or set subset.leaked="leave_out"'
        )
    kept = [each for each in asked if each.topic not in set(left_out)]
    made = settings.split(kept, test or (), folder)
    _check_part(settings, made.parts)
    tested = None if test is None else len({each.topic for each in test})
    return Chosen(settings, kept, left_out, tested, made)


def _check_part(settings: SubsetSettings, parts: Mapping[str, Sequence[str]]) -> None:
    part, known = settings.part, ', '.join(parts)
    if part is not None and part not in parts:
        near = difflib.get_close_matches(part, parts, n=1)
        hint = f'did you mean "{near[0]}"? ' if near else ''
        raise ValueError(f'subset.part: there is no part {part!r}; {hint}there are {known}')
    empty = [name for name, keys in parts.items() if not keys and part in (None, name)]
    if empty:
        raise ValueError(f'subset: the part {empty[0]!r} of {known} has no questions; take fewer')
