"""Say whose responses a language model prefers: win rates of one model against another.

The judge is `preference` of the config; it reads every two responses in both orders.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from maskdpo_xtuner.command_line import add_config_options, named_file, run_tool


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, what in (('baseline', 'the model before'), ('model', 'the model whose wins count')):
        parser.add_argument(
            name,
            metavar=f'{name.upper()}[=FILE]',
            type=named_file,
            help=f'{what}: a name that `maskdpo evaluate` was given, or NAME=responses.jsonl',
        )
    parser.add_argument('--set', default='', help='of evaluation.sets, where there are some')
    add_config_options(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Compare, print; the exit status is 1 when anything is missing from the numbers."""
    args = parse_args(argv)

    from maskdpo_xtuner.evaluation.preference.run import compare_models
    from maskdpo_xtuner.evaluation.preference.table import format_preference
    from maskdpo_xtuner.settings import load_settings

    settings = load_settings(args.config, dict(args.cfg_options), args.work_dir)
    run = compare_models(settings, args.baseline, args.model, args.set, quiet=args.quiet)
    print(f'{run.requests.describe()}\n\n{format_preference(run.result)}')
    for said in run.shortfalls:
        print(f'\n{said}')
    return run.exit_status


if __name__ == '__main__':
    run_tool(main)
