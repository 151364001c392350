"""Evaluating models: sample the responses of every run, annotate them by every judge, compare.

Sampling and annotation are the pipeline's own, in one folder a set and model, so an evaluation that
was interrupted resumes where it stopped, and a model that was evaluated before costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.evaluation.answering import (
    Answered,
    answer,
    read_missing,
    read_responses,
)
from maskdpo_xtuner.evaluation.comparison import compare
from maskdpo_xtuner.evaluation.exports import as_csv, as_latex
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.evaluation.judges import Judge
from maskdpo_xtuner.evaluation.nlls import Scorer
from maskdpo_xtuner.evaluation.planning import AskedSet, Models, Plan, plan
from maskdpo_xtuner.evaluation.results import (
    FILE,
    QUESTIONS_FILE,
    Evaluation,
    TrainedOn,
    Training,
)
from maskdpo_xtuner.evaluation.scorers import Scored, Scores, score_responses, scorers_of
from maskdpo_xtuner.evaluation.shortfalls import find_shortfalls
from maskdpo_xtuner.evaluation.trained_on import trained_on
from maskdpo_xtuner.jsonl import write_records
from maskdpo_xtuner.pipeline.shards import Shard
from maskdpo_xtuner.pipeline.summary import Summary
from maskdpo_xtuner.records import AnnotatedResponse, Question
from maskdpo_xtuner.settings import Settings

Responses = dict[Judge, dict[str, list[AnnotatedResponse]]]
"""Judge -> key of a training -> its responses, annotated by that judge."""


@dataclass(frozen=True)
class SetRun:
    """What was found on one set, and from what.

    Attributes:
        evaluation: the result, as in ``evaluation.json``.
        questions: the questions asked.
        responses: all that was counted.
    """

    evaluation: Evaluation
    questions: list[Question]
    responses: Responses


@dataclass(frozen=True)
class EvaluationRun:
    """What an evaluation did, on every set.

    Attributes:
        sets: what was found; nothing in a shard, which compares nothing.
        counts: name of a set, key of a training -> name of a judge -> what became of the requests
            to both.
    """

    sets: tuple[SetRun, ...]
    counts: dict[tuple[str, str], dict[str, Summary]]

    @property
    def failed_turns(self) -> int:
        """Requests to annotators that failed; the next run asks them again."""
        return sum(summary.turns.failed for by in self.counts.values() for summary in by.values())

    @property
    def exit_status(self) -> int:
        """0 when nothing is missing from the numbers, else 1."""
        lost = any(s.exit_status for by in self.counts.values() for s in by.values())
        short = any(each.evaluation.shortfalls for each in self.sets)
        return int(lost or short or self.failed_turns > 0)


def evaluate(
    settings: Settings,
    models: Models | None = None,
    shard: Shard | None = None,
    *,
    quiet: bool = False,
) -> EvaluationRun:
    """Evaluate models on the sets of ``settings.evaluation``.

    In ``<work_dir>/evaluation`` every model gets a folder (below that of the set, where sets have
    names) with its responses, one file of annotated responses a judge and the remembered
    likelihoods of its texts. ``evaluation.json`` beside them is the result of a set,
    ``questions.jsonl`` its questions; ``evaluation.csv`` and ``evaluation.tex`` have all sets.

    Args:
        settings: the policy's model and number of responses are replaced, the rest is taken.
        models: name -> folder, hub name or engine of a model, several of those for the trainings
            of one row, None for the config's. The first is what the others are compared with.
        shard: do this part of every set only, and compare nothing; a run without takes over what
            the shards have done.
        quiet: no progress bars.

    Raises:
        ValueError: for settings that cannot be (`maskdpo_xtuner.evaluation.planning.plan`), a model
            that does not exist, and a training that gave no response.
    """
    planned = plan(settings, models, shard)
    name, trainings = next(iter(planned.models.items()))
    first = next(iter(trainings.values()))
    scorers = scorers_of(planned.asked, settings.policy, name, first)
    answered = answer(planned, quiet=quiet)
    responses = {asked.name: _responses(planned, asked) for asked in planned.sets}
    scores = _score(planned, responses, scorers, quiet=quiet)
    if shard:
        return EvaluationRun((), answered.counts)
    sets = tuple(
        _compare(planned, asked, responses[asked.name], scores, answered) for asked in planned.sets
    )
    _write(planned, sets)
    return EvaluationRun(sets, answered.counts)


def _responses(planned: Plan, asked: AskedSet) -> Responses:
    return {
        judge: {key: read_responses(planned, asked, key, judge) for key in planned.engines}
        for judge in planned.judges_of(asked)
    }


def _score(
    planned: Plan, responses: Mapping[str, Responses], scorers: dict[str, Scorer], *, quiet: bool
) -> Scores:
    scored = {}
    for asked in planned.sets:
        for key, own in next(iter(responses[asked.name].values())).items():
            folder = planned.folder(asked, key)
            asked_and_said = [(asked.questions[r.question_id].question, r.text) for r in own]
            kept = planned.settings.in_folder(folder).store_path.parent  # beside the completions
            before = planned.parts_of(folder)
            if kept != folder:
                before.append(folder)  # which kept its own before the store was shared
            scored[asked.name, key] = Scored(kept, before, asked_and_said)
    return score_responses(scored, scorers, quiet=quiet)


def _compare(
    planned: Plan, asked: AskedSet, responses: Responses, scores: Scores, answered: Answered
) -> SetRun:
    questions = list(asked.questions.values())
    missing = {key: read_missing(planned, asked, key) for key in planned.engines}
    found = compare(
        responses,
        questions,
        nlls={key: scores.nlls[asked.name, key] for key in planned.engines},
        bounds=planned.asked.bounds,
        metrics=planned.asked.metrics,
        bootstrap=Bootstrap(),
        settings=_describe(planned.settings, asked),
        k=asked.k,
        models=_trainings(planned, responses, answered),
        missing=missing,
    )
    by_judge = {judge.name: by_key for judge, by_key in responses.items()}
    most = planned.asked.most_without_verdict
    keys = ('temperature', 'top_k', 'top_p', 'max_new_tokens')
    about = {
        'name': asked.name,
        'sampling': {key: getattr(asked.sampling, key) for key in keys},
        'seed': asked.sampling.seed,
        'num_runs': asked.sampling.num_samples,
        'perplexity': scores.scorers,
        'trained_on': _trained_on(planned, questions),
        'shortfalls': tuple(find_shortfalls(by_judge, missing, most)),
    }
    return SetRun(found.model_copy(update=about), questions, responses)


def _trainings(
    planned: Plan, responses: Responses, answered: Answered
) -> dict[str, list[Training]]:
    own = next(iter(responses.values()))
    return {
        name: [
            Training(key=key, model=own[key][0].model, identity=answered.identities[key])
            for key in keys
        ]
        for name, keys in planned.models.items()
    }


def _trained_on(planned: Plan, questions: list[Question]) -> TrainedOn | None:
    """By the pairs that the config names, or those of its work dir, if there are any."""
    pairs = planned.asked.pairs or planned.settings.work_dir / 'pairs.jsonl'
    return trained_on(pairs, questions) if pairs.is_file() else None


def _describe(settings: Settings, asked: AskedSet) -> dict[str, str]:
    sampling = asked.sampling
    return {
        'pairs by': settings.annotator.type,
        'temperature': str(sampling.temperature),
        'top_k': str(sampling.top_k),
        'max_new_tokens': str(sampling.max_new_tokens),
        'seed': str(sampling.seed),
    }


def _write(planned: Plan, sets: tuple[SetRun, ...]) -> None:
    """Write the result of every set, then the tables of all."""
    for left in planned.root.glob('.*.tmp'):  # by a run that was killed here
        left.unlink()
    for run in sets:
        with atomic_writer(planned.root / run.evaluation.name / FILE) as file:
            file.write(run.evaluation.model_dump_json(indent=2))
        write_records(planned.root / run.evaluation.name / QUESTIONS_FILE, run.questions)
    evaluations = [run.evaluation for run in sets]
    for name, text in (('csv', as_csv(evaluations)), ('tex', as_latex(evaluations))):
        with atomic_writer(planned.root / f'evaluation.{name}') as file:
            file.write(text)
