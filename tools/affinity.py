"""Measure how far entities are from their topic, before and after training (the paper's C.1)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from maskdpo_xtuner.command_line import run_tool


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('pairs', metavar='PAIRS.jsonl|WORK_DIR', help='what was trained on')
    for name in ('before', 'after'):
        parser.add_argument(f'--{name}', required=True, metavar='MODEL', help=f'{name} training')
    parser.add_argument('--num', type=int, default=200, help='pairs to draw (default: 200)')
    parser.add_argument('--seed', type=int, default=0, help='of the draw (default: 0)')
    parser.add_argument(
        '--layer',
        type=int,
        default=-1,
        help='-1 is the last hidden layer, 0 are the word embeddings (default: %(default)s)',
    )
    parser.add_argument(
        '--distance', choices=['euclidean', 'cosine'], default='euclidean', help='default: first'
    )
    parser.add_argument(
        '--entities',
        default='capitals',
        help='capitals (English, no library), spacy, transformers, or one of yours (default: '
        '%(default)s)',
    )
    parser.add_argument('--entities-model', metavar='MODEL', help='of spacy or transformers')
    parser.add_argument('--device', default='auto', help='default: %(default)s')
    parser.add_argument('--dtype', default='float32', help='default: %(default)s')
    parser.add_argument('--trust-remote-code', action='store_true', help='run code of the models')
    parser.add_argument('--out', metavar='FILE', help='also write the numbers as JSON')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Draw, measure, print."""
    args = parse_args(argv)
    if args.num < 1:
        raise ValueError(f'--num must be 1 or more, not {args.num}')

    from maskdpo_xtuner.jsonl import write_lines
    from maskdpo_xtuner.topics.affinity_run import format_affinity, measure_affinity

    options = ('layer', 'device', 'dtype', 'trust_remote_code')
    found = measure_affinity(
        args.pairs,
        (args.before, args.after),
        count=args.num,
        seed=args.seed,
        entities=(args.entities, args.entities_model),
        metric=args.distance,
        options={name: getattr(args, name) for name in options},
    )
    print(format_affinity(found))
    if args.out:
        write_lines(args.out, [found.model_dump_json(indent=2)])
    return 0


if __name__ == '__main__':
    run_tool(main)
