"""The shards of a work dir put together: byte for byte the files of one undivided run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from heapq import merge
from pathlib import Path
from typing import Any

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.experiments import COMPLETIONS, describe_difference, read_experiment
from maskdpo_xtuner.pairing import DroppedQuestion
from maskdpo_xtuner.pipeline.files import FailureRecord, read_lines, write_line
from maskdpo_xtuner.pipeline.questions import Questions, load_questions
from maskdpo_xtuner.pipeline.run import refuse_without_pairs, write_summary
from maskdpo_xtuner.pipeline.shards import Shard, shards_in
from maskdpo_xtuner.pipeline.summary import Summary
from maskdpo_xtuner.pipeline.work_dir import open_work_dir
from maskdpo_xtuner.records import AnnotatedResponse, PreferencePair, Question, Record, Response
from maskdpo_xtuner.settings import Settings, guard_work_dir

FILES: dict[str, type[Record]] = {
    'responses.jsonl': Response,
    'failures.jsonl': FailureRecord,
    'annotated.jsonl': AnnotatedResponse,
    'pairs.jsonl': PreferencePair,
    'dropped.jsonl': DroppedQuestion,
}


def merge_shards(settings: Settings, command: str, *, completions: bool = False) -> Summary:
    """Write the files of the whole work dir out of those of its shards.

    Args:
        settings: of the config that the shards were run with.
        command: what runs a shard when ``--shard i/n`` is put after it, for messages.
        completions: whether to merge what the engines answered, too, so that a run without
            ``--shard`` asks nothing.

    Returns:
        The counts of all shards; those of requests are the shards' own.

    Raises:
        ValueError: when a shard is missing, unfinished, or made of other settings or questions,
            with the command that makes it; when a question is not there once; when no pair is
            left.
    """
    loaded = load_questions(settings)
    questions = loaded.asked
    work_dir = settings.work_dir
    shards = shards_in(work_dir)
    _refuse_unfinished(settings, shards, command)
    made_from = _common_experiment(settings, shards, loaded)
    samples = settings.sampling.responses_per_question
    summary = Summary(len(questions), samples, loaded.describe())
    with open_work_dir(settings) as store:
        guard_work_dir(work_dir, made_from)
        (work_dir / 'summary.json').unlink(missing_ok=True)
        _merge_files(settings, shards, questions, summary)
        loaded.write(work_dir)
        write_summary(work_dir, summary)
        if completions:
            for shard in shards:
                store.absorb(shard.folder(work_dir) / COMPLETIONS)
    refuse_without_pairs(work_dir, summary)
    return summary


def _refuse_unfinished(settings: Settings, shards: Sequence[Shard], command: str) -> None:
    missing = []
    for shard in shards:
        folder = shard.folder(settings.work_dir)
        if not (folder / 'summary.json').exists():
            state = 'has not finished' if folder.exists() else 'was not begun'
            missing.append(f'\n  {shard} {state}: {command} --shard {shard}')
    if missing:
        raise ValueError(f'{len(missing)} of {len(shards)} shards are missing{"".join(missing)}')


def _common_experiment(
    settings: Settings, shards: Sequence[Shard], questions: Questions
) -> dict[str, Any]:
    """Give what all shards were made from."""
    first = _recorded(settings, shards[0])
    # The models are not built here, so their identities are compared among the shards alone.
    here = {**questions.identity(), **settings.flat(('sampling', 'pairs'))}
    for shard in shards:
        difference = describe_difference(
            _recorded(settings, shard), {**first, **here, 'shard': str(shard)}
        )
        if difference:
            raise ValueError(
                f'{shard.folder(settings.work_dir)} was made with other settings or questions '
                f'({difference}); name the config and options of the shards, or remove this folder '
                'and run it again'
            )
    return {key: value for key, value in first.items() if key != 'shard'}


def _recorded(settings: Settings, shard: Shard) -> dict[str, Any]:
    return read_experiment(shard.folder(settings.work_dir) / 'settings.json')


def _merge_files(
    settings: Settings, shards: Sequence[Shard], questions: Sequence[Question], summary: Summary
) -> None:
    """Write all files, or none when a question does not add up."""
    position = {question.question_id: n for n, question in enumerate(questions)}
    folders = [shard.folder(settings.work_dir) for shard in shards]
    counts: dict[str, Counter[str]] = {name: Counter() for name in FILES}

    def order(record: Any) -> tuple[bool, int]:
        return _is_of_annotation(record), position[record.question_id]

    with ExitStack() as stack:
        for name, model in FILES.items():
            file = stack.enter_context(atomic_writer(settings.work_dir / name))
            record: Any
            for record in merge(*(read_lines(f / name, model) for f in folders), key=order):
                write_line(file, record)
                _count(record, summary)
                counts[name][record.question_id] += not _is_of_annotation(record)
        most_pairs = settings.pairs.most_pairs
        for n, question in enumerate(questions):
            shard = shards[n % len(shards)]
            _check_question(question.question_id, shard, counts, summary.samples, most_pairs)
        for shard, folder in zip(shards, folders, strict=True):
            _check_pairs(shard, folder, shard.take(questions), counts['pairs.jsonl'])


def _is_of_annotation(record: Record) -> bool:
    """Tell failures of annotation, which stand after those of sampling."""
    return isinstance(record, FailureRecord) and record.stage == 'annotation'


def _count(record: Record, summary: Summary) -> None:
    if isinstance(record, AnnotatedResponse):
        summary.count_response(record)
    elif isinstance(record, PreferencePair | DroppedQuestion):
        summary.count_pair(record)
    elif isinstance(record, FailureRecord):
        summary.count_failure(record)


def _check_question(
    question_id: str,
    shard: Shard,
    counts: dict[str, Counter[str]],
    samples: int,
    most_pairs: int | None,
) -> None:
    responses, failed, annotated, pairs, dropped = (counts[name][question_id] for name in FILES)
    is_paired = 0 < pairs <= (most_pairs or pairs)
    if (
        responses + failed != samples
        or annotated != responses
        or (is_paired, dropped) not in {(True, 0), (False, 1)}
    ):
        raise ValueError(
            f'question {question_id} of shard {shard} has {responses} answers, {failed} failed of '
            f'{samples}, {annotated} annotated, {pairs} pairs and {dropped} drops; remove the '
            'folder of the shard and run it again'
        )


def _check_pairs(
    shard: Shard, folder: Path, questions: Sequence[Question], pairs: Counter[str]
) -> None:
    """Compare with the shard's own count: how many a question has, no rule but one can tell."""
    found = sum(pairs[question.question_id] for question in questions)
    made = json.loads((folder / 'summary.json').read_text(encoding='utf-8'))['pairs']
    if found != made:
        raise ValueError(
            f'shard {shard} has {found} pairs and made {made}; remove its folder and run it again'
        )
