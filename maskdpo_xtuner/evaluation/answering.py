"""Responses of every training on every set, labelled by every judge.

Every model is loaded once: a policy answers all sets, then a judge labels all that was answered.
Sampling and annotation are the stages of the pipeline, in a folder for each set and training, so
an interrupted evaluation goes on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass

from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.evaluation.judges import Judge
from maskdpo_xtuner.evaluation.planning import AskedSet, Plan
from maskdpo_xtuner.experiments import COMPLETIONS
from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.pipeline.files import FailureRecord, read_lines
from maskdpo_xtuner.pipeline.run import annotate_stage, sample_stage
from maskdpo_xtuner.pipeline.summary import Summary
from maskdpo_xtuner.pipeline.work_dir import open_part
from maskdpo_xtuner.records import AnnotatedResponse, Question


@dataclass(frozen=True)
class Answered:
    """What was done.

    Attributes:
        identities: key of a training -> what determined its responses.
        counts: name of a set, key of a training -> name of a judge -> what became of the requests
            to both.
    """

    identities: dict[str, dict[str, str]]
    counts: dict[tuple[str, str], dict[str, Summary]]


def answer(plan: Plan, *, quiet: bool) -> Answered:
    """Sample and annotate all that is not there yet.

    Raises:
        ValueError: for a model or a judge that does not exist, before anything is asked; and when
            a training gave no response at all.
    """
    engines = {key: source.build() for key, source in plan.engines.items()}
    judges = {judge: _build(plan, judge) for judge in plan.judges}
    identities = {key: identity_of(engine) for key, engine in engines.items()}
    sampled = {}
    for key in list(engines):
        engine = engines.pop(key)
        for asked in plan.sets:
            sampled[asked.name, key] = _sample(plan, asked, key, engine, quiet=quiet)
        del engine  # Its model makes room for the next.
    counts: dict[tuple[str, str], dict[str, Summary]] = {place: {} for place in sampled}
    for judge in list(judges):
        built = judges.pop(judge)
        for asked in (each for each in plan.sets if judge in plan.judges_of(each)):
            for key in identities:
                requests = sampled[asked.name, key].requests
                own = Summary(len(asked.questions), asked.sampling.num_samples, requests=requests)
                _annotate(plan, asked, key, judge, built, own, quiet=quiet)
                counts[asked.name, key][judge.name] = own
        del built
    return Answered(identities, counts)


def _build(plan: Plan, judge: Judge) -> tuple[Annotator, Engine | None]:
    """Give the judge for the questions of all its sets; its weights are loaded when it is asked."""
    questions: list[Question] = []
    for asked in plan.sets:
        if judge in plan.judges_of(asked):
            questions += asked.questions.values()
    return plan.judges[judge].annotator.build_for(questions)


def _sample(plan: Plan, asked: AskedSet, key: str, engine: Engine, *, quiet: bool) -> Summary:
    summary = Summary(len(asked.questions), asked.sampling.num_samples)
    folder = plan.folder(asked, key)
    with open_part(plan.settings, folder) as store:
        for kept in (part / COMPLETIONS for part in plan.parts_of(folder)):
            if kept.is_file():
                store.absorb(kept)
        sampling = asked.sampling
        sample_stage(folder, store, engine, asked.questions, sampling, summary, quiet=quiet)
    return summary


def _annotate(
    plan: Plan,
    asked: AskedSet,
    key: str,
    judge: Judge,
    built: tuple[Annotator, Engine | None],
    summary: Summary,
    *,
    quiet: bool,
) -> None:
    folder = plan.folder(asked, key)
    with open_part(plan.settings, folder) as store:
        name = annotated_file(judge)
        annotate_stage(folder, store, built, asked.questions, summary, quiet=quiet, name=name)


def read_responses(plan: Plan, asked: AskedSet, key: str, judge: Judge) -> list[AnnotatedResponse]:
    """Give what a training answered on a set, as a judge labelled it."""
    return list(read_records(plan.folder(asked, key) / annotated_file(judge), AnnotatedResponse))


def read_missing(plan: Plan, asked: AskedSet, key: str) -> set[tuple[str, int]]:
    """Questions and runs that the engine of a training did not answer."""
    failures = read_lines(plan.folder(asked, key) / 'failures.jsonl', FailureRecord)
    return {(f.question_id, f.sample_index) for f in failures if f.stage == 'sampling'}


def annotated_file(judge: Judge) -> str:
    """Give the file, in the folder of a training, with its responses as a judge labelled them."""
    return f'annotated-{judge.name}.jsonl'
