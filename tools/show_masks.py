"""Print what `xtuner train CONFIG` trains on: its pairs with their token masks in colour."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from maskdpo_xtuner.command_line import run_tool
from maskdpo_xtuner.terminal import can_show, print_lines, wants_color

if TYPE_CHECKING:
    from maskdpo_xtuner.training.data.configured import TrainingPairs


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', metavar='CONFIG', help='a training config')
    parser.add_argument(
        '--pairs', metavar='PAIRS.jsonl|WORK_DIR', help="show these instead of the config's pairs"
    )
    parser.add_argument('--num', metavar='N', type=int, default=3, help='pairs (default: 3)')
    parser.add_argument(
        '--index', metavar='I', type=int, nargs='+', help='show these pairs; the first is 0'
    )
    parser.add_argument(
        '--cfg-options',
        metavar='KEY=VALUE',
        nargs='+',
        default=[],
        help='replace settings of the config, as for `xtuner train`',
    )
    parser.add_argument('--borders', action='store_true', help='write a | after each token')
    parser.add_argument(
        '--color',
        action=argparse.BooleanOptionalAction,
        help='colours, or brackets around supervised tokens (default: colours on a terminal)',
    )
    return parser.parse_args(argv)


def lines_of(training: TrainingPairs, args: argparse.Namespace) -> Iterator[str]:
    from maskdpo_xtuner.masking import Look, count_drops, format_pair, harmless
    from maskdpo_xtuner.training.data.tokenization import masked_pair

    color = wants_color(sys.stdout) if args.color is None else args.color
    look = Look(color, not can_show('⟦·→⏎⟧', sys.stdout), args.borders)
    items, total = training.items, len(training.items)
    for index in args.index or range(min(args.num, total)):
        if not 0 <= index < total:
            raise ValueError(f'--index {index}: the data set has the pairs 0 to {total - 1}')
        item = items[index]
        pair = masked_pair(item)
        drop = f': not trained on: {pair.drop_reason}' if pair.drop_reason else ''
        yield harmless(f'=== {index}: {item.get("place", f"pair {index}")}{drop}')
        yield from format_pair(training.tokenizer, pair, look, training.sides)
    if 'drop_reason' in items.column_names:
        yield count_drops(items['drop_reason'][:])
    yield ', '.join(f'{key}={value}' for key, value in training.settings.items())


def main(argv: Sequence[str] | None = None) -> int:
    """Build the data set, print; the notes of other packages go to stderr."""
    args = parse_args(argv)
    if args.num < 1:
        raise ValueError(f'--num must be 1 or more, not {args.num}')
    with redirect_stdout(sys.stderr):
        from maskdpo_xtuner.training.data.configured import load_training_config, training_pairs

        training = training_pairs(load_training_config(args.config, args.cfg_options), args.pairs)
    print_lines(lines_of(training, args))
    return 0


if __name__ == '__main__':
    run_tool(main)
