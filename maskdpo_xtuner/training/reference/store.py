"""Reference log-probabilities on disk: blocks of a fixed number of pairs, memory-mapped."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xxhash
from datasets import Dataset, Features, List, Value, concatenate_datasets
from datasets.arrow_writer import ArrowWriter

from maskdpo_xtuner.atomic import replacing
from maskdpo_xtuner.batches.lengths import pair_lengths
from maskdpo_xtuner.masking import SIDES
from maskdpo_xtuner.training.cache import may_read

COLUMNS = tuple(f'{side}_reference_logps' for side in SIDES)
FEATURES = Features({column: List(Value('float32')) for column in COLUMNS})
DIGEST_SIZE = xxhash.xxh3_128().digest_size

Rows = Sequence[tuple[list[float], list[float]]]
"""Of each pair, the log-probabilities of the supervised tokens of chosen and rejected."""


@dataclass(frozen=True)
class LogpStore:
    """The blocks of one data set and one reference model.

    A block is an Arrow stream, which ends by itself, and after it a hash of key, pairs and stream:
    a file that was cut, damaged, or made for another key or for other pairs is told from a good
    one.

    Attributes:
        folder: where the blocks are.
        key: hash of all that the values depend on.
        num_pairs: of the data set.
        block_size: pairs of a block; the last may have fewer.
    """

    folder: Path
    key: str
    num_pairs: int
    block_size: int = 256

    @property
    def blocks(self) -> range:
        """The numbers of the blocks."""
        return range(-(-self.num_pairs // self.block_size))

    def pairs_of(self, block: int) -> range:
        """The indices of a block's pairs, whatever the number of processes."""
        start = block * self.block_size
        return range(start, min(start + self.block_size, self.num_pairs))

    def path(self, block: int) -> Path:
        """The file of a block."""
        return self.folder / f'{block:05d}.arrow'

    def problem(self, block: int) -> str | None:
        """Say what keeps a block from being used; None for a good one."""
        path = self.path(block)
        if not path.is_file():
            return f'{path} is missing'
        if not may_read(path):
            return f'{path} may not be read'
        content = path.read_bytes()
        stream, digest = content[:-DIGEST_SIZE], content[-DIGEST_SIZE:]
        return None if digest == self._digest(block, stream) else f'{path} is damaged'

    def write(self, block: int, rows: Rows) -> None:
        """Write a block, whole or not at all."""
        assert len(rows) == len(self.pairs_of(block))
        stream = io.BytesIO()
        with ArrowWriter(features=FEATURES, stream=stream) as writer:
            writer.write_batch(dict(zip(COLUMNS, zip(*rows, strict=True), strict=True)))
            writer.finalize(close_stream=False)
        content = stream.getvalue()
        with replacing(self.path(block)) as temporary:
            temporary.write_bytes(content + self._digest(block, content))

    def open(self) -> Dataset:
        """The columns of all pairs in order, memory-mapped.

        Raises:
            ValueError: naming the first block that is missing or damaged.
        """
        problems = [problem for block in self.blocks if (problem := self.problem(block))]
        if problems:
            raise ValueError(
                f'{problems[0]} ({len(problems)} of {len(self.blocks)} blocks cannot be used). '
                'Every machine must see the same files: set HF_DATASETS_CACHE to a folder that '
                'all share; a damaged block is computed again at the next start'
            )
        return concatenate_datasets([Dataset.from_file(str(self.path(s))) for s in self.blocks])

    def _digest(self, block: int, stream: bytes) -> bytes:
        which = f'{self.key} {self.pairs_of(block)} '
        return xxhash.xxh3_128(which.encode() + stream).digest()


def check_counts(pairs: Dataset, columns: Dataset, folder: Path) -> None:
    """Refuse columns that do not have one value a supervised token.

    Raises:
        ValueError: naming the folder of the columns.
    """
    table = columns.with_format('arrow')[:]
    found = [[c.value_lengths().to_numpy() for c in table[column].chunks] for column in COLUMNS]
    counts = np.stack([np.concatenate(lengths) for lengths in found], axis=1)
    if not np.array_equal(counts, pair_lengths(pairs).supervised):
        raise ValueError(
            f'{folder}: some pair has another number of values than of supervised tokens; remove '
            'this folder to have them computed again'
        )
