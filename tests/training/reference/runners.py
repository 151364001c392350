"""What the reference pass needs of mmengine's runner, and data for it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mmengine.config import Config, ConfigDict

from maskdpo_xtuner.training import build_mask_preference_dataset
from tests.preference_pairs import CORRECT, WRONG, released_pair

LORA = {'type': 'peft.LoraConfig', 'r': 4, 'lora_alpha': 8, 'task_type': 'CAUSAL_LM'}


def model_config(folder: Path, dtype: str = 'float32', **options: Any) -> ConfigDict:
    """Config of a `MaskDPO`."""
    llm = {
        'type': 'transformers.AutoModelForCausalLM.from_pretrained',
        'pretrained_model_name_or_path': str(folder),
        'torch_dtype': f'torch.{dtype}',
    }
    return ConfigDict(type='MaskDPO', llm=llm, **options)


def runner(folder: Path, **options: Any) -> SimpleNamespace:
    """A runner without DeepSpeed whose config has a `MaskDPO`."""
    cfg = {'model': model_config(folder, **options), 'optim_wrapper': {'type': 'OptimWrapper'}}
    return SimpleNamespace(cfg=Config(cfg))


def dataset(tokenizer: Any, count: int = 10) -> Any:
    """Pairs of several lengths as `MaskDPOTrainLoop` builds them; one in seven is dropped."""
    from datasets import Dataset

    pairs = [_pair(index) for index in range(count)]
    return build_mask_preference_dataset(Dataset.from_list(pairs), tokenizer, max_length=256)


def _pair(index: int) -> dict[str, Any]:
    chosen = (CORRECT,) * (1 + index % 3) + (WRONG,)
    return released_pair(chosen if index % 7 else (WRONG,), question=f'What is element {index}?')
