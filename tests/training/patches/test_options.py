from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from maskdpo_xtuner.training.data.configured import load_training_config
from tests.xtuner_runs import ROOT

CONFIG = ROOT / 'configs/smollm2_135m_maskdpo.py'
PATH = 'train_dataloader.dataset.dataset.path'


def configured(monkeypatch: pytest.MonkeyPatch, *options: str) -> Any:
    """The config as a command line with these options gives it."""
    monkeypatch.setattr('sys.argv', ['train.py', str(CONFIG), '--cfg-options', *options])
    return load_training_config(CONFIG, options)


@pytest.mark.parametrize('name', ['a,b.jsonl', 'a b.jsonl'])
def test_the_path_of_a_file_is_taken_as_it_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / name
    file.touch()
    cfg = configured(monkeypatch, f'{PATH}={file}')
    assert cfg.train_dataloader.dataset.dataset.path == str(file)


def test_lists_and_numbers_stay_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = configured(monkeypatch, f'{PATH}=a.jsonl,b.jsonl', 'model.beta=0.2')
    assert cfg.train_dataloader.dataset.dataset.path == ['a.jsonl', 'b.jsonl']
    assert cfg.model.beta == 0.2


@pytest.mark.parametrize(
    ('option', 'hint'),
    [
        ('max_epochs=1', r'max_epochs: .*; did you mean train_cfg\.max_epochs\?'),
        ('lr=1e-3', r'lr: .*; did you mean optim_wrapper\.optimizer\.lr\?'),
        ('modle.beta=0.2', r'modle\.beta: .*; did you mean model\.beta'),
        ('zzz=1', 'zzz: nothing reads this setting$'),
    ],
)
def test_a_setting_that_nothing_reads_is_named_with_the_one_that_was_meant(
    option: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=f'--cfg-options {hint}'):
        configured(monkeypatch, option)


def test_settings_that_the_config_leaves_out_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = configured(monkeypatch, 'val_cfg.type=MaskDPOValLoop', 'auto_scale_lr.enable=False')
    assert cfg.val_cfg.type == 'MaskDPOValLoop'


def test_other_configs_are_merged_as_ever() -> None:
    cfg = Config({'sampling': {}})
    cfg.merge_from_dict({'max_epochs': 1})
    assert cfg.max_epochs == 1


@pytest.mark.parametrize(
    'backend', ['WandbVisBackend', 'swanlab.integration.mmengine.SwanlabVisBackend']
)
def test_another_tracker_is_one_option(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = configured(monkeypatch, f'visualizer.vis_backends.1.type={backend}')
    assert [each.type for each in cfg.visualizer.vis_backends] == ['LocalVisBackend', backend]
