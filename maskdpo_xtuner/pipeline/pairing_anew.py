"""Pairs by other settings from the annotated answers of a work dir: nothing is asked."""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.experiments import describe_difference, read_experiment
from maskdpo_xtuner.pipeline.files import FailureRecord, read_lines, write_line
from maskdpo_xtuner.pipeline.needed import refuse_partial
from maskdpo_xtuner.pipeline.questions import Questions, load_questions
from maskdpo_xtuner.pipeline.run import pair_stage, refuse_without_pairs, write_summary
from maskdpo_xtuner.pipeline.summary import Summary
from maskdpo_xtuner.pipeline.work_dir import describe_questions, identity_of_rule, open_work_dir
from maskdpo_xtuner.records import AnnotatedResponse, Record, Response
from maskdpo_xtuner.settings import Settings, guard_work_dir

FILES: dict[str, type[Record]] = {
    'responses.jsonl': Response,
    'annotated.jsonl': AnnotatedResponse,
    'failures.jsonl': FailureRecord,
}


def pair_anew(settings: Settings, source: Path) -> Summary:
    """Make pairs in the work dir of the settings by their rules, of the answers in another.

    No model is loaded and no annotator built. The answers are copied, so the new work dir is whole:
    its ``settings.json`` says what they were made from.

    Args:
        settings: whose ``pairs``, ``subset`` and ``work_dir`` are used; questions and sampling must
            be those of the source. With a subset, the source may be of all questions.
        source: a work dir of `tools/sample_and_annotate.py` that is finished.

    Returns:
        The counts, also written as ``summary.json``.

    Raises:
        ValueError: when the source is not finished, is not annotated as far as the rules need, is a
            shard or was made from other questions or sampling; when the work dir holds something
            else; when no pair is left.
    """
    loaded = load_questions(settings)
    made_from = _experiment(settings, loaded, source)
    work_dir = settings.work_dir
    if work_dir.resolve() == source.resolve():
        raise ValueError(f'{source} keeps its pairs; name another work dir (--work-dir)')
    questions = {question.question_id: question for question in loaded.asked}
    annotated = _read(source / 'annotated.jsonl', AnnotatedResponse, questions)
    refuse_partial(annotated, settings.pair_rules())
    summary = Summary(len(questions), settings.sampling.responses_per_question, loaded.describe())
    with open_work_dir(settings):
        guard_work_dir(work_dir, made_from)
        (work_dir / 'summary.json').unlink(missing_ok=True)
        loaded.write(work_dir)
        for name, model in FILES.items():
            _copy(source / name, work_dir / name, model, questions)
        for failure in read_lines(work_dir / 'failures.jsonl', FailureRecord):
            summary.count_failure(failure)
        for response in read_lines(work_dir / 'annotated.jsonl', AnnotatedResponse):
            summary.count_response(response)
        pair_stage(work_dir, questions, settings.pair_rules(), summary)
        write_summary(work_dir, summary)
    refuse_without_pairs(work_dir, summary)
    return summary


def _read(path: Path, model: type[Record], questions: Container[str]) -> Iterator[Any]:
    """Stream what a file says of the questions."""
    record: Any
    for record in read_lines(path, model):
        if record.question_id in questions:
            yield record


def _copy(source: Path, target: Path, model: type[Record], questions: Container[str]) -> None:
    with atomic_writer(target) as file:
        for record in _read(source, model, questions):
            write_line(file, record)


def _experiment(settings: Settings, questions: Questions, source: Path) -> dict[str, Any]:
    """Collect what determines the new pairs: that of the answers, and the new rules."""
    if not (source / 'summary.json').exists():
        raise ValueError(f'{source} is not finished; run `maskdpo sample` for it first')
    recorded = read_experiment(source / 'settings.json')
    if 'shard' in recorded:
        raise ValueError(f'{source} is a shard; put the shards together with `maskdpo merge`')
    rules = {**settings.flat(('pairs',)), **identity_of_rule(settings.pairs.rule)}
    # In their order, so that the file is that of a whole run.
    kept = {k: v for k, v in recorded.items() if k in rules or not k.startswith('pairs.')}
    chosen = questions.identity()
    is_chosen = any(key.startswith('subset.') for key in recorded)
    asked = chosen if is_chosen else describe_questions(questions.every)
    difference = describe_difference(kept, {**kept, **asked, **settings.flat(('sampling',))})
    if difference:
        raise ValueError(
            f'{source} was made from other questions or sampling ({difference}); name the config '
            'that it was made with, or one that inherits it'
        )
    return {**chosen, **{k: v for k, v in kept.items() if k not in asked}, **rules}
