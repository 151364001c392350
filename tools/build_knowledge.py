"""Write pages to an SQLite file that the judge factscore looks topics up in.

A page is a line with a title and a text, as FActScore's release has it. The documents of a question
file do, too: their titles are the topics.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import chain

from maskdpo_xtuner.command_line import run_tool


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('sources', nargs='+', metavar='FILE', help='JSON lines')
    parser.add_argument(
        '--out',
        metavar='FILE',
        default='knowledge.db',
        help='the judge takes it as annotator.knowledge (default: %(default)s)',
    )
    return parser.parse_args(argv)


def main() -> int:
    """Read, write, say how much."""
    args = parse_args()

    from maskdpo_xtuner.knowledge import build_knowledge, read_pages

    pages = chain.from_iterable(map(read_pages, args.sources))
    written, repeated = build_knowledge(args.out, pages)
    print(f'{args.out}: {written} pages')
    if repeated:
        print(f'{repeated} left out: pages before them have their titles')
    return 0


if __name__ == '__main__':
    run_tool(main)
