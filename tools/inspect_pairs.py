"""Write one self-contained HTML page that shows preference pairs, sentence by sentence."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from maskdpo_xtuner.command_line import run_tool
from maskdpo_xtuner.reports.pages import write_page
from maskdpo_xtuner.reports.pair_files import read_pair_files
from maskdpo_xtuner.reports.pairs_page import pairs_page
from maskdpo_xtuner.reports.tokens import load_tokenizer


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'source', metavar='PAIRS.jsonl|WORK_DIR', help='pairs, or the folder they were made in'
    )
    parser.add_argument(
        '--annotated',
        metavar='FILE',
        help='all annotated answers (default: annotated.jsonl of WORK_DIR)',
    )
    parser.add_argument(
        '--dropped', metavar='FILE', help='dropped questions (default: dropped.jsonl of WORK_DIR)'
    )
    parser.add_argument(
        '--tokenizer', metavar='FOLDER', help='show token masks with the tokenizer of this folder'
    )
    parser.add_argument(
        '--out', metavar='FILE', help='the page (default: pairs.html beside the pairs)'
    )
    parser.add_argument(
        '--limit', metavar='N', type=int, default=200, help='pairs to show; 0 is all (default: 200)'
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Read, render, write."""
    args = parse_args(argv)
    source = Path(args.source)
    folder = source if source.is_dir() else source.parent
    out = Path(args.out) if args.out else folder / 'pairs.html'
    if args.limit < 0:
        raise ValueError(f'--limit must be 0 or more, not {args.limit}')
    tokenizer = load_tokenizer(args.tokenizer) if args.tokenizer else None
    files = read_pair_files(source, args.annotated, args.dropped, args.limit or None)
    write_page(out, pairs_page(files, tokenizer))
    print(f'{len(files.pairs)} of {files.total} pairs: {out}')
    return 0


if __name__ == '__main__':
    run_tool(main)
