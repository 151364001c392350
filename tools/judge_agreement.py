"""Compare judges with labels that people gave, sentence by sentence: F1, kappa, AUROC.

The judges of the config label the responses, or files of annotated responses are taken as they are.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from maskdpo_xtuner.command_line import add_config_options, named_file, run_tool


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('human', metavar='HUMAN', type=Path, help='labels: a file or a folder')
    add_config_options(parser)
    parser.add_argument(
        '--form',
        default='records',
        help='records (ours), anah, ragtruth, marks, or one of yours (default: %(default)s)',
    )
    parser.add_argument(
        '--judge', metavar='TYPE', nargs='+', default=[], help="annotators, not the config's"
    )
    parser.add_argument(
        '--annotated',
        metavar='[NAME=]FILE',
        nargs='+',
        type=named_file,
        help='what judges have labelled already; nothing is asked',
    )
    parser.add_argument('--language', metavar='CODE', help='only questions in this one')
    parser.add_argument(
        '--splitter',
        default='english_chinese',
        help='finds the sentences of human labels that have no places (default: %(default)s)',
    )
    parser.add_argument(
        '--least-overlap',
        metavar='SHARE',
        type=float,
        default=0.5,
        help='a sentence is the human one if they share more than this of the letters and digits '
        'that stand in either (default: %(default)s)',
    )
    parser.add_argument('--out', metavar='FILE', help='also write the numbers as JSON')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Read, judge, compare, print; the exit status is 1 when too much is missing."""
    args = parse_args(argv)

    from maskdpo_xtuner.evaluation.human import run
    from maskdpo_xtuner.evaluation.human.table import format_report
    from maskdpo_xtuner.evaluation.rank_sources import names_of
    from maskdpo_xtuner.jsonl import write_lines
    from maskdpo_xtuner.settings import load_settings

    labels = run.read_human_labels(args.human, args.form, args.splitter, args.language)
    files, failed = names_of(args.annotated or []), 0
    if not files:
        settings = load_settings(args.config, dict(args.cfg_options), args.work_dir)
        files, failed = run.judge_responses(settings, labels, args.judge, quiet=args.quiet)
    report = run.compare_files(labels, files, args.least_overlap)
    print(format_report(report))
    if args.out:
        write_lines(args.out, [report.model_dump_json(indent=2)])
    if failed:
        print(f'{failed} requests to judges have no answer; run again for those that failed')
    return int(failed > 0 or any(found.is_doubtful for found in report.judges))


if __name__ == '__main__':
    run_tool(main)
