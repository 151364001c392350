"""Write subsets of pairs: by topics, questions of each, distance to the test set, chance.

Each part becomes a file; split.json says which topic went where and by what. Nothing is asked: the
pairs are those of a finished work dir. TYPE is topics, questions_per_topic, near_far,
random_halves, listed, or one of yours; docs/subsets.md has their settings.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from maskdpo_xtuner.command_line import key_value, run_tool


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'source', type=Path, metavar='SOURCE', help='a work dir, or JSON lines of pairs, questions'
    )
    parser.add_argument(
        'type', nargs='?', metavar='TYPE', help='of the subset (default: that of --config)'
    )
    parser.add_argument(
        'settings',
        nargs='*',
        type=key_value,
        metavar='KEY=VALUE',
        help='settings of the subset, such as steps=7 seed=1 embedding.model=FOLDER',
    )
    parser.add_argument('--out', type=Path, required=True, metavar='FOLDER', help='of the parts')
    parser.add_argument(
        '--config',
        help='split all questions of this config, those without a pair among them, and look at its '
        'test set; without it, the topics that SOURCE has are split',
    )
    parser.add_argument('--test', metavar='FILE', help='questions of the test set, as JSON lines')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Split, write, print."""
    args = parse_args(argv)

    from maskdpo_xtuner.pipeline.split_files import read_subset, split_file
    from maskdpo_xtuner.settings import load_settings

    config = load_settings(args.config) if args.config else None
    values = dict(args.settings)
    if args.test:
        values |= {'test.type': 'jsonl', 'test.path': args.test}
    if args.type:
        subset = read_subset(args.type, values)
    elif config is not None and config.subset is not None:
        subset = config.subset
    else:
        raise ValueError('name the TYPE of the subset, or a --config that has one')
    chosen, counts = split_file(args.source, subset, args.out, config)
    print(f'{chosen.table()}\n{chosen.checked()}')
    for path, count in counts.items():
        print(f'{path}: {count} lines')
    return 0


if __name__ == '__main__':
    run_tool(main)
