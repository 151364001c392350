"""Say whether judges put models, or responses, into the same order: Spearman's and Kendall's."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from maskdpo_xtuner.command_line import named_file, run_tool


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'sources',
        metavar='[NAME=]FILE',
        nargs='+',
        type=named_file,
        help='evaluation.json; or a .csv table with a row an item and a column a judge; or '
        'annotated responses, one .jsonl file a judge',
    )
    parser.add_argument(
        '--over',
        choices=['models', 'responses'],
        default='models',
        help='what annotated responses rank (default: %(default)s)',
    )
    parser.add_argument(
        '--metric',
        default='score',
        help="score (the paper's), precision, or any of evaluation.json (default: %(default)s)",
    )
    parser.add_argument('--resamples', type=int, default=1000, help='default: %(default)s')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Read, rank, print."""
    args = parse_args(argv)

    from maskdpo_xtuner.evaluation.intervals import Bootstrap
    from maskdpo_xtuner.evaluation.rank_sources import names_of, read_scores
    from maskdpo_xtuner.evaluation.ranks import rank_agreements, rank_rows
    from maskdpo_xtuner.evaluation.table import format_table

    scores, questions = read_scores(names_of(args.sources), args.over, args.metric)
    found = rank_agreements(scores, questions, Bootstrap(resamples=args.resamples))
    print(format_table(rank_rows(found)))
    return 0


if __name__ == '__main__':
    run_tool(main)
