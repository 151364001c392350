"""Write one self-contained HTML page that shows preference pairs, sentence by sentence."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from maskdpo_xtuner.command_line import run_tool
from maskdpo_xtuner.reports.asked import questions_of
from maskdpo_xtuner.reports.pages import write_page
from maskdpo_xtuner.reports.pair_files import read_pair_files
from maskdpo_xtuner.reports.pairs_page import pairs_page

if TYPE_CHECKING:
    from maskdpo_xtuner.masking import PairConverter


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'source', metavar='PAIRS.jsonl|WORK_DIR', help='pairs, or the folder they were made in'
    )
    parser.add_argument('--annotated', metavar='FILE', help='default: annotated.jsonl of WORK_DIR')
    parser.add_argument('--dropped', metavar='FILE', help='default: dropped.jsonl of WORK_DIR')
    parser.add_argument(
        '--questions', metavar='FILE|CONFIG', help='with the documents (default: asked.jsonl)'
    )
    masks = parser.add_mutually_exclusive_group()
    masks.add_argument('--training', metavar='CONFIG', help='show token masks as it makes them')
    masks.add_argument(
        '--tokenizer',
        metavar='MODEL',
        help='show token masks of Mask-DPO with the tokenizer of this folder or hub name',
    )
    parser.add_argument(
        '--out', metavar='FILE', help='the page (default: pairs.html beside the pairs)'
    )
    parser.add_argument(
        '--limit', metavar='N', type=int, default=200, help='pairs to show; 0 is all (default: 200)'
    )
    return parser.parse_args(argv)


def converter_of(args: argparse.Namespace) -> PairConverter | None:
    if args.training:
        with redirect_stdout(sys.stderr):
            from maskdpo_xtuner.training.data import configured

            return configured.training_converter(configured.load_training_config(args.training))
    if args.tokenizer:
        from maskdpo_xtuner.chat_templates import load_tokenizer
        from maskdpo_xtuner.masking import PairConverter

        return PairConverter(load_tokenizer({'pretrained_model_name_or_path': args.tokenizer}))
    return None


def main(argv: Sequence[str] | None = None) -> int:
    """Read, render, write."""
    args = parse_args(argv)
    source = Path(args.source)
    folder = source if source.is_dir() else source.parent
    out = Path(args.out) if args.out else folder / 'pairs.html'
    if args.limit < 0:
        raise ValueError(f'--limit must be 0 or more, not {args.limit}')
    converter = converter_of(args)
    asked = questions_of(args.questions) if args.questions else None
    files = read_pair_files(source, args.annotated, args.dropped, args.limit or None, asked)
    write_page(out, pairs_page(files, converter))
    print(f'{len(files.pairs)} of {files.total} pairs: {out}')
    return 0


if __name__ == '__main__':
    run_tool(main)
