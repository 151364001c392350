from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import HOOKS
from mmengine.runner.priority import get_priority

from maskdpo_xtuner.training import DisplacementHook, MeanOverRanksHook
from tests.xtuner_runs import ROOT


def warned_at(shifts: Sequence[float | None], **options: Any) -> list[int]:
    """Iterations after which the hook warns, of a training with these shifts."""
    hook = DisplacementHook(**options)
    at: list[int] = []
    runner = SimpleNamespace(iter=0)
    runner.logger = SimpleNamespace(warning=lambda message: at.append(runner.iter))
    for runner.iter, shift in enumerate(shifts):
        outputs = {} if shift is None else {'token_logps/chosen_shift': torch.tensor(shift)}
        hook.after_train_iter(runner, runner.iter, outputs=outputs)
    return at


@pytest.mark.parametrize(
    ('shifts', 'expected'),
    [
        ([-0.2] * 2, []),
        ([-0.2] * 3, [2]),
        ([-0.2, -0.2, 0.0, -0.2, -0.2], []),
        ([0.1, -0.13, -0.15, -0.3], [3]),
        ([-0.125] * 9, []),
        ([None] * 9, []),
    ],
    ids=['too few', 'enough', 'interrupted', 'falling', 'at the limit', 'no reference'],
)
def test_it_warns_when_the_chosen_stay_below_for_some_iterations(
    shifts: Sequence[float | None], expected: list[int]
) -> None:
    assert warned_at(shifts, chosen_shift_below=-0.125, iterations=3) == expected


def test_warnings_are_some_iterations_apart() -> None:
    options = {'chosen_shift_below': -0.1, 'iterations': 2, 'repeat_after': 5}
    assert warned_at([-0.2] * 12, **options) == [1, 6, 11]
    recovered = [-0.2, -0.2, 0.1, *[-0.2] * 6]
    assert warned_at(recovered, **options) == [1, 6]


def test_the_warning_names_what_it_is_and_what_to_do() -> None:
    said: list[str] = []
    runner = SimpleNamespace(iter=0, logger=SimpleNamespace(warning=said.append))
    outputs = {'token_logps/chosen_shift': torch.tensor(-0.25)}
    DisplacementHook(iterations=1).after_train_iter(runner, 0, outputs=outputs)
    (message,) = said
    assert message.startswith('likelihood displacement: for 1 iterations')
    assert 'token_logps/chosen_shift is -0.250, the limit -0.05 nats a token' in message
    for remedy in ('loss_options=dict(nll=1.0)', 'optimizer.lr', 'model.beta'):
        assert remedy in message


def test_it_is_in_every_config_and_sees_the_mean_over_ranks() -> None:
    config = Config.fromfile(ROOT / 'configs/_base_/default_runtime.py')
    hook = HOOKS.build(config.default_hooks.displacement)
    assert isinstance(hook, DisplacementHook)
    assert get_priority(MeanOverRanksHook.priority) < get_priority(hook.priority)


def test_settings_without_meaning_are_refused() -> None:
    with pytest.raises(ValueError, match='must be positive'):
        DisplacementHook(iterations=0)
