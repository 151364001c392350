from __future__ import annotations

from typing import Any

import pytest
import torch
from mmengine.optim import LinearLR
from mmengine.registry import PARAM_SCHEDULERS

from maskdpo_xtuner.training import WarmupLR
from maskdpo_xtuner.training.distributed import first_rank_first
from maskdpo_xtuner.training.schedulers import stretch
from tests.xtuner_runs import ROOT


def rates(schedulers: list[dict[str, Any]], epoch_length: int, epochs: int) -> list[float]:
    """The learning rate of each iteration, 1 being the full rate."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    built = [
        PARAM_SCHEDULERS.build(
            scheduler, default_args={'optimizer': optimizer, 'epoch_length': epoch_length}
        )
        for scheduler in schedulers
    ]
    seen = []
    for _ in range(epoch_length * epochs):
        seen.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        for scheduler in built:
            scheduler.step()
    return seen


def paper_schedule() -> list[dict[str, Any]]:
    from mmengine.config import Config

    config = Config.fromfile(ROOT / 'configs/_base_/schedules/adamw_cosine_3e.py')
    found: list[dict[str, Any]] = config.param_scheduler
    return found


@pytest.mark.parametrize('epoch_length', [1, 4, 11, 12, 22, 23, 500])
def test_data_of_any_size_is_trained_at_the_full_rate(epoch_length: int) -> None:
    seen = rates(paper_schedule(), epoch_length, epochs=3)
    assert seen[0] == pytest.approx(1e-5)
    assert max(seen) > 0.74
    assert seen[-1] < 0.3


def test_a_warm_up_of_enough_iterations_is_mmengines() -> None:
    warmup = {'start_factor': 1e-5, 'by_epoch': True, 'begin': 0, 'end': 0.09}
    warmup['convert_to_iter_based'] = True
    ours = rates([{'type': WarmupLR, **warmup}], epoch_length=100, epochs=1)
    assert ours == rates([{'type': LinearLR, **warmup}], epoch_length=100, epochs=1)


@pytest.mark.parametrize(
    ('local_rank', 'expected'), [('0', ['block', 'barrier']), ('1', ['barrier', 'block'])]
)
def test_the_first_process_of_a_machine_works_before_the_others(
    local_rank: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    events = []
    dist = torch.distributed
    monkeypatch.setattr(dist, 'is_initialized', lambda: True)
    monkeypatch.setattr(dist, 'new_group', lambda **options: options['backend'])
    monkeypatch.setattr(dist, 'monitored_barrier', lambda *args: events.append('barrier'))
    monkeypatch.setenv('LOCAL_RANK', local_rank)
    with first_rank_first():
        events.append('block')
    assert events == expected


@pytest.mark.parametrize('epochs', [1, 2, 3, 6, 7])
def test_a_schedule_in_epochs_is_stretched_to_the_training(epochs: int) -> None:
    seen = rates(stretch(paper_schedule(), epochs), epoch_length=100, epochs=epochs)
    warmup = 3 * epochs  # 3 % of the iterations
    assert seen.index(max(seen)) == pytest.approx(warmup, abs=1)
    half = warmup + (100 * epochs - warmup) // 2
    assert seen[half] == pytest.approx(0.5, abs=0.01)
    assert seen[-1] < 1e-3


def test_what_is_as_long_as_the_training_or_counts_iterations_is_left_alone() -> None:
    schedule = paper_schedule()
    assert stretch(schedule, 3) is schedule
    iterations = [{'type': 'CosineAnnealingLR', 'by_epoch': False, 'end': 10}]
    assert stretch(iterations, 6) is iterations
    assert stretch([], 6) == []
    assert stretch(None, 6) is None
