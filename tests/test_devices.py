"""Names of devices, on a machine with any number of GPUs."""

from __future__ import annotations

import pytest
import torch

from maskdpo_xtuner.devices import find_device, find_dtype


@pytest.fixture(params=[0, 2])
def gpus(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    count = int(request.param)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: count)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: count > 0)
    return count


def test_auto_is_cuda_where_there_is_one(gpus: int) -> None:
    assert find_device('auto') == ('cuda' if gpus else 'cpu')


@pytest.mark.parametrize('name', ['cuda', 'cuda:1', 'cuda:2'])
def test_a_device_that_is_not_there_is_said_with_what_is(gpus: int, name: str) -> None:
    if name != 'cuda:2' and gpus:
        assert find_device(name) == name
        return
    with pytest.raises(ValueError, match=f"device: '{name}' is not there .*write cpu, or auto"):
        find_device(name)


@pytest.mark.parametrize('name', ['meta', 'mps', 'xpu', 'hpu', 'xla', 'vulkan', 'cpu:5'])
def test_a_kind_of_device_that_torch_was_not_built_for_is_said(name: str) -> None:
    with pytest.raises(ValueError, match=rf"device: '{name}' is not there \(.+\); write cpu, or"):
        find_device(name)


@pytest.mark.parametrize('name', ['', 'gpu', 'cuda:x', 'CUDA', '0'])
def test_what_is_no_device_is_said(name: str) -> None:
    with pytest.raises(ValueError, match='is no device of torch'):
        find_device(name)


@pytest.mark.parametrize('name', ['', 'float3', 'nn', 'int8', 'torch.float32'])
def test_what_is_no_dtype_of_weights_is_said(name: str) -> None:
    assert find_dtype('bfloat16') is torch.bfloat16
    with pytest.raises(ValueError, match=f"dtype: '{name}' is none of float32, bfloat16, float16"):
        find_dtype(name)
