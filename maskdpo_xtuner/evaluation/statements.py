"""The result of an evaluation in sentences: what stands above, below and beside its tables."""

from __future__ import annotations

from maskdpo_xtuner.evaluation.agreement import Agreement
from maskdpo_xtuner.evaluation.results import Evaluation, JudgeResult

FEWEST_TOPICS = 6
"""All of six fair coins fall alike in 3 % of all throws, all of five in 6 %."""


def statements_of(evaluation: Evaluation, name: str) -> list[str]:
    """Give what is said of a model: by each judge, and, of several, in the end by all together."""
    said = [
        model.verdict.statement
        for result in evaluation.judges
        for model in result.models
        if model.name == name and model.verdict
    ]
    return [*said, evaluation.verdicts[name].statement] if len(said) > 1 else said


def agreement_line(agreement: Agreement) -> str:
    """Accuracy and kappa of two judges in a line."""
    if agreement.obstacle:
        return f'no agreement is counted: {agreement.obstacle}'
    about = f'{" and ".join(agreement.judges)} on {agreement.sentences} sentences'
    if agreement.accuracy is None:
        return f'{about}: no sentence was judged by both'
    kappa = '-' if agreement.kappa is None else f'{agreement.kappa:.2f}'
    line = f"{about}: {agreement.accuracy:.1%} agree, Cohen's kappa {kappa}"
    unjudged = agreement.without_verdict
    return line + (f'; {unjudged} without a verdict by one of them' if unjudged else '')


def best_of_heading(result: JudgeResult) -> str:
    """Say what the best of N is: a selection that needs the judge."""
    return f'Best of N, selected by the judge that scores ({result.judge.name})'


def perplexity_lines(evaluation: Evaluation) -> list[str]:
    """Give what each perplexity is: of whose, of what, after what."""
    return [
        f'perplexity ({name}): of the answer alone, after {about["after"]}; pooled over tokens, '
        "and the mean of the answers' own"
        for name, about in evaluation.perplexity.items()
    ]


def remarks_of(evaluation: Evaluation) -> list[str]:
    """Give what a reader of the numbers should know: what was trained on, and what is missing."""
    found = evaluation.trained_on
    remarks = []
    if evaluation.cluster == 'topic' and evaluation.topics < FEWEST_TOPICS:
        remarks.append(
            f'intervals and verdicts are not to be relied on: all of {evaluation.topics} topics '
            f'point the same way by chance too often; ask about {FEWEST_TOPICS} or more'
        )
    if found and (found.questions or found.topics):
        remarks.append(
            f'{found.questions} of {evaluation.questions} questions and {found.topics} of '
            f'{evaluation.topics} topics are also in {found.file}: models trained on it know them'
        )
    return [*remarks, *(shortfall.describe() for shortfall in evaluation.shortfalls)]
