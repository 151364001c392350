"""Stands for Slurm on one machine: ``srun [OPTION ...] COMMAND ...`` with the variables of a job.

It starts SLURM_NNODES x SLURM_NTASKS_PER_NODE tasks at once and ends with the worst of them. When
it is told to end it ends them, as Slurm does.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType


def main() -> int:
    command = sys.argv[1:]
    while command[0].startswith('-'):
        command.pop(0)
    nodes, tasks = (int(os.environ[f'SLURM_{name}']) for name in ('NNODES', 'NTASKS_PER_NODE'))
    started: list[subprocess.Popen[bytes]] = []

    def end_all(number: int, frame: FrameType | None) -> None:
        for each in started:
            each.terminate()

    signal.signal(signal.SIGTERM, end_all)
    for rank in range(nodes * tasks):
        environment = {**os.environ, **_variables(rank, nodes, tasks)}
        started.append(subprocess.Popen(command, env=environment))
    return max(abs(each.wait()) for each in started)


def _variables(rank: int, nodes: int, tasks: int) -> dict[str, str]:
    names = {
        'SLURM_PROCID': rank,
        'SLURM_NODEID': rank // tasks,
        'SLURM_LOCALID': rank % tasks,
        'SLURM_NTASKS': nodes * tasks,
    }
    return {name: str(value) for name, value in names.items()}


if __name__ == '__main__':
    sys.exit(main())
