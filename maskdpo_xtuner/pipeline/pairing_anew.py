"""Pairs by other settings from the annotated answers of a work dir: nothing is asked."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from maskdpo_xtuner.atomic import replacing
from maskdpo_xtuner.experiments import read_experiment
from maskdpo_xtuner.jsonl import write_records
from maskdpo_xtuner.pipeline.files import ASKED_FILE, FailureRecord, read_lines
from maskdpo_xtuner.pipeline.needed import refuse_partial
from maskdpo_xtuner.pipeline.run import pair_stage, refuse_without_pairs, write_summary
from maskdpo_xtuner.pipeline.summary import Summary
from maskdpo_xtuner.pipeline.work_dir import describe_questions, identity_of_rule, open_work_dir
from maskdpo_xtuner.records import AnnotatedResponse, Question
from maskdpo_xtuner.settings import Settings, describe_difference, guard_work_dir

FILES = ('responses.jsonl', 'annotated.jsonl', 'failures.jsonl')


def pair_anew(settings: Settings, source: Path) -> Summary:
    """Make pairs in the work dir of the settings by their rules, of the answers in another.

    No model is loaded and no annotator built. The answers are copied, so the new work dir is whole:
    its ``settings.json`` says what they were made from.

    Args:
        settings: whose ``pairs`` and ``work_dir`` are used; questions and sampling must be those
            of the source.
        source: a work dir of `tools/sample_and_annotate.py` that is finished.

    Returns:
        The counts, also written as ``summary.json``.

    Raises:
        ValueError: when the source is not finished, is not annotated as far as the rules need, is a
            shard or was made from other questions or sampling; when the work dir holds something
            else; when no pair is left.
    """
    questions = settings.questions.load()
    made_from = _experiment(settings, questions, source)
    work_dir = settings.work_dir
    if work_dir.resolve() == source.resolve():
        raise ValueError(f'{source} keeps its pairs; name another work dir (--work-dir)')
    annotated = read_lines(source / 'annotated.jsonl', AnnotatedResponse)
    refuse_partial(annotated, settings.pair_rules())
    summary = Summary(questions=len(questions), samples=settings.sampling.responses_per_question)
    with open_work_dir(settings):
        guard_work_dir(work_dir, made_from)
        (work_dir / 'summary.json').unlink(missing_ok=True)
        write_records(work_dir / ASKED_FILE, questions)
        for name in FILES:
            with replacing(work_dir / name) as copy:
                shutil.copyfile(source / name, copy)
        for failure in read_lines(work_dir / 'failures.jsonl', FailureRecord):
            summary.count_failure(failure)
        for response in read_lines(work_dir / 'annotated.jsonl', AnnotatedResponse):
            summary.count_response(response)
        by_id = {question.question_id: question for question in questions}
        pair_stage(work_dir, by_id, settings.pair_rules(), summary)
        write_summary(work_dir, summary)
    refuse_without_pairs(work_dir, summary)
    return summary


def _experiment(settings: Settings, questions: Sequence[Question], source: Path) -> dict[str, Any]:
    """Collect what determines the new pairs: that of the answers, and the new rules."""
    if not (source / 'summary.json').exists():
        raise ValueError(f'{source} is not finished; run `maskdpo sample` for it first')
    recorded = read_experiment(source / 'settings.json')
    if 'shard' in recorded:
        raise ValueError(f'{source} is a shard; put the shards together with `maskdpo merge`')
    rules = {**settings.flat(('pairs',)), **identity_of_rule(settings.pairs.rule)}
    # In their order, so that the file is that of a whole run.
    kept = {k: v for k, v in recorded.items() if k in rules or not k.startswith('pairs.')}
    asked = {**describe_questions(questions), **settings.flat(('sampling',))}
    difference = describe_difference(kept, {**kept, **asked})
    if difference:
        raise ValueError(
            f'{source} was made from other questions or sampling ({difference}); name the config '
            'that it was made with, or one that inherits it'
        )
    return {**kept, **rules}
