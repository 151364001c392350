"""What ``tools/evaluate.py`` prints of a run."""

from __future__ import annotations

from maskdpo_xtuner.evaluation.run import EvaluationRun
from maskdpo_xtuner.evaluation.table import format_evaluation


def format_run(run: EvaluationRun) -> str:
    """What became of the requests, the tables of every set, and what failed."""
    lines = []
    for (set_name, key), by_judge in run.counts.items():
        requests = next(iter(by_judge.values())).requests
        lines.append(f'{set_name and f"{set_name}: "}{key}: {requests.describe()}')
    blocks = ['\n'.join(lines), *(format_evaluation(each.evaluation) for each in run.sets)]
    if failed := run.failed_turns:
        blocks.append(f'{failed} requests to annotators failed; run again to ask for them')
    return '\n\n'.join(blocks)
