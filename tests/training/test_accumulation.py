"""Row by row or all at once: the optimizer is handed the same gradient."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from torch import nn
from xtuner.registry import BUILDER

from maskdpo_xtuner.batches.rows import cut_rows
from maskdpo_xtuner.training import mask_preference_collate_fn
from maskdpo_xtuner.training.accumulation import train_rows
from tests.preference_items import chosen_only, random_items

ROWS = [[0, 2, 4], [1], [3]]


def build(folder: Path, **options: Any) -> Any:
    llm = {
        'type': 'transformers.AutoModelForCausalLM.from_pretrained',
        'pretrained_model_name_or_path': str(folder),
        'torch_dtype': 'torch.float32',
    }
    options = {'beta': 0.3, 'reference': 'model', **options}
    model = BUILDER.build(ConfigDict(type='MaskDPO', llm=llm, **options))
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.llm.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model.train()


def batches(number: int, loss_type: str = 'sigmoid') -> list[dict[str, Any]]:
    items = [random_items(seed, pairs=5) for seed in range(number)]
    if loss_type == 'sft':
        items = [chosen_only(each) for each in items]
    return [mask_preference_collate_fn(each) for each in items]


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def assert_same_steps(
    found: dict[str, torch.Tensor],
    wanted: dict[str, torch.Tensor],
    start: dict[str, torch.Tensor],
    tolerance: float,
) -> None:
    """The weights moved alike, but for rounding beside the largest move."""
    for name, value in wanted.items():
        moves = value - start[name], found[name] - start[name]
        scale = float(moves[0].abs().max())
        torch.testing.assert_close(moves[1], moves[0], rtol=tolerance, atol=tolerance * scale)


@pytest.fixture
def amp_on_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """The AmpOptimWrapper of mmengine wants a GPU; bf16 autocast works without."""
    module = 'mmengine.optim.optimizer.amp_optimizer_wrapper'
    monkeypatch.setattr(f'{module}.is_cuda_available', lambda: True)


@pytest.mark.usefixtures('amp_on_cpu')
@pytest.mark.parametrize(
    ('kind', 'options', 'tolerance', 'loss'),
    [
        (OptimWrapper, {}, 1e-4, {'loss_options': {'nll': 0.7}}),
        (OptimWrapper, {}, 1e-4, {'loss_type': 'sft'}),
        (AmpOptimWrapper, {'dtype': 'bfloat16'}, 2e-2, {}),
    ],
    ids=['nll', 'sft', 'amp'],
)
@pytest.mark.parametrize('accumulative_counts', [1, 2])
def test_steps_and_logs_are_those_of_whole_batches(
    tiny_model: Path,
    kind: type[OptimWrapper],
    options: dict[str, Any],
    tolerance: float,
    loss: dict[str, Any],
    accumulative_counts: int,
) -> None:
    def train(by_row: bool) -> tuple[dict[str, torch.Tensor], list[dict[str, float]]]:
        model = build(tiny_model, **loss)
        # With SGD a step is the gradient.
        optimizer = torch.optim.SGD(model.llm.parameters(), lr=1.0)
        wrapper = kind(optimizer=optimizer, accumulative_counts=accumulative_counts, **options)
        # Three batches: the second step of two has one only.
        wrapper.initialize_count_status(model, 0, 3)
        logs = []
        for batch in batches(3, model.loss_type):
            if by_row:
                logged = train_rows(model, wrapper, cut_rows(batch, ROWS))
            else:
                logged = model.train_step(batch, optim_wrapper=wrapper)
            logs.append({name: value.item() for name, value in logged.items()})
        assert wrapper._inner_count == 3
        return weights(model.llm), logs

    start = weights(build(tiny_model).llm)
    (found, logs), (wanted, expected) = train(True), train(False)
    assert_same_steps(found, wanted, start, tolerance)
    for ours, theirs in zip(logs, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=tolerance, abs=tolerance)


class Silent(nn.Module):
    """Wraps a model as DDP does, and notes when gradients are not exchanged."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.module = model
        self.silent: list[bool] = []
        self._off = False

    def no_sync(self) -> Any:
        wrapper = self

        class Block:
            def __enter__(self) -> None:
                wrapper._off = True

            def __exit__(self, *error: object) -> None:
                wrapper._off = False

        return Block()

    def train_step(self, batch: Any, optim_wrapper: Any) -> Any:
        with optim_wrapper.optim_context(self):
            losses = self.module(**batch, mode='loss')
            self.silent.append(self._off)
        loss, logs = self.module.parse_losses(losses)
        optim_wrapper.update_params(loss)
        return logs


def test_ranks_exchange_gradients_at_the_last_row_only(tiny_model: Path) -> None:
    model = Silent(build(tiny_model))
    wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=1.0))
    train_rows(model, wrapper, cut_rows(batches(1)[0], ROWS))
    assert model.silent == [True, True, False]


@pytest.mark.slow
def test_every_setting_of_deepspeed_adds_up_all_gradients(tiny_model: Path) -> None:
    # A process of its own: DeepSpeed leaves its process group behind.
    command = [sys.executable, '-m', 'tests.training.deepspeed_rows', str(tiny_model)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    apart = json.loads(done.stdout.splitlines()[-1])
    assert len(apart) == 6
    assert {name: value for name, value in apart.items() if not value < 1e-4} == {}
