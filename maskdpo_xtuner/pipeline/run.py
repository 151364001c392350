"""The three stages in a work dir: sample, annotate, pair.

Every stage streams its files and puts them in place when they are whole. What the engine answered
is remembered in ``completions.sqlite``, so an interrupted run resumes where it stopped and
ends in the same bytes. ``summary.json`` stands in a work dir whose files belong together: a run
takes it away when it begins and writes it last.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.completions import CompletionStore, EngineDown, Scheduler
from maskdpo_xtuner.engines.base import Engine, model_of
from maskdpo_xtuner.pairing import PairRules
from maskdpo_xtuner.pipeline.annotation import annotate, failed_sentences
from maskdpo_xtuner.pipeline.files import FailureRecord, read_lines, write_line
from maskdpo_xtuner.pipeline.needed import annotate_needed, rules_of_needed, why_all
from maskdpo_xtuner.pipeline.pairing import pair
from maskdpo_xtuner.pipeline.questions import load_questions
from maskdpo_xtuner.pipeline.sampling import sample
from maskdpo_xtuner.pipeline.shards import Shard, refuse_shared
from maskdpo_xtuner.pipeline.summary import Summary
from maskdpo_xtuner.pipeline.work_dir import experiment, open_work_dir
from maskdpo_xtuner.progress import engine_bar, progress_bar
from maskdpo_xtuner.records import AnnotatedResponse, PreferencePair, Question, Response, Sentence
from maskdpo_xtuner.settings import SamplingSettings, Settings, guard_work_dir


def run_pipeline(settings: Settings, shard: Shard | None = None, *, quiet: bool = False) -> Summary:
    """Make ``pairs.jsonl`` and what leads to it.

    Args:
        settings: what to run.
        shard: do this part of the questions only, in a work dir of its own inside the config's;
            `maskdpo_xtuner.pipeline.merging.merge_shards` puts the parts together.
        quiet: no progress bars.

    Returns:
        The counts, also written as ``summary.json``. Requests that failed are listed in
        ``failures.jsonl``; they are asked again by the next run.

    Raises:
        ValueError: for bad input, settings that differ from those of the work dir, when no answer
            came, and when no pair is left (``dropped.jsonl`` then says why for every
            question). A shard may be left without pairs.
    """
    loaded = load_questions(settings)
    asked = shard.take(loaded.asked) if shard else loaded.asked
    questions = {question.question_id: question for question in asked}
    # What is wrong with either model is found before anything is asked or written.
    policy, judge = settings.policy.build(), settings.annotator.build_for(loaded.asked)
    subset = loaded.identity_of_subset()
    made_from = experiment(settings, loaded.asked, policy, judge, shard, subset)
    if shard:
        settings = shard_settings(settings, shard)
    work_dir = settings.work_dir
    summary = Summary(len(questions), settings.sampling.responses_per_question, loaded.describe())
    with open_work_dir(settings) as store:
        guard_work_dir(work_dir, made_from)
        (work_dir / 'summary.json').unlink(missing_ok=True)
        loaded.write(work_dir)
        sample_stage(work_dir, store, policy, questions, settings.sampling, summary, quiet=quiet)
        del policy  # Its model makes room for the annotator's.
        needed_by = rules_of_needed(settings, judge[1])
        if needed_by is None and settings.annotation == 'needed':
            print(f'all sentences are judged: {why_all(settings, judge[1])}', file=sys.stderr)
        annotate_stage(work_dir, store, judge, questions, summary, quiet=quiet, needed_by=needed_by)
        pair_stage(work_dir, questions, settings.pair_rules(), summary)
        write_summary(work_dir, summary)
    if shard is None:
        refuse_without_pairs(work_dir, summary)
    return summary


def shard_settings(settings: Settings, shard: Shard) -> Settings:
    """The settings with the work dir of a shard.

    Raises:
        ValueError: for settings with a store of their own: one run at a time can have it.
    """
    refuse_shared(settings.store)
    return settings.in_folder(shard.folder(settings.work_dir))


def sample_stage(
    work_dir: Path,
    store: CompletionStore,
    engine: Engine,
    questions: Mapping[str, Question],
    sampling: SamplingSettings,
    summary: Summary,
    *,
    quiet: bool,
) -> None:
    """Answer questions into ``responses.jsonl``, and list failed requests in ``failures.jsonl``.

    Raises:
        ValueError: when no answer came.
    """
    scheduler: Scheduler[Response | FailureRecord] = Scheduler(engine, store)
    summary.requests = scheduler.accounting
    with (
        atomic_writer(work_dir / 'responses.jsonl') as responses,
        atomic_writer(work_dir / 'failures.jsonl') as failures,
        _progress(scheduler, len(questions), 'sampling', 'questions', quiet=quiet) as advance,
    ):
        asked_with = getattr(engine, 'template_kwargs', None)
        for group in sample(questions.values(), scheduler, sampling, model_of(engine), asked_with):
            for item in group:
                write_line(responses if isinstance(item, Response) else failures, item)
            advance()
    if not summary.requests.done:
        raise ValueError(
            f'there are no answers to annotate: {summary.requests.describe()}; see '
            f'{work_dir / "failures.jsonl"}, fix the cause and run again'
        )


def annotate_stage(
    work_dir: Path,
    store: CompletionStore,
    judge: tuple[Annotator, Engine | None],
    questions: Mapping[str, Question],
    summary: Summary,
    *,
    quiet: bool,
    name: str = 'annotated.jsonl',
    needed_by: PairRules | None = None,
) -> None:
    """Annotate ``responses.jsonl`` into the file ``name``; ``judge``: annotator and engine.

    Sentences whose requests failed are added to ``failures.jsonl``. With ``needed_by`` no more is
    asked than pairs by these rules need.
    """
    annotator, engine = judge
    scheduler: Scheduler[tuple[Sentence, ...]] | None = None
    if engine:
        scheduler = Scheduler(engine, store)
        summary.turns = scheduler.accounting
    responses = read_lines(work_dir / 'responses.jsonl', Response)
    groups: Iterator[Sequence[AnnotatedResponse]]
    if needed_by is not None and scheduler is not None:
        groups = annotate_needed(responses, questions, annotator, scheduler, needed_by)
        total, unit = len(questions), 'questions'
    else:
        groups = ([each] for each in annotate(responses, questions, annotator, scheduler))
        total, unit = summary.requests.done, 'answers'
    with (
        atomic_writer(work_dir / name) as annotated,
        atomic_writer(work_dir / 'failures.jsonl') as failures,
        _progress(scheduler, total, 'annotating', unit, quiet=quiet) as advance,
    ):
        for failure in read_lines(work_dir / 'failures.jsonl', FailureRecord):
            summary.count_failure(failure)
            write_line(failures, failure)
        for group in groups:
            for response in group:
                summary.count_response(response)
                write_line(annotated, response)
                for failure in failed_sentences(response):
                    write_line(failures, failure)
            advance()


@contextmanager
def _progress(
    scheduler: Scheduler[Any] | None, total: int, stage: str, unit: str, *, quiet: bool
) -> Iterator[Callable[[], object]]:
    """Show how far a stage is, and, should it break off, what became of its requests."""
    if scheduler is None:
        with progress_bar(total, stage, f' {unit}', quiet=quiet) as bar:
            yield bar.update
        return
    accounting = scheduler.accounting
    try:
        with engine_bar(
            total, stage, unit, accounting.postfix, in_call=scheduler.in_call, quiet=quiet
        ) as advance:
            yield advance
    except EngineDown:  # Its message says it.
        raise
    except BaseException:
        print(f'{stage}: {accounting.describe()}', file=sys.stderr)
        raise


def pair_stage(
    work_dir: Path, questions: Mapping[str, Question], rules: PairRules, summary: Summary
) -> None:
    """Pair ``annotated.jsonl`` into ``pairs.jsonl`` and ``dropped.jsonl``."""
    annotated = read_lines(work_dir / 'annotated.jsonl', AnnotatedResponse)
    with (
        atomic_writer(work_dir / 'pairs.jsonl') as pairs,
        atomic_writer(work_dir / 'dropped.jsonl') as dropped,
    ):
        for made in pair(annotated, questions, rules):
            summary.count_pair(made)
            write_line(pairs if isinstance(made, PreferencePair) else dropped, made)


def write_summary(work_dir: Path, summary: Summary) -> None:
    """Write ``summary.json``, the sign that all files are there and belong together."""
    with atomic_writer(work_dir / 'summary.json') as file:
        json.dump(summary.to_dict(), file, indent=2)


def refuse_without_pairs(work_dir: Path, summary: Summary) -> None:
    """End in an error that says why no question gave a pair.

    Raises:
        ValueError: when there is no pair.
    """
    if not summary.pairs:
        advice = 'sample more answers, or look at the labels in annotated.jsonl'
        if summary.same.questions:
            advice = summary.same.describe()
        print(summary.table())
        raise ValueError(
            f'all {summary.questions} questions were dropped ({summary.drop_reasons()}); '
            f'{work_dir / "dropped.jsonl"} has the scores: {advice}'
        )
