"""Put the results of evaluations side by side, beside tables of the paper, with paired differences.

Results of different questions, judges, prompts, K or decoding are refused with the reason.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from maskdpo_xtuner.command_line import run_tool


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'runs',
        nargs='+',
        metavar='[NAME=]RUN',
        help='a work dir that was evaluated, or its evaluation.json. '
        'Example: before=work_dirs/a after=work_dirs/b',
    )
    parser.add_argument(
        '--against',
        metavar='NAME:MODEL',
        help='the model that all are compared with (default: the first of the first run)',
    )
    parser.add_argument(
        '--paper', nargs='+', default=[], metavar='TABLE', help='show table1, ..., table12'
    )
    parser.add_argument(
        '--allow-decoding', action='store_true', help='the runs may differ in how they decode'
    )
    parser.add_argument('--page', metavar='FILE', help='also write an HTML page')
    parser.add_argument('--csv', metavar='FILE', type=Path, help='also write every number')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse, read, compare, print, write."""
    args = parse_args(argv)

    from maskdpo_xtuner.atomic import atomic_writer
    from maskdpo_xtuner.evaluation.paper import paper_table
    from maskdpo_xtuner.evaluation.side_by_side import exports, table
    from maskdpo_xtuner.evaluation.side_by_side.differences import compare_group
    from maskdpo_xtuner.evaluation.side_by_side.groups import group
    from maskdpo_xtuner.evaluation.side_by_side.runs import read_runs
    from maskdpo_xtuner.reports.compare_page import compare_page
    from maskdpo_xtuner.reports.pages import write_page

    tables = [paper_table(name) for name in args.paper]
    grouping = group(read_runs(args.runs), ['decoding'] if args.allow_decoding else [])
    groups = [compare_group(each, args.against) for each in grouping.groups]
    print(table.format_all(groups, grouping.alone, tables))
    if args.csv:
        with atomic_writer(args.csv) as file:
            file.write(exports.as_csv(groups, tables))
    if args.page:
        write_page(args.page, compare_page(groups, grouping.alone, tables))
        print(f'\npage: {args.page}')


if __name__ == '__main__':
    run_tool(main)
