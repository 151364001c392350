"""Models of several runs on the same questions, with paired differences to one of them.

Everything is counted again from the annotated responses: a difference needs what each model said to
each question. Questions that one of the models did not answer are left out for all, and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from maskdpo_xtuner.evaluation.counts import count_runs, mean_counts
from maskdpo_xtuner.evaluation.metrics import judged_tallies
from maskdpo_xtuner.evaluation.ratios import Measure, Tally, joined, measure
from maskdpo_xtuner.evaluation.results import Evaluation, JudgeResult, ModelResult
from maskdpo_xtuner.evaluation.side_by_side.groups import Group
from maskdpo_xtuner.evaluation.side_by_side.runs import Found
from maskdpo_xtuner.evaluation.text_metrics import text_tallies
from maskdpo_xtuner.records import AnnotatedResponse, Question

_Trainings = list[list[AnnotatedResponse]]


@dataclass(frozen=True)
class ComparedModel:
    """A row: a model of a run.

    Attributes:
        name: ``run: model``.
        result: what its evaluation says, with the mean counts of the shared questions.
        measures: every metric on the shared questions, with its difference to the baseline.
    """

    name: str
    result: ModelResult
    measures: dict[str, Measure]


@dataclass(frozen=True)
class Compared:
    """A group with its differences.

    Attributes:
        title: set and judge.
        evaluation: of the first run, for what all have in common.
        judge: the same.
        baseline: name of the row that the others are compared with.
        models: the rows.
        questions: how many all models have answered.
        topics: how many these are on.
        left_out: how many not all have.
    """

    title: str
    evaluation: Evaluation
    judge: JudgeResult
    baseline: str
    models: tuple[ComparedModel, ...]
    questions: int
    topics: int
    left_out: int


@dataclass(frozen=True)
class _Row:
    name: str
    result: ModelResult
    trainings: _Trainings


def compare_group(group: Group, against: str | None = None) -> Compared:
    """Count all models of a group on the questions that all have answered.

    Args:
        group: results that may stand side by side.
        against: ``run:model`` of the baseline; None for the first.

    Raises:
        ValueError: for a baseline that is not there, files that are not those of the result, and
            when no question was answered by all.
    """
    first = group.members[0]
    rows = [_row(found, model) for found in group.members for model in found.result.models]
    baseline = _baseline(rows, against)
    questions = first.questions()
    shared = _answered_by_all(rows, questions)
    if not shared:
        raise ValueError(f'{group.title}: no question was answered by all models')
    tallies = {row.name: _tallies(row, shared, first) for row in rows}
    return Compared(
        title=group.title,
        evaluation=first.evaluation,
        judge=first.result,
        baseline=baseline,
        models=tuple(
            ComparedModel(
                row.name,
                row.result.model_copy(update={'means': _means(row.trainings, shared)}),
                _measures(row.name, baseline, tallies, first),
            )
            for row in rows
        ),
        questions=len(shared),
        topics=len({question.topic for question in shared.values()}),
        left_out=len(questions) - len(shared),
    )


def _row(found: Found, model: ModelResult) -> _Row:
    trainings = [found.responses(training) for training in model.trainings]
    asked = {response.question_id for responses in trainings for response in responses}
    if _means(trainings, asked) != model.means:
        raise ValueError(
            f'{found.folder}: the annotated responses of {model.name} are not those that '
            'evaluation.json counted; evaluate again'
        )
    return _Row(f'{found.run}: {model.name}', model, trainings)


def _means(trainings: _Trainings, asked: Collection[str]) -> dict[str, float]:
    """Mean counts of the responses to some questions, over runs and trainings."""
    own = [[r for r in responses if r.question_id in asked] for responses in trainings]
    return mean_counts([run for responses in own for run in count_runs(responses)])


def _baseline(rows: Sequence[_Row], against: str | None) -> str:
    if against is None:
        return rows[0].name
    names = {row.name.replace(': ', ':'): row.name for row in rows}
    asked = against.replace(': ', ':')
    if asked not in names:
        known = ', '.join(names)
        raise ValueError(f'there is no model {against} to compare with; there are {known}')
    return names[asked]


def _answered_by_all(
    rows: Sequence[_Row], questions: Mapping[str, Question]
) -> dict[str, Question]:
    """Give the questions to which every training has a response in each of its runs."""
    complete = set(questions)
    for responses in (responses for row in rows for responses in row.trainings):
        runs = len({response.sample_index for response in responses})
        times = Counter(response.question_id for response in responses)
        complete &= {question_id for question_id, n in times.items() if n == runs}
    return {key: question for key, question in questions.items() if key in complete}


def _tallies(row: _Row, shared: Mapping[str, Question], first: Found) -> dict[str, Tally]:
    """Metric -> tally, of several trainings joined."""
    by_topic = first.evaluation.cluster == 'topic'
    cluster_of = {key: question.topic if by_topic else key for key, question in shared.items()}
    found = []
    for responses in row.trainings:
        own = [response for response in responses if response.question_id in shared]
        judged = judged_tallies(own, shared, cluster_of, k=first.evaluation.k)
        found.append(judged | text_tallies(own, shared, cluster_of, {}))
    return {metric: joined([each[metric] for each in found]) for metric in found[0]}


def _measures(
    name: str, baseline: str, tallies: Mapping[str, Mapping[str, Tally]], first: Found
) -> dict[str, Measure]:
    bootstrap = first.evaluation.bootstrap
    others = {} if name == baseline else tallies[baseline]
    return {
        metric: measure(own, others.get(metric), bootstrap) for metric, own in tallies[name].items()
    }
