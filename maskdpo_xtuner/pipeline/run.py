"""The three stages in a work dir: sample, annotate, pair.

Every stage writes its file when it is whole. What the engine answered is remembered in
``completions.sqlite``, so a run that was interrupted goes on where it stopped and ends in the same
bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.completions import CompletionStore, Scheduler
from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.jsonl import atomic_writer, read_records, write_records
from maskdpo_xtuner.pairs import DroppedQuestion
from maskdpo_xtuner.pipeline.annotation import annotate
from maskdpo_xtuner.pipeline.pairing import pair
from maskdpo_xtuner.pipeline.sampling import FailedSample, sample
from maskdpo_xtuner.pipeline.summary import Summary
from maskdpo_xtuner.progress import progress_bar
from maskdpo_xtuner.records import AnnotatedResponse, PreferencePair, Question, Response, Sentence
from maskdpo_xtuner.settings import Settings, guard_work_dir

GUARDED = ('questions', 'policy', 'sampling', 'annotator', 'pairs')


def run_pipeline(settings: Settings, *, quiet: bool = False) -> Summary:
    """Make ``pairs.jsonl`` and what leads to it.

    Returns:
        The counts, also written as ``summary.json``. Samples that failed are in
        ``failures.jsonl``; they are asked again by the next run.

    Raises:
        ValueError: for bad input, settings that differ from those of the work dir, when no answer
            could be had, and when no pair is left (``dropped.jsonl`` then says why for every
            question).
    """
    work_dir = settings.work_dir
    questions = {question.question_id: question for question in settings.questions.load()}
    # What is wrong with either model is found before anything is asked or written.
    policy, judge = settings.policy.build(), settings.annotator.build()
    guard_work_dir(work_dir, settings, GUARDED)
    summary = Summary(questions=len(questions), samples=settings.sampling.answers_per_question)
    sample_stage(settings, policy, questions, summary, quiet=quiet)
    del policy  # Its model makes room for the annotator's.
    if not summary.requests.done:
        raise ValueError(
            f'there are no answers to annotate: {summary.requests.describe()}; see '
            f'{work_dir / "failures.jsonl"}, and run again to ask for them'
        )
    annotate_stage(settings, judge, questions, summary, quiet=quiet)
    pair_stage(settings, questions, summary)
    with atomic_writer(work_dir / 'summary.json') as file:
        json.dump(summary.to_dict(), file, indent=2)
    if not summary.pairs:
        raise ValueError(
            f'all {len(questions)} questions were dropped ({summary.drop_reasons()}); '
            f'{work_dir / "dropped.jsonl"} has the scores: sample more answers, or look at the '
            'labels in annotated.jsonl'
        )
    return summary


def sample_stage(
    settings: Settings,
    engine: Engine,
    questions: dict[str, Question],
    summary: Summary,
    *,
    quiet: bool,
) -> None:
    """Questions to ``responses.jsonl``, and ``failures.jsonl`` for what could not be had."""
    failures: list[FailedSample] = []
    with CompletionStore(settings.work_dir / 'completions.sqlite') as store:
        scheduler: Scheduler[Response | FailedSample] = Scheduler(engine, store)
        summary.requests = scheduler.accounting
        groups = sample(questions.values(), scheduler, settings.sampling, engine.identity)
        bar = progress_bar(len(questions), 'sampling', 'question', quiet=quiet)

        def responses() -> Iterator[Response]:
            for group in groups:
                failures.extend(item for item in group if isinstance(item, FailedSample))
                yield from (item for item in group if isinstance(item, Response))
                bar.update()

        with bar:
            write_records(settings.work_dir / 'responses.jsonl', responses())
    write_records(settings.work_dir / 'failures.jsonl', failures)


def annotate_stage(
    settings: Settings,
    judge: tuple[Annotator, Engine | None],
    questions: dict[str, Question],
    summary: Summary,
    *,
    quiet: bool,
) -> None:
    """``responses.jsonl`` to ``annotated.jsonl``; ``judge`` is an annotator and its engine."""
    responses = read_records(settings.work_dir / 'responses.jsonl', Response)
    annotator, engine = judge
    total = summary.requests.done
    with (
        CompletionStore(settings.work_dir / 'completions.sqlite') as store,
        progress_bar(total, 'annotating', 'answer', quiet=quiet) as bar,
    ):
        scheduler: Scheduler[Sentence] | None = Scheduler(engine, store) if engine else None
        if scheduler:
            summary.turns = scheduler.accounting
        annotated = annotate(responses, questions, annotator, scheduler)

        def counted(items: Iterable[AnnotatedResponse]) -> Iterator[AnnotatedResponse]:
            for item in items:
                summary.count_response(item)
                bar.update()
                yield item

        write_records(settings.work_dir / 'annotated.jsonl', counted(annotated))


def pair_stage(settings: Settings, questions: dict[str, Question], summary: Summary) -> None:
    """``annotated.jsonl`` to ``pairs.jsonl`` and ``dropped.jsonl``."""
    annotated = read_records(settings.work_dir / 'annotated.jsonl', AnnotatedResponse)
    dropped: list[DroppedQuestion] = []

    def pairs() -> Iterator[PreferencePair]:
        for made in pair(annotated, questions, settings.pair_rules()):
            summary.count_pair(made)
            if isinstance(made, PreferencePair):
                yield made
            else:
                dropped.append(made)

    write_records(settings.work_dir / 'pairs.jsonl', pairs())
    write_records(settings.work_dir / 'dropped.jsonl', dropped)
