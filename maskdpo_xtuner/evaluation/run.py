"""Evaluating models: sample the answers of every run, annotate them by every judge, compare.

Sampling and annotation are the pipeline's own, in one folder a model, so an evaluation that was
interrupted resumes where it stopped, and a model that was evaluated before costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from maskdpo_xtuner.annotators.settings import AnnotatorChoice
from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.evaluation.comparison import compare
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.evaluation.judges import Judge, judges_of
from maskdpo_xtuner.evaluation.results import Evaluation
from maskdpo_xtuner.evaluation.scorers import score_answers, scorers_of
from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.pipeline.run import annotate_stage, sample_stage
from maskdpo_xtuner.pipeline.summary import Summary
from maskdpo_xtuner.pipeline.work_dir import open_work_dir
from maskdpo_xtuner.records import AnnotatedResponse, Question
from maskdpo_xtuner.settings import EvaluationSettings, Settings


@dataclass(frozen=True)
class EvaluationRun:
    """What an evaluation found, and what it was found from.

    Attributes:
        evaluation: the result, as in ``evaluation.json``.
        questions: the questions asked.
        answers: judge -> model name -> its answers, annotated by that judge.
        counts: model name -> name of a judge -> what became of the requests to both.
    """

    evaluation: Evaluation
    questions: list[Question]
    answers: dict[Judge, dict[str, list[AnnotatedResponse]]]
    counts: dict[str, dict[str, Summary]]

    @property
    def failed_turns(self) -> int:
        """Requests to annotators that failed; the next run asks them again."""
        return sum(summary.turns.failed for by in self.counts.values() for summary in by.values())


def evaluate(
    settings: Settings, models: Mapping[str, str | None], *, quiet: bool = False
) -> EvaluationRun:
    """Evaluate models on the questions of ``settings.evaluation``.

    In ``<work_dir>/evaluation`` every model gets a folder with its responses, one file of annotated
    answers a judge and the remembered likelihoods of its texts, and ``evaluation.json`` the
    result. Table 1 of the paper samples with top-k 1, one answer a question; its means of several
    runs need sampling, which is the default here.

    Args:
        settings: the policy's model and number of answers are replaced, the rest is taken.
        models: name -> folder or hub name of a model, None for the config's policy. The first
            is what the others are compared with.
        quiet: no progress bars.

    Raises:
        ValueError: for settings without evaluation or with several greedy runs, names that
            cannot be folders, a model that does not exist, and when answers are missing.
    """
    asked = _check(settings, models)
    questions = asked.questions.load()
    by_id = {question.question_id: question for question in questions}
    folder = settings.work_dir / 'evaluation'
    judges, scorers = judges_of(settings), scorers_of(settings, asked, models)
    answers: dict[Judge, dict[str, list[AnnotatedResponse]]] = {judge: {} for judge in judges}
    counts = {}
    for name, model in models.items():
        own = _settings_of(settings, asked, model, folder / name)
        counts[name] = _answer(own, judges, by_id, name, quiet=quiet)
        for judge in judges:
            annotated = read_records(folder / name / _file_of(judge), AnnotatedResponse)
            answers[judge][name] = list(annotated)
    first = next(iter(answers.values()))
    evaluation = compare(
        answers,
        questions,
        nlls=score_answers(folder, scorers, first, by_id, quiet=quiet),
        bounds=asked.bounds,
        metrics=asked.metrics,
        bootstrap=Bootstrap(),
        settings=_describe(settings, asked),
    )
    with atomic_writer(folder / 'evaluation.json') as file:
        file.write(evaluation.model_dump_json(indent=2))
    return EvaluationRun(evaluation, questions, answers, counts)


def _check(settings: Settings, models: Mapping[str, str | None]) -> EvaluationSettings:
    asked = settings.evaluation
    if asked is None:
        raise ValueError(
            'the config does not say what to evaluate on; add '
            'evaluation = dict(questions=dict(type="jsonl", path=...))'
        )
    if asked.num_runs > 1 and (asked.temperature == 0 or asked.top_k == 1):
        raise ValueError(
            f'greedy decoding gives {asked.num_runs} equal runs; set evaluation.num_runs=1, or a '
            'temperature above 0 and another top_k than 1'
        )
    for name in models:
        if not re.fullmatch(r'\w[\w.-]*', name):
            raise ValueError(f'the model name {name!r} may have letters, digits, "_", "." and "-"')
    return asked


def _settings_of(
    settings: Settings, asked: EvaluationSettings, model: str | None, folder: Path
) -> Settings:
    """The settings of one model's answers: a pipeline that stops before pairs."""
    decoding = asked.model_dump(include={'temperature', 'top_k', 'seed'})
    sampling = settings.sampling.model_copy(
        update={'num_samples': asked.num_runs, 'document_for_chosen': False, **decoding}
    )
    policy = settings.policy.model_copy(update={'model': model} if model else {})
    return settings.model_copy(
        update={
            'work_dir': folder,
            'questions': asked.questions,
            'sampling': sampling,
            'policy': policy,
            'store': None,
        }
    )


def _answer(
    settings: Settings,
    judges: Mapping[Judge, AnnotatorChoice],
    questions: Mapping[str, Question],
    name: str,
    *,
    quiet: bool,
) -> dict[str, Summary]:
    """Sample one model's answers, and annotate them by every judge."""
    summary = Summary(questions=len(questions), samples=settings.sampling.num_samples)
    # What is wrong with any model is found before the first is asked.
    policy = settings.policy.build()
    built = [(judge, source.build_for(questions.values())) for judge, source in judges.items()]
    work_dir, counts = settings.work_dir, {}
    with open_work_dir(settings) as store:
        sample_stage(work_dir, store, policy, questions, settings.sampling, summary, quiet=quiet)
        del policy  # Its model makes room for the annotators'.
        if summary.requests.failed or not summary.requests.done:
            raise ValueError(
                f'{name}: {summary.requests.describe()}; see {work_dir / "failures.jsonl"}, '
                'and run the same command again to ask for what is missing'
            )
        while built:
            judge, built_judge = built.pop(0)
            own = Summary(summary.questions, summary.samples, summary.requests)
            file = _file_of(judge)
            annotate_stage(work_dir, store, built_judge, questions, own, quiet=quiet, name=file)
            counts[judge.name] = own
    return counts


def _file_of(judge: Judge) -> str:
    return f'annotated-{judge.name}.jsonl'


def _describe(settings: Settings, asked: EvaluationSettings) -> dict[str, str]:
    return {
        'pairs by': settings.annotator.type,
        'temperature': str(asked.temperature),
        'top_k': str(asked.top_k),
        'max_new_tokens': str(settings.sampling.max_new_tokens),
        'seed': str(asked.seed),
    }
