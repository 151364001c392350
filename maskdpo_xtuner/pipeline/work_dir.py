"""The folder of one experiment: what it was made from, its lock, what a killed run left."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.completions import CompletionStore
from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.experiments import COMPLETIONS, NOT_SAID
from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.locks import locked
from maskdpo_xtuner.pipeline.needed import rules_of_needed
from maskdpo_xtuner.pipeline.shards import Shard
from maskdpo_xtuner.records import Question
from maskdpo_xtuner.registry import PAIRINGS
from maskdpo_xtuner.settings import Settings
from maskdpo_xtuner.splitters.english_chinese import EnglishChinese

IN_USE = (
    'another run works in this folder: wait for it, or give this one a work dir of its own '
    '(--work-dir)'
)


def experiment(
    settings: Settings,
    questions: Sequence[Question],
    policy: Engine,
    judge: tuple[Annotator, Engine | None],
    shard: Shard | None,
    subset: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Collect what determines the results, under dotted keys, as ``settings.json`` keeps it.

    Questions count by their content and models by their identity (a folder by the hash of its
    files), so a file may move but not change.

    Args:
        settings: of the run.
        questions: all of them, those of other shards too.
        policy: its engine.
        judge: the annotator and the engine that answers it, if it asks one.
        shard: the part of the questions that is run, None for all.
        subset: what determined the choice of the questions, of a run of some of them.
    """
    values = {
        **describe_questions(questions),
        **(subset or {}),
        **settings.flat(('policy', 'sampling', 'annotator', 'pairs')),
        **_describe('policy', identity_of(policy)),
        **_describe('annotator', _identity_of_judge(*judge)),
        # An annotator names another splitter itself; documents are always split by this one.
        'splitter.english_chinese': EnglishChinese.identity['version'],
        **identity_of_rule(settings.pairs.rule),
    }
    if rules_of_needed(settings, judge[1]):
        values['annotation'] = settings.annotation
    return {**values, 'shard': str(shard)} if shard else values


def _describe(kind: str, identity: Mapping[str, str]) -> dict[str, str]:
    return {f'{kind}.{key}': value for key, value in (identity or {'identity': NOT_SAID}).items()}


def _identity_of_judge(annotator: Annotator, engine: Engine | None) -> dict[str, str]:
    """Give what determines the verdicts; empty if annotator or engine does not say it."""
    return identity_of(annotator) if engine is None or identity_of(engine) else {}


def identity_of_rule(name: str) -> dict[str, str]:
    """Give what determines a rule of the user's; the package's are known by their settings."""
    if PAIRINGS.is_built_in(name):
        return {}
    return _describe('pairs.rule', identity_of(PAIRINGS.get(name)))


def describe_questions(questions: Sequence[Question]) -> dict[str, Any]:
    """Count them, and hash all that they say."""
    digest = hashlib.sha256()
    for question in questions:
        digest.update(json.dumps(question.model_dump(), sort_keys=True).encode() + b'\n')
    return {'questions.count': len(questions), 'questions.sha256': digest.hexdigest()}


@contextmanager
def open_work_dir(settings: Settings) -> Iterator[CompletionStore]:
    """Open the store and remove the temporary files of runs that were killed.

    Raises:
        ValueError: when another run works in the folder, or has the store open.
    """
    # A store in the folder is of the run that the folder is of, wherever it is moved.
    run = str(settings.work_dir) if settings.store else ''
    with locked(settings.work_dir, IN_USE), CompletionStore(settings.store_path, run) as store:
        # Nobody else writes here: the folder is ours alone.
        for path in settings.work_dir.glob('.*.tmp'):
            path.unlink()
        yield store


@contextmanager
def open_part(settings: Settings, folder: Path) -> Iterator[CompletionStore]:
    """Open the store for a part of a run that has a folder of its own, such as an evaluation's.

    Where experiments share the store, what the folder kept before they did is taken over.

    Raises:
        ValueError: as `open_work_dir`.
    """
    with open_work_dir(settings.in_folder(folder)) as store:
        own = folder / COMPLETIONS
        if settings.store and own.is_file() and not own.samefile(settings.store):
            store.absorb(own)
        yield store
