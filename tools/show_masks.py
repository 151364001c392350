"""Print a few preference pairs with their token masks in colour."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import islice
from typing import Any, get_args

from maskdpo_xtuner.jsonl import RecordError, parse_record, read_objects
from maskdpo_xtuner.masking import (
    EndOfTurn,
    MaskingError,
    Side,
    format_mask,
    labelled_response,
    mask_batch,
)
from maskdpo_xtuner.records import PreferencePair
from maskdpo_xtuner.reports.tokens import load_tokenizer

SIDES: tuple[Side, ...] = get_args(Side)


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('pairs', metavar='PAIRS.jsonl')
    parser.add_argument(
        '--tokenizer', metavar='FOLDER', required=True, help='folder of the tokenizer to train with'
    )
    parser.add_argument('--num', metavar='N', type=int, default=3, help='pairs (default: 3)')
    parser.add_argument(
        '--end-of-turn',
        choices=get_args(EndOfTurn),
        default='always',
        help='when to supervise the end-of-turn token (default: always)',
    )
    parser.add_argument('--max-length', metavar='N', type=int, help='tokens to keep (default: all)')
    parser.add_argument('--borders', action='store_true', help='write a | after each token')
    parser.add_argument(
        '--no-color', action='store_true', help='mark supervised tokens with brackets'
    )
    return parser.parse_args(argv)


def show_pair(tokenizer: Any, pair: PreferencePair, args: argparse.Namespace) -> None:
    items = [labelled_response(side, pair) for side in SIDES]
    both = mask_batch(tokenizer, items, args.end_of_turn, args.max_length)
    for side, masked in zip(SIDES, both, strict=True):
        print(f'--- {side}: {sum(masked.mask)} of {len(masked.ids)} tokens supervised')
        look = {'side': side, 'prompt_length': masked.prompt_length, 'borders': args.borders}
        print(format_mask(tokenizer, masked.ids, masked.mask, not args.no_color, **look))


def main(argv: Sequence[str] | None = None) -> None:
    """Print the first pairs; wrong input ends in one line on stderr and exit status 1."""
    args = parse_args(argv)
    try:
        for name, number in (('--num', args.num), ('--max-length', args.max_length)):
            if number is not None and number < 1:
                raise ValueError(f'{name} has to be 1 or more, not {number}')
        tokenizer = load_tokenizer(args.tokenizer)
        for line, value in islice(read_objects(args.pairs), args.num):
            pair = parse_record(PreferencePair, value, args.pairs, line)
            print(f'=== {args.pairs}:{line}')
            try:
                show_pair(tokenizer, pair, args)
            except MaskingError as error:
                raise RecordError(args.pairs, line, str(error)) from error
    except ValueError as error:
        sys.exit(f'error: {error}')


if __name__ == '__main__':
    main()
