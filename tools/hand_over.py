"""Write configs with which OpenCompass or lm-eval measures models: nothing is measured here.

Without --tasks they are those of the paper's Table 10 (GSM8K, MATH, GPQA, HumanEval, MBPP).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from maskdpo_xtuner.command_line import run_tool

FORM = 'NAME=MODEL[,adapter=DIR][,url=URL][,tokenizer=MODEL]'


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder', type=Path, help='where the configs are written')
    parser.add_argument('--to', required=True, choices=['opencompass', 'lm-eval'])
    parser.add_argument(
        '--models',
        nargs='+',
        required=True,
        metavar=FORM,
        help='a folder, a hub name, a LoRA adapter over either, or a served name with its url '
        '(as far as /v1). Example: --models base=HuggingFaceTB/SmolLM2-135M-Instruct '
        'aligned=work_dirs/aligned_hf',
    )
    parser.add_argument('--tasks', nargs='+', help='gsm8k, math, gpqa, humaneval, mbpp, simpleqa')
    parser.add_argument('--grader', metavar=FORM, help='the model that grades SimpleQA')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, write, say where."""
    args = parse_args(argv)

    from maskdpo_xtuner.evaluation.handover.models import read_model, read_models
    from maskdpo_xtuner.evaluation.handover.tasks import TABLE_10
    from maskdpo_xtuner.evaluation.handover.writing import hand_over

    grader = read_model(args.grader) if args.grader else None
    models = read_models(args.models)
    tasks = args.tasks or TABLE_10
    for path in hand_over(args.to, models, args.folder, tasks=tasks, grader=grader):
        print(path)


if __name__ == '__main__':
    run_tool(main)
