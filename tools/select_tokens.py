"""Select the tokens that SePO trains on: a mask from an oracle model in place of labels.

The oracle may have another tokenizer than the model to train: what it selects is written as
characters. Train on the result with configs/ablations/llama3_8b_sepo.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from maskdpo_xtuner.command_line import run_tool

if TYPE_CHECKING:
    from tqdm import tqdm

    from maskdpo_xtuner.records import PreferencePair


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('pairs', metavar='PAIRS.jsonl', help='preference pairs')
    parser.add_argument('out', metavar='OUT.jsonl', help='the same pairs with selected tokens')
    parser.add_argument(
        '--oracle', required=True, metavar='MODEL', help='a small model aligned with DPO'
    )
    parser.add_argument(
        '--reference', required=True, metavar='MODEL', help='what the oracle was aligned from'
    )
    parser.add_argument(
        '--share', type=float, default=0.3, help='of tokens to keep (default: %(default)s)'
    )
    parser.add_argument(
        '--batch-size', type=int, default=8, help='pairs scored together (default: %(default)s)'
    )
    parser.add_argument('--device', default='cpu', help='default: %(default)s')
    parser.add_argument('--dtype', default='float32', help='of both models (default: %(default)s)')
    parser.add_argument('--quiet', action='store_true', help='no progress bar')
    return parser.parse_args(argv)


def counted(pairs: Iterator[PreferencePair], bar: tqdm[Any]) -> Iterator[PreferencePair]:
    for pair in pairs:
        yield pair
        bar.update()


def main(argv: Sequence[str] | None = None) -> int:
    """Load, select, write."""
    args = parse_args(argv)

    from maskdpo_xtuner.jsonl import read_objects, read_records, write_records
    from maskdpo_xtuner.progress import progress_bar
    from maskdpo_xtuner.records import PreferencePair
    from maskdpo_xtuner.sepo import select_tokens
    from maskdpo_xtuner.sepo.scorer import LogRatioScorer

    total = sum(1 for _ in read_objects(args.pairs))
    scorer = LogRatioScorer(args.oracle, args.reference, device=args.device, dtype=args.dtype)
    pairs = read_records(args.pairs, PreferencePair)
    selected = select_tokens(pairs, scorer, args.share, args.batch_size)
    with progress_bar(total, 'selecting tokens', 'pair', quiet=args.quiet) as bar:
        count = write_records(args.out, counted(selected, bar))
    print(f'{args.out}: {count} pairs')
    return 0


if __name__ == '__main__':
    run_tool(main)
