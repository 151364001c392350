"""The page of an evaluation: of every set verdicts, judges' metrics, texts, examples; curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskdpo_xtuner.evaluation.results import Evaluation, JudgeResult
from maskdpo_xtuner.evaluation.run import EvaluationRun, SetRun
from maskdpo_xtuner.evaluation.statements import (
    agreement_line,
    best_of_heading,
    perplexity_lines,
    remarks_of,
    statements_of,
)
from maskdpo_xtuner.evaluation.table import (
    Row,
    agreement_rows,
    best_of_rows,
    judged_tables,
    text_rows,
)
from maskdpo_xtuner.records import AnnotatedResponse, Question
from maskdpo_xtuner.reports.curves import Curve
from maskdpo_xtuner.reports.documents import DocumentView, view_document
from maskdpo_xtuner.reports.evaluation_plots import (
    Comparison,
    best_of_plot,
    comparisons,
)
from maskdpo_xtuner.reports.links import PagePlace
from maskdpo_xtuner.reports.pages import render, write_page
from maskdpo_xtuner.reports.plots import CurvesPlot, line_plot
from maskdpo_xtuner.reports.response_views import ResponseView, view_response
from maskdpo_xtuner.reports.segments import KINDS


@dataclass(frozen=True)
class Example:
    """A question with one response of every training that gave one, and its document."""

    question: Question
    responses: dict[str, ResponseView]
    document: DocumentView


@dataclass(frozen=True)
class Callout:
    """What is said of a model, and its style."""

    lines: list[str]
    style: str


@dataclass(frozen=True)
class JudgeView:
    """What the page shows of one judge."""

    heading: str
    unit: str
    comparisons: list[Comparison]
    tables: list[list[Row]]
    best_of_heading: str
    best_of: list[Row]
    best_of_plot: CurvesPlot | None


@dataclass(frozen=True)
class AgreementView:
    """How far two judges agree."""

    line: str
    rows: list[Row]


@dataclass(frozen=True)
class SetView:
    """What the page shows of one set."""

    evaluation: Evaluation
    baseline: str
    callouts: list[Callout]
    remarks: list[str]
    judges: list[JudgeView]
    texts: list[Row]
    perplexities: list[str]
    agreements: list[AgreementView]
    examples: list[Example]


def write_evaluation_page(
    path: Path | str, run: EvaluationRun, curves: Mapping[str, Curve] | None = None
) -> None:
    """Write the page of a run."""
    write_page(path, evaluation_page(run.sets, curves=curves))


def evaluation_page(
    sets: Sequence[SetRun], *, curves: Mapping[str, Curve] | None = None, examples: int = 6
) -> str:
    """Render the page as self-contained HTML.

    Args:
        sets: what was found on each; examples show the first judge's labels.
        curves: training curves by name (`maskdpo_xtuner.reports.curves.read_curves`).
        examples: how many questions of a set to show; they are spread evenly over the questions
            and are not chosen by their responses.
    """
    models = sets[0].evaluation.judges[0].models
    return render(
        'evaluation.html.j2',
        PagePlace(2, 'Evaluation', (('Training', 'training'),) if curves else ()),
        title='Factuality of ' + ' and '.join(model.name for model in models),
        sets=[_set_view(each, examples) for each in sets],
        curves=[line_plot(name, points) for name, points in (curves or {}).items()],
        kinds=KINDS,
    )


def _set_view(run: SetRun, examples: int) -> SetView:
    evaluation = run.evaluation
    return SetView(
        evaluation=evaluation,
        baseline=evaluation.judges[0].models[0].name,
        callouts=_callouts(evaluation),
        remarks=remarks_of(evaluation),
        judges=[_judge_view(evaluation, result) for result in evaluation.judges],
        texts=text_rows(evaluation),
        perplexities=perplexity_lines(evaluation),
        agreements=[
            AgreementView(agreement_line(a), agreement_rows(a)) for a in evaluation.agreement
        ],
        examples=_examples(next(iter(run.responses.values())), run.questions, examples),
    )


def _callouts(evaluation: Evaluation) -> list[Callout]:
    return [
        Callout(statements_of(evaluation, name), _STYLES.get(final.kind, 'worse'))
        for name, final in evaluation.verdicts.items()
    ]


_STYLES = {'better': 'better', 'within noise': 'noise', 'unknown': 'noise'}


def _judge_view(evaluation: Evaluation, result: JudgeResult) -> JudgeView:
    several = evaluation.num_runs > 1
    return JudgeView(
        heading=result.judge.heading,
        unit=result.unit,
        comparisons=comparisons(result, evaluation.k),
        tables=judged_tables(evaluation, result),
        best_of_heading=best_of_heading(result),
        best_of=best_of_rows(result) if several else [],
        best_of_plot=best_of_plot(result) if several else None,
    )


def _examples(
    responses: Mapping[str, Sequence[AnnotatedResponse]], questions: Sequence[Question], count: int
) -> list[Example]:
    count = min(count, len(questions))
    shown = [questions[index * len(questions) // count] for index in range(count)]
    first_run = {
        key: {r.question_id: r for r in sorted(own, key=lambda r: -r.sample_index)}
        for key, own in responses.items()
    }
    return [_example(question, first_run) for question in shown]


def _example(
    question: Question, responses: Mapping[str, Mapping[str, AnnotatedResponse]]
) -> Example:
    """Prepare what each training answered to a question; one may lack an answer."""
    views = {
        key: view_response(by_id[question.question_id])
        for key, by_id in responses.items()
        if question.question_id in by_id
    }
    return Example(question, views, view_document(question.document, list(views.values())))
