"""Independent jobs over parts of the questions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskdpo_xtuner.records import Question

FOLDER = 'shards'


@dataclass(frozen=True)
class Shard:
    """Part ``index`` of ``count``: the questions whose position modulo ``count`` is ``index``.

    Which question belongs to which shard depends on nothing but the order of the questions.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ValueError(f'there is no shard {self}; of {self.count} the first is 0')

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read ``i/n``.

        Raises:
            ValueError: for anything else.
        """
        found = re.fullmatch(r'(\d+)/(\d+)', text)
        if not found:
            raise ValueError(f'expected i/n such as 0/8, found {text!r}')
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f'{self.index}/{self.count}'

    def take(self, questions: Sequence[Question]) -> list[Question]:
        """The questions of this shard, in order.

        Raises:
            ValueError: when there are fewer questions than shards.
        """
        if self.count > len(questions):
            raise ValueError(
                f'{len(questions)} questions cannot be split into {self.count} shards; use fewer'
            )
        return list(questions[self.index :: self.count])

    def folder(self, work_dir: Path) -> Path:
        """Work dir of this shard under that of the config."""
        return work_dir / FOLDER / f'{self.index}-of-{self.count}'


def shards_in(work_dir: Path) -> list[Shard]:
    """All shards of the split that was begun in a work dir, those without a folder among them.

    Raises:
        ValueError: when there is none, or two different splits.
    """
    names = [path.name for path in (work_dir / FOLDER).glob('*-of-*')]
    counts = {int(found[1]) for name in names if (found := re.fullmatch(r'\d+-of-(\d+)', name))}
    if not counts:
        raise ValueError(f'there are no shards in {work_dir / FOLDER}; make them with --shard i/n')
    if len(counts) > 1:
        splits = ' and '.join(map(str, sorted(counts)))
        raise ValueError(
            f'{work_dir / FOLDER} holds shards of {splits}; move those of one split away'
        )
    (count,) = counts
    return [Shard(index, count) for index in range(count)]


def refuse_shared(store: Path | None) -> None:
    """Refuse a store that other experiments use: one run at a time can have it.

    Raises:
        ValueError: where there is such a store.
    """
    if store:
        raise ValueError(
            f'shards run side by side and cannot share the store {store}; leave `store` out '
            '(--cfg-options store=None)'
        )
