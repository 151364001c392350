"""Several models on the same questions: their scores, and whether they differ beyond noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from maskdpo_xtuner.evaluation.best_of import BestOf, best_of_curve
from maskdpo_xtuner.evaluation.intervals import (
    Bootstrap,
    Difference,
    Interval,
    score_difference,
    score_interval,
    tally,
)
from maskdpo_xtuner.evaluation.metrics import Counts, count_runs, mean_counts, mean_score
from maskdpo_xtuner.records import AnnotatedResponse, Question, Record

Cluster = Literal['topic', 'question']


class ModelResult(Record):
    """One model's counts and score.

    ``runs`` are totals over the set, one entry a run; ``means`` are their averages over runs.
    ``score`` is in percent; ``difference`` is to the first model and None for the first itself.
    ``best_of`` are the expected scores of the best of 1, 2, 4, ... runs.
    ``model`` says where the weights came from.
    """

    name: str
    model: str
    runs: tuple[Counts, ...]
    means: dict[str, float]
    score: float | None
    interval: Interval | None
    difference: Difference | None
    best_of: tuple[BestOf, ...]


class Evaluation(Record):
    """What one evaluation found; the form of ``evaluation.json``."""

    questions: int
    topics: int
    cluster: Cluster
    bootstrap: Bootstrap
    settings: dict[str, str]
    models: tuple[ModelResult, ...]


def compare(
    answers: Mapping[str, Sequence[AnnotatedResponse]],
    questions: Sequence[Question],
    *,
    bootstrap: Bootstrap,
    cluster: Cluster = 'topic',
    settings: Mapping[str, str],
) -> Evaluation:
    """Score every model and compare each with the first.

    Args:
        answers: model name -> its annotated answers, ``sample_index`` being the run.
        questions: the questions asked; all models and runs must have answered each.
        cluster: what the bootstrap resamples.
        settings: what else determined the answers (sampling, annotator, ...), for the reader.

    Raises:
        ValueError: naming the first model, run and question without an answer.
    """
    cluster_of = {
        q.question_id: q.topic if cluster == 'topic' else q.question_id for q in questions
    }
    for name, responses in answers.items():
        _check_complete(name, responses, cluster_of)
    tallies = {name: tally(responses, cluster_of) for name, responses in answers.items()}
    first = next(iter(tallies))
    results = []
    for name, mine in tallies.items():
        difference = None if name == first else score_difference(mine, tallies[first], bootstrap)
        interval = score_interval(mine, bootstrap)
        best_of = best_of_curve(answers[name], cluster_of, bootstrap)
        results.append(_result(name, answers[name], interval, difference, best_of))
    return Evaluation(
        questions=len(questions),
        topics=len({q.topic for q in questions}),
        cluster=cluster,
        bootstrap=bootstrap,
        settings=dict(settings),
        models=tuple(results),
    )


def _result(
    name: str,
    responses: Sequence[AnnotatedResponse],
    interval: Interval | None,
    difference: Difference | None,
    best_of: tuple[BestOf, ...],
) -> ModelResult:
    runs = count_runs(responses)
    return ModelResult(
        name=name,
        model=responses[0].model,
        runs=tuple(runs),
        means=mean_counts(runs),
        score=mean_score(runs),
        interval=interval,
        difference=difference,
        best_of=best_of,
    )


def _check_complete(
    name: str, responses: Sequence[AnnotatedResponse], question_ids: Iterable[str]
) -> None:
    runs = {response.sample_index for response in responses} or {0}
    times = Counter((response.question_id, response.sample_index) for response in responses)
    for question_id in question_ids:
        for run in runs:
            if times[question_id, run] != 1:
                raise ValueError(
                    f'{name}: question {question_id} has {times[question_id, run]} answers in run '
                    f'{run}, not one; run the evaluation again to fill what is missing'
                )
