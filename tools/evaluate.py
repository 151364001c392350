"""Judge models on questions with references: what they state that is true, false, or nothing.

Without arguments the policy of the built-in default is evaluated on its test questions. With
several models each is compared with the first, and called better only where its precision is higher
beyond noise, it says no less, and its text is whole.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from maskdpo_xtuner.command_line import add_config_options, run_tool


def named_model(text: str) -> tuple[str, tuple[str, ...] | None]:
    """Read ``NAME=PATH``, or the paths of several trainings with commas; a name alone has none."""
    name, equals, models = text.partition('=')
    paths = tuple(models.split(','))
    if equals and not all(paths):
        raise argparse.ArgumentTypeError(f'no path after {text!r}')
    return name, paths if equals else None


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--models',
        nargs='+',
        type=named_model,
        default=[],
        metavar='NAME[=PATH[,PATH...]]',
        help='models to evaluate, the others against the first: folders (a LoRA adapter too), hub '
        'or served names; several paths are trainings of one row. One name without a path is the '
        "config's policy (default: evaluation.models, or base). "
        'Example: --models base aligned=work_dirs/aligned_hf',
    )
    parser.add_argument('--shard', metavar='I/N', help='do part I of N, as an independent job')
    parser.add_argument('--page', metavar='FILE', help='also write an HTML page')
    parser.add_argument(
        '--training',
        metavar='DIR',
        help='show the curves of this work dir of `xtuner train` on the page',
    )
    add_config_options(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, evaluate, print, write the page; 1 when anything is missing from the numbers."""
    args = parse_args(argv)

    from maskdpo_xtuner.evaluation.printing import format_run
    from maskdpo_xtuner.evaluation.run import evaluate
    from maskdpo_xtuner.pipeline.shards import Shard
    from maskdpo_xtuner.reports.curves import read_curves
    from maskdpo_xtuner.reports.evaluation_page import write_evaluation_page
    from maskdpo_xtuner.settings import load_settings

    models = dict(args.models)
    if len(models) < len(args.models):
        raise ValueError('a model name stands twice in --models')
    curves = read_curves(args.training) if args.training else None
    settings = load_settings(args.config, dict(args.cfg_options), args.work_dir)
    shard = Shard.parse(args.shard) if args.shard else None
    run = evaluate(settings, models, shard, quiet=args.quiet)
    print(format_run(run))
    if args.page and not shard:
        write_evaluation_page(args.page, run, curves)
        print(f'\npage: {args.page}')
    return run.exit_status


if __name__ == '__main__':
    run_tool(main)
