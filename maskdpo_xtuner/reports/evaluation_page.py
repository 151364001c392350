"""The page of an evaluation: scores with intervals, what the score hides, examples, curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from maskdpo_xtuner.evaluation.comparison import Evaluation
from maskdpo_xtuner.evaluation.intervals import Interval
from maskdpo_xtuner.evaluation.table import (
    best_of_rows,
    content_rows,
    format_interval,
    score_rows,
    statement,
)
from maskdpo_xtuner.records import AnnotatedResponse, Question
from maskdpo_xtuner.reports.answer_views import AnswerView, view_answer
from maskdpo_xtuner.reports.curves import Curve
from maskdpo_xtuner.reports.pages import render
from maskdpo_xtuner.reports.plots import IntervalPlot, LinePlot, interval_plot, line_plot
from maskdpo_xtuner.reports.segments import KINDS


@dataclass(frozen=True)
class Example:
    """A question with one answer of every model."""

    question: Question
    answers: dict[str, AnswerView]


@dataclass(frozen=True)
class Finding:
    """A statement and its style."""

    text: str
    style: str


def evaluation_page(
    evaluation: Evaluation,
    answers: Mapping[str, Sequence[AnnotatedResponse]],
    questions: Sequence[Question],
    *,
    curves: Mapping[str, Curve] | None = None,
    examples: int = 6,
) -> str:
    """Render the page as self-contained HTML.

    Args:
        evaluation: the result.
        answers: model name -> its annotated answers.
        questions: the questions asked.
        curves: training curves by name (`maskdpo_xtuner.reports.curves.read_curves`).
        examples: how many questions to show; they are spread evenly over the questions and are
            not chosen by their answers.
    """
    return render(
        'evaluation.html.j2',
        title='Factuality of ' + ' and '.join(result.name for result in evaluation.models),
        evaluation=evaluation,
        runs=len(evaluation.models[0].runs),
        findings=_findings(evaluation),
        tables=[score_rows(evaluation), content_rows(evaluation)],
        best_of=best_of_rows(evaluation),
        best_of_curves=_best_of_curves(evaluation),
        scores=_score_plot(evaluation),
        differences=_difference_plot(evaluation),
        curves=[line_plot(name, points) for name, points in (curves or {}).items()],
        examples=_examples(answers, questions, examples),
        kinds=KINDS,
    )


def _findings(evaluation: Evaluation) -> list[Finding]:
    first, *others = evaluation.models
    return [
        Finding(statement(result, first), _STYLES[result.difference.verdict])
        for result in others
        if result.difference
    ]


_STYLES = {'better': 'better', 'worse': 'worse', 'within noise': 'noise', 'unknown': 'noise'}


def _score_plot(evaluation: Evaluation) -> IntervalPlot | None:
    rows = [
        (result.name, f'{result.score:.1f} {format_interval(result.interval)}', result.score)
        + (result.interval,)
        for result in evaluation.models
        if result.score is not None
    ]
    return interval_plot(rows) if rows else None


def _difference_plot(evaluation: Evaluation) -> IntervalPlot | None:
    rows: list[tuple[str, str, float, Interval | None]] = []
    for result in evaluation.models:
        difference = result.difference
        if difference is not None and difference.points is not None:
            interval = format_interval(difference.interval, signed=True)
            text = f'{difference.points:+.1f} {interval}'
            rows.append((result.name, text, difference.points, difference.interval))
    return interval_plot(rows, mark_zero=True) if rows else None


def _best_of_curves(evaluation: Evaluation) -> list[LinePlot]:
    """Score over the logarithm of N, for each model."""
    curves = {
        result.name: [(math.log2(p.count), p.score) for p in result.best_of if p.score is not None]
        for result in evaluation.models
    }
    return [line_plot(name, points) for name, points in curves.items() if len(points) > 1]


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
        Example(q, {name: view_answer(by_id[q.question_id]) for name, by_id in first_run.items()})
        for q in shown
    ]
