"""Judge models on questions with references: what they state that is true, false, or nothing.

Without arguments the policy of the built-in default is evaluated on its test questions. With
several models each is compared with the first, and called better only where its precision is higher
beyond noise, it says no less, and its text is whole.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from maskdpo_xtuner.command_line import add_config_options, run_tool


def named_model(text: str) -> tuple[str, str | None]:
    """Read ``NAME=PATH``; a name alone is the config's policy."""
    name, equals, model = text.partition('=')
    if equals and not model:
        raise argparse.ArgumentTypeError(f'no path after {text!r}')
    return name, model or None


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--models',
        nargs='+',
        type=named_model,
        default=[('base', None)],
        metavar='NAME[=PATH]',
        help='models to evaluate; a name without a path is the policy of the config '
        '(default: base). Example: --models base aligned=work_dirs/aligned_hf',
    )
    parser.add_argument('--page', metavar='FILE', help='also write an HTML page')
    parser.add_argument(
        '--training',
        metavar='DIR',
        help='show the curves of this work dir of `xtuner train` on the page',
    )
    add_config_options(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, evaluate, print, write the page."""
    args = parse_args(argv)

    from maskdpo_xtuner.evaluation.run import evaluate
    from maskdpo_xtuner.evaluation.table import format_evaluation
    from maskdpo_xtuner.reports.curves import read_curves
    from maskdpo_xtuner.reports.evaluation_page import evaluation_page
    from maskdpo_xtuner.reports.pages import write_page
    from maskdpo_xtuner.settings import load_settings

    models = dict(args.models)
    if len(models) < len(args.models):
        raise ValueError('a model name stands twice in --models')
    curves = read_curves(args.training) if args.training else None
    settings = load_settings(args.config, dict(args.cfg_options), args.work_dir)
    run = evaluate(settings, models, quiet=args.quiet)
    for name, by_judge in run.counts.items():
        print(f'{name}: {next(iter(by_judge.values())).requests.describe()}')
    print(format_evaluation(run.evaluation))
    if args.page:
        page = evaluation_page(run.evaluation, run.answers, run.questions, curves=curves)
        write_page(args.page, page)
        print(f'\npage: {args.page}')
    if run.failed_turns:
        print(f'{run.failed_turns} requests to annotators failed; run again to ask for them')
    return int(run.failed_turns > 0)


if __name__ == '__main__':
    run_tool(main)
