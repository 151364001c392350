"""Jobs of `tools/slurm` on this machine, with stand-ins for Slurm's commands."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / 'tools' / 'slurm'
SRUN = f'exec {shlex.quote(sys.executable)} {shlex.quote(str(ROOT / "tests/slurm/fake_srun.py"))}'
MASKDPO = f'exec {shlex.quote(sys.executable)} -m maskdpo_xtuner'


def commands(folder: Path, **scripts: str) -> Path:
    """Write shell scripts that stand for commands; gives their folder.

    Names of the commands to what they do with their arguments; of Slurm's there are ``srun`` and
    ``scontrol``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    standard = {'srun': f'{SRUN} "$@"', 'scontrol': 'echo 127.0.0.1', 'hostname': 'echo 127.0.0.1'}
    for name, body in {**standard, **scripts}.items():
        (folder / name).write_text(f'#!/bin/bash\n{body}\n')
        (folder / name).chmod(0o755)
    return folder


def job_of(nodes: int = 1, tasks: int = 1) -> dict[str, str]:
    """Variables of a job of so many machines."""
    return {
        'SLURM_JOB_ID': '7',
        'SLURM_NNODES': str(nodes),
        'SLURM_NTASKS_PER_NODE': str(tasks),
        'SLURM_NTASKS': str(nodes * tasks),
        'SLURM_JOB_NODELIST': 'node[0-1]',
        'SLURM_NODELIST': 'node[0-1]',
        'SLURM_GPUS_ON_NODE': '1',
    }


def array_task(number: int, first: int, last: int, count: int) -> dict[str, str]:
    """Variables of a task of an array."""
    names = {'ID': number, 'MIN': first, 'MAX': last, 'COUNT': count}
    return {f'SLURM_ARRAY_TASK_{name}': str(value) for name, value in names.items()}


def start(
    script: str, bin_: Path, variables: dict[str, str], *arguments: str, cwd: Path
) -> subprocess.Popen[str]:
    """Start a script of `tools/slurm` as a job would."""
    return started(bin_, variables, ['bash', str(SCRIPTS / script), *arguments], cwd)


def started(
    bin_: Path, variables: dict[str, str], command: Sequence[str], cwd: Path
) -> subprocess.Popen[str]:
    """Start a command in a job."""
    path = os.pathsep.join([str(bin_), str(Path(sys.executable).parent), os.environ['PATH']])
    environment = {**os.environ, 'PATH': path, 'PYTHONPATH': str(ROOT), **variables}
    return subprocess.Popen(
        [shutil.which(command[0], path=path) or command[0], *command[1:]],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(
    script: str, bin_: Path, variables: dict[str, str], *arguments: str, cwd: Path
) -> tuple[int, str, str]:
    """Run it to its end; gives exit status, stdout and stderr."""
    job = start(script, bin_, variables, *arguments, cwd=cwd)
    said, warned = job.communicate()
    return job.returncode, said, warned


def ended_well(jobs: Sequence[subprocess.Popen[str]]) -> None:
    """Wait for jobs; all must end with 0."""
    for job in jobs:
        _, warned = job.communicate()
        assert job.returncode == 0, warned[-3000:]
