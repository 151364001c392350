"""What ``tools/evaluate.py`` prints of a run."""

from __future__ import annotations

from maskdpo_xtuner.evaluation.results import Evaluation
from maskdpo_xtuner.evaluation.run import EvaluationRun
from maskdpo_xtuner.evaluation.statements import (
    agreement_line,
    best_of_heading,
    perplexity_lines,
    remarks_of,
    statements_of,
)
from maskdpo_xtuner.evaluation.table import (
    agreement_rows,
    best_of_rows,
    format_table,
    judged_tables,
    text_rows,
)


def format_run(run: EvaluationRun) -> str:
    """Give what became of the requests, the tables of every set, and what failed."""
    lines = []
    for (set_name, key), by_judge in run.counts.items():
        requests = next(iter(by_judge.values())).requests
        lines.append(f'{set_name and f"{set_name}: "}{key}: {requests.describe()}')
    blocks = ['\n'.join(lines), *(format_evaluation(each.evaluation) for each in run.sets)]
    if failed := run.failed_turns:
        blocks.append(f'{failed} requests to annotators failed; run again to ask for them')
    return '\n\n'.join(blocks)


def format_evaluation(evaluation: Evaluation) -> str:
    """Format one set: what was asked, the tables by judge, remarks, the verdicts."""
    blocks = [_head(evaluation)]
    for result in evaluation.judges:
        blocks.append(f'judge: {result.judge.heading}')
        blocks += map(format_table, judged_tables(evaluation, result))
        if evaluation.num_runs > 1:
            blocks.append(f'{best_of_heading(result)}:\n{format_table(best_of_rows(result))}')
    texts = [format_table(text_rows(evaluation)), *perplexity_lines(evaluation)]
    blocks.append('\n'.join(['texts, which no judge decides:', *texts]))
    for agreement in evaluation.agreement:
        rows = agreement_rows(agreement)
        table = f'\n{format_table(rows)}' if rows else ''
        blocks.append(agreement_line(agreement) + table)
    blocks += remarks_of(evaluation)
    blocks += ['\n'.join(statements_of(evaluation, name)) for name in evaluation.verdicts]
    return '\n\n'.join(blocks)


def _head(evaluation: Evaluation) -> str:
    name = f'set {evaluation.name}: ' if evaluation.name else ''
    runs = '1 run' if evaluation.num_runs == 1 else f'{evaluation.num_runs} runs'
    trained = any(len(model.trainings) > 1 for model in evaluation.judges[0].models)
    return (
        f'{name}{evaluation.questions} questions on {evaluation.topics} topics, {runs}; counts are '
        f'totals over the set, averaged over runs{" and trainings" if trained else ""}'
    )
