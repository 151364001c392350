from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import AmpOptimWrapper
from xtuner.engine import DeepSpeedStrategy

from maskdpo_xtuner.training.reference.precision import Precision, training_precision


def precision(optim_wrapper: dict[str, Any], **attributes: Any) -> Precision:
    cfg = ConfigDict(optim_wrapper=optim_wrapper)
    return training_precision(SimpleNamespace(cfg=cfg, **attributes))


@pytest.mark.parametrize(
    ('config', 'dtype'),
    [
        ({'fp16': {'enabled': False}, 'bf16': {'enabled': True}}, torch.bfloat16),
        ({'fp16': {'enabled': True}, 'bf16': {'enabled': False}}, torch.float16),
        ({'fp16': {'enabled': False}, 'bf16': {'enabled': False}}, None),
        ({}, None),
    ],
)
def test_deepspeed_casts_as_its_config_says(
    config: dict[str, Any],
    dtype: torch.dtype | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It registers optimizers, which works once in a process.
    monkeypatch.setattr('mmengine._strategy.deepspeed.register_deepspeed_optimizers', list)
    config['train_micro_batch_size_per_gpu'] = 1
    strategy = DeepSpeedStrategy(config=config, work_dir=str(tmp_path))
    found = precision({'type': 'DeepSpeedOptimWrapper'}, strategy=strategy)
    assert found == Precision(cast=dtype, autocast=None)


@pytest.mark.parametrize(
    ('options', 'dtype'),
    [
        ({'dtype': 'bfloat16'}, torch.bfloat16),
        ({'dtype': torch.float16}, torch.float16),
        # What torch.autocast takes on this device; a CPU's is bf16.
        ({}, torch.get_autocast_dtype('cuda' if torch.cuda.is_available() else 'cpu')),
    ],
)
@pytest.mark.parametrize('kind', ['AmpOptimWrapper', AmpOptimWrapper])
def test_amp_computes_in_autocast(kind: Any, options: dict[str, Any], dtype: torch.dtype) -> None:
    assert precision({'type': kind, **options}) == Precision(cast=None, autocast=dtype)


def test_the_plain_optimizer_wrapper_changes_nothing() -> None:
    assert precision({'type': 'OptimWrapper'}) == precision({}) == Precision(None, None)
