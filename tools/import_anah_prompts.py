"""Take the published prompts of ANAH-v2 out of the ANAH repository, without running its code."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from maskdpo_xtuner.annotators.anah_v2 import read_official_prompts, write_prompts
from maskdpo_xtuner.command_line import run_tool


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'source', metavar='FILE|CHECKOUT', help='anahv2_prompt.py, or a checkout of the repository'
    )
    parser.add_argument(
        '--out',
        metavar='FILE',
        default='anah_v2_prompts.json',
        help='where to keep them; the annotator takes it as annotator.prompts (default: '
        '%(default)s)',
    )
    return parser.parse_args(argv)


def main() -> int:
    """Read, write, say what was found."""
    args = parse_args()
    prompts = read_official_prompts(args.source)
    write_prompts(args.out, prompts)
    print(f'{args.out}: three turns in English and Chinese, sha256 {prompts.sha256}')
    return 0


if __name__ == '__main__':
    run_tool(main)
