"""Trainings that ended well and did nothing, or something else: told before the first step."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner

from maskdpo_xtuner.training.checks import check_resumed, check_start, optimizer_steps
from tests.preference_pairs import WritePairs, released_pair
from tests.xtuner_runs import ROOT


def config(folder: Path, model: Path, pairs: Path, **changes: Any) -> Config:
    """The demo's config for a tiny model: eight pairs, one a batch, without answers to see."""
    found = Config.fromfile(ROOT / 'configs/smollm2_135m_maskdpo.py')
    for part in (found.model.llm, found.tokenizer):
        part.pretrained_model_name_or_path = str(model)
    found.merge_from_dict(
        {
            'train_dataloader.dataset.dataset.path': str(pairs),
            'train_dataloader.batch_size': 1,
            'train_cfg.max_epochs': 1,
            'train_cfg.sample_every': 0,
            'optim_wrapper.optimizer.lr': 1e-3,
            'work_dir': str(folder),
            **changes,
        }
    )
    found.visualizer.vis_backends = []
    found.experiment_name = f'{folder.name}'
    return found


@pytest.fixture
def pairs(write_pairs: WritePairs) -> Path:
    names = ('tin', 'lead', 'zinc', 'gold', 'iron', 'neon', 'argon', 'radon')
    return write_pairs([released_pair(question=f'What is {name}?') for name in names])


def train(folder: Path, model: Path, pairs: Path, **changes: Any) -> Runner:
    runner = Runner.from_cfg(config(folder, model, pairs, **changes))
    runner.train()
    return runner


@pytest.mark.parametrize(
    ('iterations', 'deepspeed', 'steps'), [(8, False, 1), (8, True, 0), (33, True, 2)]
)
def test_a_step_that_is_not_full_is_taken_by_mmengine_alone(
    iterations: int, deepspeed: bool, steps: int
) -> None:
    cfg = ConfigDict(optim_wrapper={'accumulative_counts': 16})
    if deepspeed:
        cfg.strategy = {'gradient_accumulation_steps': 16}
    assert optimizer_steps(iterations, cfg) == steps


def test_a_training_without_an_optimizer_step_is_refused(
    tiny_model: Path, pairs: Path, tmp_path: Path
) -> None:
    cfg = config(tmp_path / 'run', tiny_model, pairs)
    # What XTuner makes of --deepspeed, as far as the number of steps goes.
    runner = Runner.from_cfg(cfg)
    runner.cfg.strategy = {'gradient_accumulation_steps': 16}
    with pytest.raises(ValueError, match=r'has 8 batches, .* takes 16: no weight would change'):
        runner.build_train_loop(runner._train_loop)


@pytest.mark.parametrize('dtype', ['bfloat16', 'float16'])
def test_low_precision_weights_without_deepspeed_are_refused(
    tiny_model: Path, pairs: Path, tmp_path: Path, dtype: str
) -> None:
    changes = {'model.llm.torch_dtype': f'torch.{dtype}'}
    with pytest.raises(ValueError, match=rf'weights are {dtype}, .* --deepspeed zero2, which'):
        train(tmp_path / 'run', tiny_model, pairs, **changes)


def final_rate(runner: Runner) -> float:
    return float(max(runner.optim_wrapper.get_lr()['lr']))


def test_checkpoints_fall_on_optimizer_steps_and_resume_to_the_same_weights(
    tiny_model: Path, pairs: Path, tmp_path: Path
) -> None:
    changes = {'optim_wrapper.accumulative_counts': 4, 'default_hooks.checkpoint.interval': 1}
    straight = tmp_path / 'straight'
    runner = train(straight, tiny_model, pairs, **changes)
    assert sorted(path.name for path in straight.glob('*.pth')) == ['iter_4.pth', 'iter_8.pth']
    assert final_rate(runner) < 1e-4  # The schedule of three epochs ends with the one there is.
    resume = {'resume': True, 'load_from': str(straight / 'iter_4.pth')}
    train(tmp_path / 'resumed', tiny_model, pairs, **changes, **resume)
    weights, again = (
        torch.load(tmp_path / name / 'iter_8.pth', weights_only=False)['state_dict']
        for name in ('straight', 'resumed')
    )
    assert all(torch.equal(again[name], weights[name]) for name in weights)
    with pytest.raises(ValueError, match=r'ends after 8 iterations, this training after 16\. Res'):
        train(tmp_path / 'longer', tiny_model, pairs, **changes, **resume, **EPOCHS_2)


EPOCHS_2 = {'train_cfg.max_epochs': 2}


def resumed(iterations: int, end: int = 8) -> Any:
    loop = SimpleNamespace(iter=iterations, max_iters=8)
    cfg = ConfigDict(optim_wrapper={'accumulative_counts': 4})
    schedulers = [SimpleNamespace(end=2), SimpleNamespace(end=end)]
    return SimpleNamespace(train_loop=loop, cfg=cfg, param_schedulers=schedulers)


def test_a_checkpoint_between_two_optimizer_steps_is_refused() -> None:
    for good in (0, 4, 8):
        check_resumed(resumed(good))
    with pytest.raises(ValueError, match=r'after 6 iterations .* multiple of 4; .*StepCheckpoint'):
        check_resumed(resumed(6))


def test_a_schedule_that_ends_elsewhere_is_refused_unless_it_is_meant() -> None:
    check_resumed(resumed(0, end=24))
    check_resumed(resumed(4, end=24), to_the_end=False)
    with pytest.raises(ValueError, match='ends after 24 iterations, this training after 8'):
        check_resumed(resumed(4, end=24))


def start(shift: float, precision: torch.dtype = torch.float32) -> None:
    shifts = torch.tensor([[0.0, 0.0], [shift, 0.0]])
    check_start(shifts, torch.tensor([[50, 50], [50, 50]]), ['a:1', 'a:2'], precision)


def test_a_policy_that_is_not_at_its_reference_before_the_first_step_is_an_error() -> None:
    start(0.0)
    start(1e-3)
    start(0.5, torch.bfloat16)
    with pytest.raises(ValueError, match=r'a:2: before .* by 0\.01 a token \(1 of 2 pairs\)'):
        start(0.5)
    with pytest.raises(ValueError, match='a:2: '):
        start(2.0, torch.bfloat16)


def test_a_reference_of_other_weights_stops_the_training_before_its_first_step(
    tiny_model: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from maskdpo_xtuner.training.reference.computing import ReferenceModel

    computed = ReferenceModel.logps

    def of_another_model(self: ReferenceModel, items: Any) -> Any:
        return [([v + 0.01 for v in c], r) for c, r in computed(self, items)]

    monkeypatch.setattr(ReferenceModel, 'logps', of_another_model)
    with pytest.raises(ValueError, match=re.escape(f'{pairs}:') + r'\d: before the first step'):
        train(tmp_path / 'run', tiny_model, pairs)
