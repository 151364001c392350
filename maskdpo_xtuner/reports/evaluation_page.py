"""The page of an evaluation: verdicts, every judge's metrics, the texts, examples, curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from maskdpo_xtuner.evaluation.judges import Judge
from maskdpo_xtuner.evaluation.results import Evaluation, JudgeResult
from maskdpo_xtuner.evaluation.table import (
    Row,
    agreement_line,
    agreement_rows,
    best_of_rows,
    judged_tables,
    statements_of,
    text_rows,
)
from maskdpo_xtuner.records import AnnotatedResponse, Question
from maskdpo_xtuner.reports.curves import Curve
from maskdpo_xtuner.reports.evaluation_plots import (
    Comparison,
    best_of_plots,
    comparisons,
)
from maskdpo_xtuner.reports.pages import render
from maskdpo_xtuner.reports.plots import LinePlot, line_plot
from maskdpo_xtuner.reports.response_views import ResponseView, view_response
from maskdpo_xtuner.reports.segments import KINDS


@dataclass(frozen=True)
class Example:
    """A question with one answer of every model."""

    question: Question
    answers: dict[str, ResponseView]


@dataclass(frozen=True)
class Callout:
    """What is said of a model, and its style."""

    lines: list[str]
    style: str


@dataclass(frozen=True)
class JudgeView:
    """What the page shows of one judge."""

    heading: str
    comparisons: list[Comparison]
    tables: list[list[Row]]
    best_of: list[Row]
    best_of_plots: list[LinePlot]


@dataclass(frozen=True)
class AgreementView:
    """How far two judges agree."""

    line: str
    rows: list[Row]


def evaluation_page(
    evaluation: Evaluation,
    answers: Mapping[Judge, Mapping[str, Sequence[AnnotatedResponse]]],
    questions: Sequence[Question],
    *,
    curves: Mapping[str, Curve] | None = None,
    examples: int = 6,
) -> str:
    """Render the page as self-contained HTML.

    Args:
        evaluation: the result.
        answers: judge -> model name -> its annotated answers; examples show the first judge's.
        questions: the questions asked.
        curves: training curves by name (`maskdpo_xtuner.reports.curves.read_curves`).
        examples: how many questions to show; they are spread evenly over the questions and are
            not chosen by their answers.
    """
    first = evaluation.judges[0]
    return render(
        'evaluation.html.j2',
        title='Factuality of ' + ' and '.join(model.name for model in first.models),
        evaluation=evaluation,
        baseline=first.models[0].name,
        runs=len(first.models[0].runs),
        callouts=_callouts(evaluation),
        judges=[_judge_view(evaluation, result) for result in evaluation.judges],
        texts=text_rows(evaluation),
        agreements=[
            AgreementView(agreement_line(a), agreement_rows(a)) for a in evaluation.agreement
        ],
        curves=[line_plot(name, points) for name, points in (curves or {}).items()],
        examples=_examples(next(iter(answers.values())), questions, examples),
        kinds=KINDS,
    )


def _callouts(evaluation: Evaluation) -> list[Callout]:
    return [
        Callout(statements_of(evaluation, name), _STYLES.get(final.kind, 'worse'))
        for name, final in evaluation.verdicts.items()
    ]


_STYLES = {'better': 'better', 'within noise': 'noise', 'unknown': 'noise'}


def _judge_view(evaluation: Evaluation, result: JudgeResult) -> JudgeView:
    return JudgeView(
        heading=result.judge.heading,
        comparisons=comparisons(result),
        tables=judged_tables(evaluation, result),
        best_of=best_of_rows(result),
        best_of_plots=best_of_plots(result),
    )


def _examples(
    answers: Mapping[str, Sequence[AnnotatedResponse]], questions: Sequence[Question], count: int
) -> list[Example]:
    count = min(count, len(questions))
    shown = [questions[index * len(questions) // count] for index in range(count)]
    first_run = {
        name: {r.question_id: r for r in sorted(responses, key=lambda r: -r.sample_index)}
        for name, responses in answers.items()
    }
    return [
        Example(q, {name: view_response(by_id[q.question_id]) for name, by_id in first_run.items()})
        for q in shown
    ]
