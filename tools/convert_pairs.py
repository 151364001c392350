"""Convert preference pairs from and to the forms of TRL, ms-swift and data sets on a hub."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from maskdpo_xtuner.command_line import run_tool
from maskdpo_xtuner.forms import FORMS, read_pairs, write_pairs

if TYPE_CHECKING:
    from maskdpo_xtuner.records import PreferencePair


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'source',
        metavar='IN',
        help='a file of pairs in any of the forms, a work dir, the folder of a data set, or its '
        'name on a hub',
    )
    parser.add_argument('out', metavar='OUT.jsonl', help='the file to write')
    parser.add_argument(
        '--to',
        choices=FORMS,
        required=True,
        help='ours; trl: conversations; trl_plain: plain text; swift: messages and '
        'rejected_response. Spans and labels are columns of their own',
    )
    parser.add_argument('--split', default='train', help='of a data set (default: train)')
    parser.add_argument('--subset', metavar='NAME', help='of a data set that has several')
    return parser.parse_args(argv)


def counted(pairs: Iterable[PreferencePair], counts: Counter[str]) -> Iterator[PreferencePair]:
    for pair in pairs:
        counts['unlabelled'] += pair.chosen_item.is_unlabelled or pair.rejected_item.is_unlabelled
        yield pair


def main(argv: Sequence[str] | None = None) -> int:
    """Read, write, say what was left out."""
    args = parse_args(argv)
    left_out: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    pairs = read_pairs(args.source, left_out, args.split, args.subset)
    number = write_pairs(args.out, counted(pairs, counts), args.to)
    print(f'{args.out}: {number} pairs')
    if left_out:
        named = ', '.join(f'{key} ({count} pairs)' for key, count in left_out.most_common())
        print(f'left out, since a pair has no place for them: {named}')
    if counts['unlabelled']:
        print(
            f'{counts["unlabelled"]} pairs have no labelled sentence: plain DPO trains on them '
            '(dataset_map_fn="response_mask_map_fn"), Mask-DPO does not'
        )
    return 0


if __name__ == '__main__':
    run_tool(main)
