"""What the plugin supplies to libraries when it is imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from pickle import UnpicklingError
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from deepspeed.comm import comm
from deepspeed.comm.torch import TorchBackend
from deepspeed.ops.op_builder.builder import OpBuilder
from deepspeed.runtime.zero.stage_1_and_2 import DeepSpeedZeroOptimizer
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from xtuner.configs import cfgs_name_path
from xtuner.engine import DeepSpeedStrategy
from xtuner.tools.utils import auto_dtype_of_deepspeed_config
from xtuner.utils import zero_to_any_dtype

from maskdpo_xtuner.engines import triton_ops
from maskdpo_xtuner.training.patches import checkpoints, cpu, deepspeed
from maskdpo_xtuner.training.reference.precision import training_precision

no_cuda = pytest.mark.skipif(torch.cuda.is_available(), reason='about machines without CUDA')


@pytest.mark.parametrize('name', ['zero1', 'zero2', 'zero2_offload', 'zero3', 'zero3_offload'])
def test_short_names_mean_xtuners_deepspeed_settings(name: str) -> None:
    assert Path(cfgs_name_path[name]).name == f'deepspeed_{name}.json'


def test_without_mpi_a_single_process_is_the_whole_world(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT')
    for name in names:
        monkeypatch.setenv(name, 'unset')
    monkeypatch.setattr(comm, 'mpi_discovery', comm.mpi_discovery)
    monkeypatch.setattr(deepspeed, 'find_spec', lambda name: None)
    deepspeed.supply_single_process_world()
    comm.mpi_discovery(distributed_port=29500, verbose=True)
    *found, port = (os.environ[name] for name in names)
    assert found == ['0', '0', '1', '127.0.0.1']
    assert 1024 <= int(port) < 65536


def test_nothing_is_compiled_before_training_without_an_accelerator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = sys.modules[TorchBackend.__module__]
    monkeypatch.setattr(module, 'build_shm_op', module.build_shm_op)
    deepspeed.skip_inference_extension()
    loaded: list[str] = []
    monkeypatch.setattr(OpBuilder, 'load', lambda self, verbose=True: loaded.append(self.NAME))
    backend = TorchBackend.__new__(TorchBackend)
    monkeypatch.setattr(backend, 'init_process_group', lambda *args: None)
    TorchBackend.__init__(backend, 'gloo', None, None)
    assert (loaded, backend.shm_comm_op) == ([], None)


class Offloading(DeepSpeedZeroOptimizer):  # type: ignore[misc]
    """The parts of ZeRO-2 with offload that add up gradients."""

    def __init__(self, size: int) -> None:
        self.device = 'cpu'
        self.cpu_offload_pin_memory = False
        self.fp16_master_weights_and_gradients = False
        self.temp_grad_buffer_for_gpu_offload = torch.empty(size)
        self.grad_position = {0: [0, 0, 0, size]}
        self.accumulated_grads_in_cpu: dict[int, torch.Tensor] = {}

    def get_param_id(self, param: torch.Tensor) -> int:
        return 0

    def get_param_gradient_attribute(self, param: torch.Tensor) -> torch.Tensor | None:
        return param.grad


def test_offloaded_gradients_of_all_micro_batches_are_added_up() -> None:
    optimizer, param = Offloading(3), torch.zeros(3, requires_grad=True)
    gradients = [torch.full((3,), float(10**number)) for number in range(4)]
    for optimizer.micro_step_id, gradient in enumerate(gradients):
        optimizer.is_gradient_accumulation_boundary = optimizer.micro_step_id == 3
        param.grad = gradient.clone()
        optimizer.async_accumulate_grad_in_cpu_via_gpu(param)
    assert param.grad is not None
    assert param.grad.tolist() == [1111.0] * 3


@no_cuda
def test_on_a_cpu_auto_means_bf16_and_not_fp16() -> None:
    settings = {'fp16': {'enabled': 'auto'}, 'bf16': {'enabled': 'auto'}}
    chosen = auto_dtype_of_deepspeed_config(settings)
    assert chosen == {'fp16': {'enabled': False}, 'bf16': {'enabled': True}}


@no_cuda
@pytest.mark.parametrize(
    ('llm', 'stage', 'bf16'),
    [
        ({'torch_dtype': 'torch.float32'}, 2, False),
        ({'torch_dtype': torch.float32}, 1, False),
        ({}, 2, False),
        ({'torch_dtype': 'torch.bfloat16'}, 2, True),
        ({'torch_dtype': 'auto'}, 2, True),
        ({'torch_dtype': 'torch.float32'}, 3, True),
    ],
)
def test_on_a_cpu_what_is_loaded_in_fp32_is_trained_in_fp32(
    llm: dict[str, Any],
    stage: int,
    bf16: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It registers optimizers, which works once in a process.
    monkeypatch.setattr('mmengine._strategy.deepspeed.register_deepspeed_optimizers', list)
    config = {
        'train_micro_batch_size_per_gpu': 1,
        'zero_optimization': {'stage': stage},
        'bf16': {'enabled': True},
    }
    strategy = DeepSpeedStrategy(config=config, work_dir=str(tmp_path))
    cfg = ConfigDict(model={'llm': llm}, optim_wrapper={'type': 'DeepSpeedOptimWrapper'})
    runner = SimpleNamespace(cfg=cfg, strategy=strategy)
    cpu.keep_fp32_on_cpu(runner)
    assert training_precision(runner).cast == (torch.bfloat16 if bf16 else None)


@no_cuda
def test_on_a_cpu_setting_the_cuda_device_does_nothing() -> None:
    torch.cuda.set_device(1)


def test_with_an_accelerator_nothing_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    def own(device: object) -> None:
        """Stand for torch's function."""

    monkeypatch.setattr(cpu, 'get_device_name', lambda: 'cuda')
    monkeypatch.setattr(torch.cuda, 'set_device', own)
    cpu.supply_cpu_support()
    assert torch.cuda.set_device is own


def test_a_checkpoints_history_can_be_read(tmp_path: Path) -> None:
    buffer = HistoryBuffer([np.float64(1.5)], [1])
    buffer.update(2.5)
    torch.save({'log': buffer, 'cfg': ConfigDict(a=ConfigDict(b=1))}, tmp_path / 'c.pth')
    loaded = torch.load(tmp_path / 'c.pth')
    assert loaded['log'].mean() == 2
    assert loaded['log'].statistics('current') == 2.5
    assert loaded['cfg'].a.b == 1


class Attack:
    """Pickled as a call of getattr."""

    def __reduce__(self) -> Any:
        return getattr, (Path, 'cwd')


def test_other_attributes_in_a_checkpoint_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnpicklingError, match='may not take'):
        checkpoints._history_method(Path, 'cwd')
    torch.save({'x': Attack()}, tmp_path / 'c.pth')
    with pytest.raises(UnpicklingError, match='pathlib.Path'):
        torch.load(tmp_path / 'c.pth')


def test_deepspeed_checkpoints_are_converted_in_fp32() -> None:
    assert zero_to_any_dtype.get_state_dict_from_zero_checkpoint.keywords == {
        'dtype': torch.float32
    }


def test_bitsandbytes_can_be_imported() -> None:
    import bitsandbytes as imported

    assert imported.nn.Linear4bit


def test_what_stands_for_triton_ops_fails_when_called(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip('triton')
    for name in triton_ops.MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    triton_ops.supply_triton_ops()
    with pytest.raises(NotImplementedError, match='triton < 3.2'):
        sys.modules['triton.ops.matmul_perf_model'].estimate_matmul_time()
