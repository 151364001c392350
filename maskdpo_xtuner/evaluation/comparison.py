"""Several models on the same questions, by one judge or several: metrics and verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from maskdpo_xtuner.bounds import Bounds
from maskdpo_xtuner.evaluation.agreement import agreements
from maskdpo_xtuner.evaluation.best_of import best_of_curve
from maskdpo_xtuner.evaluation.counts import count_runs, mean_counts, unit_of
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.evaluation.judges import Judge
from maskdpo_xtuner.evaluation.metrics import judged_tallies
from maskdpo_xtuner.evaluation.perplexity import ResponseNll
from maskdpo_xtuner.evaluation.ratios import Measure, Tally, joined, measure
from maskdpo_xtuner.evaluation.results import (
    Cluster,
    Evaluation,
    JudgeResult,
    ModelResult,
    Training,
)
from maskdpo_xtuner.evaluation.text_metrics import text_tallies
from maskdpo_xtuner.evaluation.verdict import Verdict, overall, verdict
from maskdpo_xtuner.evaluation_settings import K
from maskdpo_xtuner.pipeline.work_dir import describe_questions
from maskdpo_xtuner.records import AnnotatedResponse, Question

Responses = Mapping[str, Sequence[AnnotatedResponse]]
"""Key of a training -> its annotated responses."""
Missing = Mapping[str, Collection[tuple[str, int]]]
"""Key of a training -> question and run that its engine did not answer."""
Measured = dict[str, dict[str, Measure]]


def compare(
    responses: Mapping[Judge, Responses],
    questions: Sequence[Question],
    *,
    nlls: Mapping[str, Mapping[str, Sequence[ResponseNll]]],
    settings: Mapping[str, str],
    bounds: Bounds,
    bootstrap: Bootstrap,
    cluster: Cluster = 'topic',
    metrics: Sequence[str] = (),
    k: int = K,
    models: Mapping[str, Sequence[Training]] | None = None,
    missing: Missing | None = None,
) -> Evaluation:
    """Measure every model by every judge and compare each model with the first.

    Args:
        responses: judge -> key of a training -> its annotated responses, ``sample_index`` being the
            run; the same answers in the same order by every judge.
        questions: the questions asked.
        nlls: key of a training -> name of a scorer -> what it gave to each of the responses.
        settings: what else determined the answers (sampling, annotator, ...), for the reader.
        bounds: of the verdicts.
        bootstrap: of the intervals.
        cluster: what it resamples.
        metrics: further ones by name, beside those of the package.
        k: of F1@K.
        models: name -> its trainings; None where each has a row of its own.
        missing: what engines did not answer; everything else must be there.

    Raises:
        ValueError: naming the first model, run and question without an answer, or the first answer
            that two judges cut differently.
    """
    by_id = {question.question_id: question for question in questions}
    cluster_of = {q: by_id[q].topic if cluster == 'topic' else q for q in by_id}
    first = next(iter(responses.values()))
    models = models or {key: _alone(key, found) for key, found in first.items()}
    asked = _Asked(by_id, cluster_of, tuple(metrics), bounds, bootstrap, k, models)
    text_measures = _text_measures(first, nlls, missing or {}, asked)
    results = tuple(
        _by_judge(judge, by_model, text_measures, asked) for judge, by_model in responses.items()
    )
    return Evaluation(
        questions=len(questions),
        topics=len({q.topic for q in questions}),
        questions_sha256=describe_questions(questions)['questions.sha256'],
        k=k,
        num_runs=len({r.sample_index for found in first.values() for r in found}),
        cluster=cluster,
        bootstrap=bootstrap,
        bounds=bounds,
        settings=dict(settings),
        judges=results,
        agreement=agreements({judge.name: by_model for judge, by_model in responses.items()}),
        verdicts=_overall(results),
        metrics=tuple(metrics),
    )


@dataclass(frozen=True)
class _Asked:
    """What all models and judges of an evaluation share; see `compare`."""

    questions: Mapping[str, Question]
    cluster_of: Mapping[str, str]
    metrics: tuple[str, ...]
    bounds: Bounds
    bootstrap: Bootstrap
    k: int
    models: Mapping[str, Sequence[Training]]


def _alone(key: str, responses: Sequence[AnnotatedResponse]) -> list[Training]:
    return [Training(key=key, model=responses[0].model)]


def _text_measures(
    responses: Responses,
    nlls: Mapping[str, Mapping[str, Sequence[ResponseNll]]],
    missing: Missing,
    asked: _Asked,
) -> Measured:
    """Measure what no judge decides; every response that is not missing must be there."""
    texts = {}
    for key, own in responses.items():
        gone = missing.get(key, ())
        _check_complete(key, own, asked.cluster_of, gone)
        texts[key] = text_tallies(own, asked.questions, asked.cluster_of, nlls.get(key, {}), gone)
    return _measured(texts, asked)


def _by_judge(
    judge: Judge, responses: Responses, text_measures: Measured, asked: _Asked
) -> JudgeResult:
    tallies = {
        key: judged_tallies(found, asked.questions, asked.cluster_of, asked.metrics, asked.k)
        for key, found in responses.items()
    }
    judged = _measured(tallies, asked)
    _refuse_names_of_texts(asked.metrics, text_measures)
    measures = {name: judged[name] | text_measures[name] for name in asked.models}
    unit = unit_of(response for found in responses.values() for response in found)
    first = next(iter(asked.models))
    results = []
    for name in asked.models:
        said = None
        if name != first:
            compared = name, measures[name], first, measures[first]
            said = verdict(*compared, judge.name, asked.bounds, unit)
        results.append(_result(name, responses, measures[name], said, asked))
    annotator = next(iter(responses.values()))[0].annotator
    return JudgeResult(judge=judge, annotator=annotator, unit=unit, models=tuple(results))


def _result(
    name: str,
    responses: Responses,
    measures: dict[str, Measure],
    said: Verdict | None,
    asked: _Asked,
) -> ModelResult:
    trainings = tuple(asked.models[name])
    found = [responses[training.key] for training in trainings]
    runs = [run for responses in found for run in count_runs(responses)]
    return ModelResult(
        name=name,
        model=trainings[0].model,
        trainings=trainings,
        runs=tuple(runs),
        means=mean_counts(runs),
        measures=measures,
        best_of=best_of_curve(found, asked.cluster_of, asked.bootstrap),
        verdict=said,
    )


def _refuse_names_of_texts(metrics: Sequence[str], text_measures: Measured) -> None:
    """Refuse a metric of the user's that a measure of the texts would hide."""
    taken = set(metrics) & {name for measures in text_measures.values() for name in measures}
    if taken:
        raise ValueError(f'{min(taken)} is a measure of the texts; give your metric another name')


def _measured(tallies: Mapping[str, Mapping[str, Tally]], asked: _Asked) -> Measured:
    """Model -> metric -> its measure against that of the first model."""
    by_model = {
        name: {
            metric: joined([tallies[training.key][metric] for training in trainings])
            for metric in tallies[trainings[0].key]
        }
        for name, trainings in asked.models.items()
    }
    first = next(iter(by_model))
    return {
        name: {
            metric: measure(
                own, None if name == first else by_model[first][metric], asked.bootstrap
            )
            for metric, own in metrics.items()
        }
        for name, metrics in by_model.items()
    }


def _overall(results: Sequence[JudgeResult]) -> dict[str, Verdict]:
    """Model -> its verdict by all judges together."""
    first = results[0].models[0].name
    said: dict[str, dict[str, Verdict]] = {}
    for result in results:
        for model in result.models:
            if model.verdict:
                said.setdefault(model.name, {})[result.judge.name] = model.verdict
    return {name: overall(name, first, verdicts) for name, verdicts in said.items()}


def _check_complete(
    key: str,
    responses: Sequence[AnnotatedResponse],
    question_ids: Iterable[str],
    missing: Collection[tuple[str, int]],
) -> None:
    runs = {response.sample_index for response in responses} or {0}
    times = Counter((response.question_id, response.sample_index) for response in responses)
    for place in ((question_id, run) for question_id in question_ids for run in runs):
        if times[place] != (place not in missing):
            raise ValueError(
                f'{key}: question {place[0]} has {times[place]} answers in run {place[1]}, not '
                'one; run the evaluation again to fill what is missing'
            )
