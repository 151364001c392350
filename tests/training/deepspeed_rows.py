"""Trains under settings of DeepSpeed and compares with plain PyTorch; prints how far apart.

python -m tests.training.deepspeed_rows MODEL_FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import deepspeed
import torch
from mmengine._strategy.deepspeed import DeepSpeedOptimWrapper, MMDeepSpeedEngineWrapper
from mmengine.optim import OptimWrapper
from torch import Tensor

from maskdpo_xtuner.batches.rows import cut_rows
from maskdpo_xtuner.training.accumulation import train_rows
from tests.training.test_accumulation import ROWS, batches, build

OFFLOAD = {'offload_optimizer': {'device': 'cpu'}}
SETTINGS: dict[str, dict[str, Any]] = {
    'zero1': {'stage': 1},
    'zero2': {'stage': 2},
    'zero2_offload': {'stage': 2, **OFFLOAD},
    'zero3': {'stage': 3},
    'zero3_offload': {'stage': 3, **OFFLOAD},
}


# Setting, micro-batches of a step, whether each of them is cut into rows.
CASES = [
    ('zero1', 1, True),
    ('zero2', 2, True),
    ('zero2_offload', 1, True),
    ('zero2_offload', 4, False),
    ('zero3', 1, True),
    ('zero3_offload', 2, True),
]


def train(model: Any, optimizer: Any, zero: dict[str, Any], accumulation: int, rows: bool) -> None:
    """Train on four batches under DeepSpeed."""
    config = {
        'train_micro_batch_size_per_gpu': 5,
        'gradient_accumulation_steps': accumulation,
        'zero_optimization': zero,
        'zero_allow_untested_optimizer': True,
        'zero_force_ds_cpu_optimizer': False,
    }
    engine, *_ = deepspeed.initialize(model=model, optimizer=optimizer, config=config)
    wrapper = DeepSpeedOptimWrapper(optimizer)
    wrapper.model = MMDeepSpeedEngineWrapper(model=engine)
    for number, batch in enumerate(batches(4)):
        # The last one is not divided: what was done for the others must not disturb it.
        parts = ROWS if rows and number < 3 else [[0, 1, 2, 3, 4]]
        if rows:
            train_rows(wrapper.model, wrapper, cut_rows(batch, parts))
        else:
            wrapper.model.train_step(batch, wrapper)


def train_plainly(model: Any, optimizer: Any, accumulation: int) -> None:
    """Train on the same batches without DeepSpeed."""
    wrapper = OptimWrapper(optimizer, accumulative_counts=accumulation)
    for batch in batches(4):
        model.train_step(batch, wrapper)


def moved(folder: Path, start: Tensor, case: tuple[str, int, bool] | int) -> Tensor:
    """How far training moves a weight: by the gradients, under SGD with a rate of 1."""
    model = build(folder)
    weight: Tensor = model.llm.model.layers[0].mlp.up_proj.weight
    optimizer = torch.optim.SGD(model.llm.parameters(), lr=1.0)
    if isinstance(case, int):
        train_plainly(model, optimizer, case)
        return weight.detach() - start
    name, accumulation, rows = case
    train(model, optimizer, SETTINGS[name], accumulation, rows)
    with deepspeed.zero.GatheredParameters(weight, enabled=name.startswith('zero3')):
        return weight.detach() - start


def main() -> None:
    """Print the largest difference of each case, relative to the largest move."""
    folder = Path(sys.argv[1])
    start = build(folder).llm.model.layers[0].mlp.up_proj.weight.detach().clone()
    wanted = {accumulation: moved(folder, start, accumulation) for accumulation in (1, 2, 4)}
    apart = {}
    for case in CASES:
        name, accumulation, _ = case
        expected = wanted[accumulation]
        difference = (moved(folder, start, case) - expected).abs().max()
        apart[f'{name}, {accumulation}'] = float(difference / expected.abs().max())
    print(json.dumps(apart))


if __name__ == '__main__':
    main()
