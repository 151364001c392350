"""Every training config, with a small model and a few pairs in their place, takes two steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from tests.models import tiny_llama, tiny_qwen3
from tests.preference_pairs import released_pair
from tests.tokenizers import tokenizer_folder

CONFIGS = Path(__file__).parents[2] / 'configs'
TRAINING = sorted(
    path.relative_to(CONFIGS)
    for path in CONFIGS.rglob('*.py')
    if not {'_base_', 'data', 'evaluation', 'rounds'} & set(path.relative_to(CONFIGS).parts)
)


@pytest.fixture(scope='module')
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """A model whose template takes no variables, and one that can be told not to think."""
    folder = tmp_path_factory.mktemp('models')
    return {
        False: tiny_llama(folder / 'llama', tokenizer_folder('smollm2')),
        True: tiny_qwen3(folder / 'qwen3', tokenizer_folder('qwen')),
    }


def small(path: Path, models: dict[bool, Path], folder: Path) -> Config:
    """The config with the model, the pairs and the sizes of this test.

    Nothing else is changed, except that no weights are quantized where there is no GPU.
    """
    pairs = folder / 'pairs.jsonl'
    lines = [json.dumps(released_pair(question=f'What is element {i}?')) for i in range(4)]
    pairs.write_text('\n'.join(lines))
    cfg = Config.fromfile(CONFIGS / path)
    if not torch.cuda.is_available():
        cfg.model.llm.pop('quantization_config', None)
    model = models['template_kwargs' in cfg.train_dataloader.dataset]
    cfg.merge_from_dict(
        {
            'work_dir': str(folder),
            'model.llm.pretrained_model_name_or_path': str(model),
            'model.llm.torch_dtype': 'torch.float32',
            'tokenizer.pretrained_model_name_or_path': str(model),
            'train_dataloader.dataset.dataset.path': str(pairs),
            'train_dataloader.batch_size': 2,
            'optim_wrapper.accumulative_counts': 1,
            'train_cfg.max_epochs': 1,
            'train_cfg.sample_every': 0,
        }
    )
    held_out = cfg.train_dataloader.dataset.dataset.get('held_out')
    if held_out:
        cfg.train_dataloader.dataset.dataset.held_out = 0.0
        for key in ('val_dataloader', 'val_cfg', 'val_evaluator'):
            cfg.pop(key)
        cfg.train_cfg.pop('val_interval')
    return cfg


@pytest.mark.slow
@pytest.mark.parametrize('path', TRAINING, ids=str)
def test_it_takes_two_steps(path: Path, models: dict[bool, Path], tmp_path: Path) -> None:
    runner = Runner.from_cfg(small(path, models, tmp_path))
    start = {name: value.clone() for name, value in runner.model.state_dict().items()}
    runner.train()
    assert runner.iter == 2
    trained = runner.model.state_dict()
    assert any(not torch.equal(trained[name], value) for name, value in start.items())
    assert all(value.isfinite().all() for value in trained.values())
