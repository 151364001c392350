"""Count answers that the judge factscore annotated: our way, and the way of FActScore's release.

Exits with 1 where too much has no verdict to trust the numbers.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from maskdpo_xtuner.command_line import named_file, run_tool


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'files',
        nargs='+',
        type=named_file,
        metavar='[NAME=]FILE',
        help='annotated answers, such as annotated.jsonl',
    )
    parser.add_argument(
        '--gamma',
        type=float,
        default=10.0,
        help="of the release's penalty for few facts; 0 for none (default: %(default)g)",
    )
    parser.add_argument(
        '--abstain',
        choices=('off', 'generic'),
        default='off',
        help='how the release looks for answers that decline (default: %(default)s)',
    )
    parser.add_argument(
        '--most-unjudged',
        type=float,
        default=0.05,
        metavar='SHARE',
        help='of facts and sentences without a verdict (default: %(default)g)',
    )
    return parser.parse_args(argv)


def main() -> int:
    """Read, count, print."""
    args = parse_args()

    from maskdpo_xtuner.evaluation.factscore_table import count_facts, official_rows, own_rows
    from maskdpo_xtuner.evaluation.table import format_table
    from maskdpo_xtuner.jsonl import read_records
    from maskdpo_xtuner.records import AnnotatedResponse

    files = {name or str(file): file for name, file in args.files}
    if len(files) < len(args.files):
        raise ValueError('two files have the same name; write NAME=FILE')
    answers = {name: list(read_records(file, AnnotatedResponse)) for name, file in files.items()}
    official = official_rows(answers, args.gamma, args.abstain)
    print(f'ours:\n{format_table(own_rows(answers))}\n')
    print(f"official (the release's rules):\n{format_table(official)}")
    shares = {name: count_facts(some).unjudged for name, some in answers.items()}
    doubtful = {name: share for name, share in shares.items() if share > args.most_unjudged}
    for name, share in doubtful.items():
        print(f'\n{name}: {share:.1%} has no verdict; the numbers say little')
    return int(bool(doubtful))


if __name__ == '__main__':
    run_tool(main)
