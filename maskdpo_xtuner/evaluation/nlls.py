"""Remembered negative log-likelihoods: an answer is scored once by a model, whatever happens."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from maskdpo_xtuner.evaluation.perplexity import ResponseNll
from maskdpo_xtuner.jsonl import read_records, write_records
from maskdpo_xtuner.progress import progress_bar
from maskdpo_xtuner.records import Record

AT_ONCE = 128  # answers between two writes; what a run that is killed loses at most


class Scorer(Protocol):
    """What `maskdpo_xtuner.evaluation.perplexity.PerplexityScorer` is."""

    identity: Mapping[str, str]

    @property
    def context(self) -> str:
        """What it reads before an answer, in words."""
        ...

    def score(self, conversations: Sequence[tuple[str | None, str]]) -> list[ResponseNll]:
        """Give one result for each question and its answer."""
        ...


class NllRecord(Record):
    """A line of the file; ``key`` is the hash of question and answer."""

    key: str
    total: float
    tokens: int


def remembered_nlls(
    folder: Path,
    scorer: Scorer,
    conversations: Sequence[tuple[str | None, str]],
    *,
    before: Sequence[Path] = (),
    quiet: bool,
) -> list[ResponseNll]:
    """Score answers, asking the scorer only for those that the folder does not remember.

    The file ``nlls-<hash of the scorer's identity>.jsonl`` is replaced as a whole, every 128
    answers; an interrupted run resumes from there.

    Args:
        folder: where the file stands: that of the model whose answers they are, or one for many.
        scorer: loads its model when it is first asked.
        conversations: questions and answers.
        before: further folders with such a file, of shards for instance.
        quiet: no progress bar.

    Returns:
        One result for each of ``conversations``.
    """
    name = f'nlls-{_digest(dict(scorer.identity))[:12]}.jsonl'
    path = folder / name
    here = _read(path)
    known = {key: nll for place in before for key, nll in _read(place / name).items()} | here
    keys = [_digest(conversation) for conversation in conversations]
    missing = {k: c for k, c in zip(keys, conversations, strict=True) if k not in known}
    with progress_bar(len(missing), 'perplexity', ' answers', quiet=quiet or not missing) as bar:
        for some in _slices(list(missing), AT_ONCE):
            found = scorer.score([missing[key] for key in some])
            for key, nll in zip(some, found, strict=True):
                known[key] = NllRecord(key=key, total=nll.total, tokens=nll.tokens)
            write_records(path, _ordered(known, keys))
            bar.update(len(some))
    if not missing and known.keys() - here.keys():
        write_records(path, _ordered(known, keys))
    return [ResponseNll(known[key].total, known[key].tokens) for key in keys]


def _ordered(known: Mapping[str, NllRecord], keys: Sequence[str]) -> list[NllRecord]:
    """Those that are asked for first, in their order, whoever found them."""
    return [known[key] for key in dict.fromkeys([*keys, *known]) if key in known]


def _read(path: Path) -> dict[str, NllRecord]:
    return {nll.key: nll for nll in read_records(path, NllRecord)} if path.is_file() else {}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _slices(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (values[start : start + size] for start in range(0, len(values), size))
