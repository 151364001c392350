"""A part that a file says: one that was split before, or written by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from maskdpo_xtuner.hashing import file_sha256
from maskdpo_xtuner.registry import SUBSETS
from maskdpo_xtuner.subsets.asked import Asked, in_order, units_of
from maskdpo_xtuner.subsets.settings import SubsetSettings
from maskdpo_xtuner.subsets.split import Split


@SUBSETS.register_module('listed')
class ListedSubset(SubsetSettings):
    """The parts of a JSON file: ``{"parts": {"near": {"topics": [...]}, ...}}``.

    ``questions`` (ids) in place of ``topics`` lists questions one by one. ``split.json`` of the
    tool and ``subset.json`` of a work dir are such files, which name both; ``questions`` count.

    Attributes:
        part: one of the file's.
        path: the file.
    """

    path: Path = Field(exclude=True)

    def split(self, asked: Sequence[Asked], test: Sequence[Asked], folder: Path | None) -> Split:
        """Give the parts of the file.

        Raises:
            ValueError: for a file that is no such file, and for what it names and is not there.
        """
        units = {'topics': units_of(asked, 'topics'), 'questions': units_of(asked, 'questions')}
        parts = {}
        for part, listed in self._read().items():
            unit = 'questions' if 'questions' in listed else 'topics'
            missing = [name for name in listed[unit] if name not in units[unit]]
            if missing:
                raise ValueError(
                    f'{self.path}: {len(missing)} {unit} of {part} are not among the questions '
                    f'(the first is {missing[0]!r})'
                )
            parts[part] = in_order(asked, {k for name in listed[unit] for k in units[unit][name]})
        return Split(parts, {'file.sha256': file_sha256(self.path)})

    def _read(self) -> dict[str, Any]:
        try:
            parts = json.loads(self.path.read_text(encoding='utf-8'))['parts']
            known = all({'topics', 'questions'} & set(listed) for listed in parts.values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f'{self.path}: no file of parts ({error!r})') from error
        if not known:
            raise ValueError(f'{self.path}: each part needs "topics" or "questions"')
        found: dict[str, Any] = parts
        return found
