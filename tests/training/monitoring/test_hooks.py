from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import IterTimerHook, LoggerHook, RuntimeInfoHook
from mmengine.logging import MessageHub
from mmengine.registry import HOOKS
from mmengine.runner.priority import get_priority

from maskdpo_xtuner.training import MeanOverRanksHook, TrainingMetricsHook
from maskdpo_xtuner.training.monitoring import hooks
from tests.xtuner_runs import ROOT


def rank_of(hook: Any) -> int:
    return int(get_priority(hook.priority))


def test_hooks_come_where_mmengines_need_them() -> None:
    assert rank_of(MeanOverRanksHook) < rank_of(RuntimeInfoHook)
    assert rank_of(IterTimerHook) <= rank_of(TrainingMetricsHook) < rank_of(LoggerHook)
    assert HOOKS.get('MeanOverRanksHook') is MeanOverRanksHook
    assert HOOKS.get('TrainingMetricsHook') is TrainingMetricsHook


def test_logged_values_are_means_over_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    def add_another_rank(values: torch.Tensor, op: str) -> None:
        assert op == 'mean'
        values.add_(torch.tensor([3.0, -1.0])).div_(2)

    monkeypatch.setattr(hooks, 'get_world_size', lambda: 2)
    monkeypatch.setattr(hooks, 'all_reduce', add_another_rank)
    outputs = {'loss': torch.tensor(1.0, requires_grad=True), 'rewards/margins': torch.tensor(0.5)}
    MeanOverRanksHook().after_train_iter(None, 0, outputs=outputs)
    assert {name: float(value) for name, value in outputs.items()} == {
        'loss': 2.0,
        'rewards/margins': -0.25,
    }


def test_logged_values_are_smoothed_but_evaluations_and_speed_are_not() -> None:
    config = Config.fromfile(ROOT / 'configs/_base_/default_runtime.py')
    smoothed = re.compile(config.log_processor.mean_pattern)
    means = ('loss', 'nll', 'preference', 'rewards/margins', 'token_logps/chosen_shift', 'time')
    assert all(map(smoothed.search, means))
    others = ('val/loss', 'val/nll', 'tokens_per_second', 'peak_memory', 'lr')
    assert not any(map(smoothed.search, others))


class Runner:
    """A runner whose iterations take as long as it is told."""

    def __init__(self, name: str, model: Any, window_size: int = 2) -> None:
        self.message_hub = MessageHub.get_instance(name)
        self.log_processor = SimpleNamespace(window_size=window_size)
        self.model = model
        self.iter, self.train_dataloader = 0, range(8)

    def iterate(self, hook: TrainingMetricsHook, seconds: float, tokens: int, counts: Any) -> None:
        self.message_hub.update_scalar('train/time', seconds)
        data = {'num_tokens': torch.tensor(tokens), 'counts': torch.tensor(counts)}
        hook.after_train_iter(self, 0, {'data': data})
        self.iter += 1

    def logged(self, name: str) -> float:
        return float(self.message_hub.get_scalar(f'train/{name}').current())


def test_speed_is_tokens_of_all_ranks_over_the_time_of_the_last_iterations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = torch.tensor([100.0, 10.0, 0.0], dtype=torch.float64)
    monkeypatch.setattr(hooks, 'all_gather', lambda mine: [mine, other])
    runner, hook = Runner('speed', model=None), TrainingMetricsHook()
    hook.before_train(runner)
    runner.iterate(hook, 99.0, 1, [1, 1])
    runner.iterate(hook, 1.0, 200, [20, 30])
    runner.iterate(hook, 4.0, 400, [40, 50])
    assert runner.logged('tokens_per_second') == 800 / 5
    assert runner.logged('supervised_tokens_per_second') == 160 / 5
    assert runner.logged('epoch') == 3 / 8


def test_peak_memory_is_of_the_fullest_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    other = torch.tensor([1.0, 1.0, 3.0], dtype=torch.float64)
    monkeypatch.setattr(hooks, 'all_gather', lambda mine: [other, mine])
    monkeypatch.setattr(hooks, 'peak_memory', lambda: 2 * 2**30)
    runner, hook = Runner('memory', model=None), TrainingMetricsHook()
    hook.before_train(runner)
    runner.iterate(hook, 1.0, 1, [1, 1])
    assert runner.logged('peak_memory') == 3.0


def test_peak_memory_of_a_process_grows_with_what_it_keeps() -> None:
    before = hooks.peak_memory()
    kept = torch.ones(before // 4 + 2**26)
    assert hooks.peak_memory() - before > kept.nbytes / 8


def engine(micro_steps: int, norm: float | None) -> Any:
    return SimpleNamespace(
        micro_steps=micro_steps,
        gradient_accumulation_steps=lambda: 4,
        get_global_grad_norm=lambda: norm,
    )


@pytest.mark.parametrize(
    ('model', 'expected'),
    [(engine(3, 1.5), None), (engine(4, 1.5), 1.5), (engine(4, None), None), (None, None)],
)
def test_grad_norm_is_deepspeeds_of_the_step_just_made(model: Any, expected: float | None) -> None:
    assert hooks.deepspeed_grad_norm(model) == expected
