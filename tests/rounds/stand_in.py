"""Stands before the commands of a round and does what they would leave, in a moment.

``python stand_in.py PYTHON -m maskdpo_xtuner KIND ARGUMENT ...`` adds a line to ``asked.jsonl``. A
file ``KIND.does`` in this folder says what goes wrong: ``fail``, ``nothing``, ``missing`` (exit
status 1 with all files), or ``hang`` after the first checkpoint.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path


def main() -> int:
    _, _, _, kind, *arguments = sys.argv[1:]
    wrong = Path(f'{kind}.does')
    does = wrong.read_text().strip() if wrong.exists() else ''
    gpu = os.environ.get('CUDA_VISIBLE_DEVICES')
    with Path('asked.jsonl').open('a') as file:
        file.write(json.dumps([kind, *arguments, *([f'gpu {gpu}'] if gpu else [])]) + '\n')
    if does == 'fail':
        print('something is wrong')
        return 3
    if does != 'nothing':
        {'sample': sample, 'merge': sample, 'train': train, 'convert': convert}[kind](
            arguments, hang=does == 'hang'
        )
    return int(does == 'missing')


def work_dir(arguments: list[str]) -> tuple[Path, str | None]:
    parser = argparse.ArgumentParser()
    parser.add_argument('--work-dir', type=Path)
    parser.add_argument('--shard')
    args = parser.parse_known_args(arguments)[0]
    return args.work_dir, args.shard


def sample(arguments: list[str], *, hang: bool) -> None:
    folder, shard = work_dir(arguments)
    folder = folder / 'shards' / shard.replace('/', '-of-') if shard else folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'pairs.jsonl').write_text(json.dumps([a for a in arguments if 'policy.model' in a]))
    (folder / 'summary.json').write_text('{}')


def train(arguments: list[str], *, hang: bool) -> None:
    folder, _ = work_dir(arguments)
    for name in ('iter_2.pth', 'iter_4.pth'):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / 'last_checkpoint').write_text(str(folder / name))
        if hang:
            Path('hanging').write_text(str(os.getpid()))
            time.sleep(60)


def convert(arguments: list[str], *, hang: bool) -> None:
    folder = Path(arguments[3])
    folder.mkdir(parents=True)
    for name in ('config.json', 'adapter_config.json'):
        (folder / name).write_text('{}')


if __name__ == '__main__':
    sys.exit(main())
