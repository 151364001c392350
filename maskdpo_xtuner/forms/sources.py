"""Where pairs are read from: a file, a work dir, a data set in a folder or on a hub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from maskdpo_xtuner.forms.reading import read_pair
from maskdpo_xtuner.jsonl import read_objects
from maskdpo_xtuner.records import PreferencePair

SUFFIXES = ('.jsonl', '.json', '.ndjson', '.gz', '.zst')


def read_pairs(
    source: str,
    left_out: Counter[str] | None = None,
    split: str = 'train',
    subset: str | None = None,
) -> Iterator[PreferencePair]:
    """Stream pairs in any of the forms.

    Args:
        source: a file of JSON lines; a work dir, which stands for its ``pairs.jsonl``; the folder
            of a data set or its name on the hub, which `datasets` reads.
        left_out: counts the pairs that had a key for which there is no place.
        split: of a data set.
        subset: of a data set that has several.

    Raises:
        RecordError: naming file, line and field of the first bad row, and what to correct.
        ValueError: when there is no such data set, or `datasets` cannot read it.
    """
    for place, line, row in _rows(source, split, subset):
        pair, reading = read_pair(row, place, line)
        if left_out is not None:
            left_out.update(reading.left_out)
        yield pair


def _rows(
    source: str, split: str, subset: str | None
) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    path = Path(source)
    if (path / 'pairs.jsonl').is_file():
        path = path / 'pairs.jsonl'
    if path.is_file() or path.suffix in SUFFIXES:
        for line, value in read_objects(path):
            yield str(path), line, value
        return
    for number, row in enumerate(_data_set(source, split, subset), start=1):
        yield f'{source}, {split}', number, row


def _data_set(source: str, split: str, subset: str | None) -> Any:
    from datasets import load_dataset

    try:
        return load_dataset(source, subset, split=split)
    except (OSError, ValueError) as error:
        raise ValueError(
            f'{source}: neither a file of pairs nor a data set that can be read: {error}'
        ) from error
