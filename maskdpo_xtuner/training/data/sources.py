"""Reading preference pairs, checked line by line, into a memory-mapped `datasets.Dataset`."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset, Features, List, Value
from datasets.exceptions import DatasetGenerationError
from mmengine.registry import DATASETS
from xtuner.registry import BUILDER

from maskdpo_xtuner.forms import read_pair
from maskdpo_xtuner.hashing import file_sha256
from maskdpo_xtuner.jsonl import RecordError, read_objects
from maskdpo_xtuner.records import PreferencePair
from maskdpo_xtuner.training.cache import own_cache
from maskdpo_xtuner.training.data.held_out import DataPart, part_of

MESSAGES = List({'role': Value('string'), 'content': Value('string')})
ITEM = {
    'sents': List(Value('string')),
    'type': List(Value('string')),
    'spans': List(List(Value('int64'))),
    'labels': List(Value('string')),
    'weights': List(Value('float64')),
    'finish_reason': Value('string'),
}
FEATURES = Features(
    {
        'prompt': MESSAGES,
        'chosen': MESSAGES,
        'chosen_item': ITEM,
        'rejected': MESSAGES,
        'rejected_item': ITEM,
        'asked_with': Value('string'),
        'place': Value('string'),
    }
)

NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


@DATASETS.register_module()  # type: ignore[untyped-decorator]
@BUILDER.register_module()  # type: ignore[untyped-decorator]
def load_preference_pairs(
    path: str | Sequence[str], part: DataPart = 'train', held_out: float = 0.0, seed: int = 0
) -> Dataset:
    """Read preference pairs from JSON lines.

    Our own files, those of the released trainer, TRL's and ms-swift's (see `forms`). Every line
    is validated. The result is cached by `datasets` under the content of the files and
    memory-mapped.

    Args:
        path: one file or several; a work dir stands for the ``pairs.jsonl`` in it.
        part: what to train on, or what is held out from it.
        held_out: share of the pairs that is held out (see `held_out.part_of`): all of a topic, or
            where pairs name no topic, of a prompt.
        seed: another seed holds out others.

    Returns:
        One row a pair with the columns of `FEATURES`; ``place`` is ``file:line``.

    Raises:
        RecordError: naming file, line and field of the first bad line, and what to correct.
        ValueError: when nothing would be left on one side.
    """
    files = [path] if isinstance(path, str) else path
    if not isinstance(files, Sequence) or not all(isinstance(each, str) for each in files):
        raise ValueError(f'path: {path!r} is not a file of pairs or a list of such files')
    pairs = _read([_file(each) for each in files])
    chosen = part_of(pairs['group'][:], part, held_out, seed)
    return pairs.select(chosen).remove_columns('group')


def _file(path: str) -> str:
    return str(Path(path) / 'pairs.jsonl') if Path(path).is_dir() else path


def _read(files: Sequence[str]) -> Dataset:
    try:
        return _read_cached(files)
    except OSError as error:
        if error.errno not in NOT_ALLOWED:
            raise
        # The cache of `datasets`, whose locks are written in any case.
        return _read_cached(files, cache_dir=str(own_cache()))


def _read_cached(files: Sequence[str], cache_dir: str | None = None) -> Dataset:
    features = Features({**FEATURES, 'group': Value('string')})
    try:
        return Dataset.from_generator(
            _rows,
            features,
            cache_dir,
            gen_kwargs={'files': tuple(files)},
            fingerprint=_fingerprint(files),
        )
    except DatasetGenerationError as error:
        # datasets wraps whatever the generator raises; the cause is what the user can correct.
        if isinstance(error.__cause__, RecordError):
            raise error.__cause__ from None
        raise


def _fingerprint(files: Sequence[str]) -> str:
    """Hash the names (they are in ``place``), the contents and the code that reads them."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for file in files:
        if not Path(file).is_file():
            raise RecordError(file, None, 'there is no such file; check the path of the pairs')
        digest.update(f'\n{file}\n{file_sha256(Path(file))}'.encode())
    return digest.hexdigest()[:32]


def _rows(files: Sequence[str]) -> Iterator[dict[str, Any]]:
    for file in files:
        for line, value in read_objects(file):
            pair, _ = read_pair(value, file, line, text_only=True)
            yield {
                **pair.model_dump(mode='json', include=set(FEATURES)),
                'asked_with': (pair.provenance or {}).get('template_kwargs'),
                'place': f'{file}:{line}',
                'group': pair.topic or _digest(pair),
            }


def _digest(pair: PreferencePair) -> str:
    """Hash the prompt, which may hold a document, to stand for it."""
    return hashlib.sha256(repr(pair.prompt).encode()).hexdigest()
