"""The folder of one experiment: what it was made from, its lock, what a killed run left."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from maskdpo_xtuner.completions import CompletionStore
from maskdpo_xtuner.pipeline.shards import Shard
from maskdpo_xtuner.records import Question
from maskdpo_xtuner.settings import Settings


def experiment(
    settings: Settings,
    questions: Sequence[Question],
    policy: Mapping[str, str],
    annotator: Mapping[str, str],
    shard: Shard | None,
) -> dict[str, Any]:
    """What determines the results of a run, under dotted keys, as ``settings.json`` keeps it.

    Questions count by their content and models by their identity (a folder by the hash of its
    files), so a file may move but not change.

    Args:
        settings: of the run.
        questions: all of them, those of other shards too.
        policy: identity of the policy's engine.
        annotator: identity of the annotator.
        shard: the part of the questions that is run, None for all.
    """
    values = {
        **describe_questions(questions),
        **settings.flat(('policy', 'sampling', 'annotator', 'pairs')),
        **{f'policy.{key}': value for key, value in policy.items()},
        **{f'annotator.{key}': value for key, value in annotator.items()},
    }
    return {**values, 'shard': str(shard)} if shard else values


def describe_questions(questions: Sequence[Question]) -> dict[str, Any]:
    """How many they are, and a hash of all that they say."""
    digest = hashlib.sha256()
    for question in questions:
        digest.update(json.dumps(question.model_dump(), sort_keys=True).encode() + b'\n')
    return {'questions.count': len(questions), 'questions.sha256': digest.hexdigest()}


@contextmanager
def open_work_dir(settings: Settings) -> Iterator[CompletionStore]:
    """Open the store and remove the temporary files of runs that were killed.

    Raises:
        ValueError: when another run has the store open.
    """
    with CompletionStore(settings.store_path) as store:
        # Nobody else writes here: the store is ours alone.
        for path in settings.work_dir.glob('.*.tmp'):
            path.unlink()
        yield store
