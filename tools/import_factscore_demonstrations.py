"""Take the published demonstrations of FActScore out of a checkout, with their licence."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from maskdpo_xtuner.command_line import run_tool


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'source',
        metavar='FILE|CHECKOUT',
        help='a checkout with its data, or demons.json',
    )
    parser.add_argument(
        '--licence', metavar='FILE', help='their licence (default: LICENSE of the checkout)'
    )
    parser.add_argument(
        '--out',
        metavar='FILE',
        default='factscore_demonstrations.json',
        help='where to keep them; the judge takes it as annotator.demonstrations (default: '
        '%(default)s)',
    )
    return parser.parse_args(argv)


def main() -> int:
    """Read, write, say what was found."""
    args = parse_args()

    from maskdpo_xtuner.annotators.factscore import (
        read_official_demonstrations,
        write_demonstrations,
    )

    found = read_official_demonstrations(args.source, args.licence)
    write_demonstrations(args.out, found)
    print(f'{args.out}: {len(found.all)} sentences with their facts, sha256 {found.sha256}')
    return 0


if __name__ == '__main__':
    run_tool(main)
