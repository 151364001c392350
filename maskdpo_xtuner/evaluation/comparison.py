"""Several models on the same questions, by one judge or several: metrics and verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from maskdpo_xtuner.bounds import Bounds
from maskdpo_xtuner.evaluation.agreement import agreements
from maskdpo_xtuner.evaluation.best_of import best_of_curve
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.evaluation.judges import Judge
from maskdpo_xtuner.evaluation.metrics import count_runs, judged_tallies, mean_counts
from maskdpo_xtuner.evaluation.perplexity import AnswerNll
from maskdpo_xtuner.evaluation.ratios import Measure, Tally, measure
from maskdpo_xtuner.evaluation.results import Cluster, Evaluation, JudgeResult, ModelResult
from maskdpo_xtuner.evaluation.text_metrics import text_tallies
from maskdpo_xtuner.evaluation.verdict import Verdict, overall, verdict
from maskdpo_xtuner.records import AnnotatedResponse, Question

Answers = Mapping[str, Sequence[AnnotatedResponse]]
Measured = dict[str, dict[str, Measure]]


def compare(
    answers: Mapping[Judge, Answers],
    questions: Sequence[Question],
    *,
    nlls: Mapping[str, Mapping[str, Sequence[AnswerNll]]],
    settings: Mapping[str, str],
    bounds: Bounds,
    bootstrap: Bootstrap,
    cluster: Cluster = 'topic',
    metrics: Sequence[str] = (),
) -> Evaluation:
    """Measure every model by every judge and compare each model with the first.

    Args:
        answers: judge -> model name -> its annotated answers, ``sample_index`` being the run; the
            same answers in the same order by every judge.
        questions: the questions asked; all models and runs must have answered each.
        nlls: model name -> name of a scorer -> what it gave to each of the model's answers.
        settings: what else determined the answers (sampling, annotator, ...), for the reader.
        bounds: of the verdicts.
        bootstrap: of the intervals.
        cluster: what it resamples.
        metrics: further ones by name, beside those of the package.

    Raises:
        ValueError: naming the first model, run and question without an answer, or the first answer
            that two judges cut differently.
    """
    by_id = {question.question_id: question for question in questions}
    cluster_of = {q: by_id[q].topic if cluster == 'topic' else q for q in by_id}
    asked = _Asked(by_id, cluster_of, tuple(metrics), bounds, bootstrap)
    texts = {}
    for name, responses in next(iter(answers.values())).items():
        _check_complete(name, responses, cluster_of)
        texts[name] = text_tallies(responses, by_id, cluster_of, nlls.get(name, {}))
    text_measures = _measured(texts, bootstrap)
    results = tuple(
        _by_judge(judge, by_model, text_measures, asked) for judge, by_model in answers.items()
    )
    return Evaluation(
        questions=len(questions),
        topics=len({q.topic for q in questions}),
        cluster=cluster,
        bootstrap=bootstrap,
        bounds=bounds,
        settings=dict(settings),
        judges=results,
        agreement=agreements({judge.name: by_model for judge, by_model in answers.items()}),
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


def _by_judge(
    judge: Judge, answers: Answers, text_measures: Measured, asked: _Asked
) -> JudgeResult:
    tallies = {
        name: judged_tallies(answers[name], asked.questions, asked.cluster_of, asked.metrics)
        for name in answers
    }
    judged = _measured(tallies, asked.bootstrap)
    _refuse_names_of_texts(asked.metrics, text_measures)
    measures = {name: judged[name] | text_measures[name] for name in answers}
    first = next(iter(answers))
    results = []
    for name, responses in answers.items():
        runs = count_runs(responses)
        said = None
        if name != first:
            said = verdict(name, measures[name], first, measures[first], judge.name, asked.bounds)
        results.append(
            ModelResult(
                name=name,
                model=responses[0].model,
                runs=tuple(runs),
                means=mean_counts(runs),
                measures=measures[name],
                best_of=best_of_curve(responses, asked.cluster_of, asked.bootstrap),
                verdict=said,
            )
        )
    annotator = answers[first][0].annotator
    return JudgeResult(judge=judge, annotator=annotator, models=tuple(results))


def _refuse_names_of_texts(metrics: Sequence[str], text_measures: Measured) -> None:
    """Refuse a metric of the user's that a measure of the texts would hide."""
    taken = set(metrics) & {name for measures in text_measures.values() for name in measures}
    if taken:
        raise ValueError(f'{min(taken)} is a measure of the texts; give your metric another name')


def _measured(tallies: Mapping[str, Mapping[str, Tally]], bootstrap: Bootstrap) -> Measured:
    """Model -> metric -> its measure against that of the first model."""
    first = next(iter(tallies))
    return {
        name: {
            metric: measure(own, None if name == first else tallies[first][metric], bootstrap)
            for metric, own in metrics.items()
        }
        for name, metrics in tallies.items()
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
