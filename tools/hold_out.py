"""Hold out test questions: split a file into training and test questions that share no topic."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from maskdpo_xtuner.command_line import run_tool


def parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('questions', metavar='QUESTIONS.jsonl', type=Path)
    parser.add_argument(
        '--test', type=int, default=177, metavar='N', help='questions (default: %(default)s)'
    )
    parser.add_argument('--train', type=int, metavar='N', help='questions (default: all others)')
    parser.add_argument('--seed', type=int, default=0, help='another one holds out others')
    parser.add_argument('--out-train', type=Path, default='train_questions.jsonl', metavar='FILE')
    parser.add_argument('--out-test', type=Path, default='test_questions.jsonl', metavar='FILE')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Read, split, write, say what is where."""
    args = parse_args(argv)

    from maskdpo_xtuner.jsonl import read_questions, write_records
    from maskdpo_xtuner.subsets.held_out import hold_out

    parts = hold_out(read_questions(args.questions), args.test, args.train, args.seed)
    for path, part in zip((args.out_train, args.out_test), parts, strict=True):
        count = write_records(path, part)
        print(f'{path}: {count} questions on {len({q.topic for q in part})} topic(s)')
    return 0


if __name__ == '__main__':
    run_tool(main)
