"""Print, or run, what leads from nothing to a table of the paper; docs/paper.md has them all.

Without --run the commands are printed and nothing is done. With it they run one after another; a
step whose file is there is skipped, and what was killed goes on by the same command.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from maskdpo_xtuner.command_line import run_tool


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'tables',
        nargs='+',
        metavar='TABLE',
        help='table1, ..., table12, judges, rounds, affinity, perplexity, figure3, or all',
    )
    parser.add_argument(
        '--small', action='store_true', help='with the built-in model, on two CPU cores'
    )
    run = parser.add_mutually_exclusive_group()
    run.add_argument('--run', action='store_true', help='run what is not done')
    run.add_argument('--dry-run', action='store_true', help='print the commands (the default)')
    parser.add_argument(
        '--report', metavar='FILE', help='write what was found so far, beside the paper (Markdown)'
    )
    parser.add_argument(
        '--gpus', type=int, default=8, metavar='N', help='of this machine (default: %(default)s)'
    )
    parser.add_argument(
        '--seeds', type=int, metavar='N', help='trainings of a row (default: 5; 3 in small)'
    )
    parser.add_argument(
        '--keep-checkpoints', action='store_true', help='also when they have been converted'
    )
    for part, what in (('data', 'sampling, judging and evaluation'), ('train', 'all trainings')):
        parser.add_argument(
            f'--{part}-options',
            nargs='+',
            default=[],
            metavar='KEY=VALUE',
            help=f'--cfg-options of {what}',
        )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, find, print or run."""
    args = parse_args(argv)

    from maskdpo_xtuner.reproduction.listing import describe, experiments, find
    from maskdpo_xtuner.reproduction.plan import in_order
    from maskdpo_xtuner.reproduction.report import write_report
    from maskdpo_xtuner.reproduction.running import run_steps

    known = experiments(
        small=args.small,
        gpus=args.gpus,
        seeds=args.seeds,
        data_options=args.data_options,
        train_options=args.train_options,
        keep_checkpoints=args.keep_checkpoints,
    )
    found = find(known, args.tables)
    steps = in_order(step for experiment in found for step in experiment.steps)
    if args.run:
        run_steps(steps)
    elif not args.report:
        print('\n'.join(describe(steps)))
    if args.report:
        print(write_report(args.report, found))


if __name__ == '__main__':
    run_tool(main)
