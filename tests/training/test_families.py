"""Models of other families than Llama's: what a refusal advises, followed to the letter, trains."""

from __future__ import annotations

import re
from ast import literal_eval
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config
from torch import Tensor
from transformers import AutoModelForCausalLM
from transformers.models.auto import CONFIG_MAPPING
from xtuner.registry import BUILDER

from maskdpo_xtuner.modeling.versions import ALL_MASK_ATTENTION_FUNCTIONS
from maskdpo_xtuner.training import mask_preference_collate_fn
from tests.preference_items import random_items

newer = pytest.mark.skipif(ALL_MASK_ATTENTION_FUNCTIONS is None, reason='transformers < 4.53')
FAMILIES = (
    *('falcon', 'gpt_neox'),  # neither has a decoder where transformers 4.48 looks for it
    'gemma2',  # caps the scores of its attention
    pytest.param('gpt_oss', marks=newer),  # has sinks
    pytest.param('modernbert-decoder', marks=newer),  # what it calls its decoder is its head
)
SHAPE = {
    'vocab_size': 1000,
    'hidden_size': 32,
    'intermediate_size': 64,
    'num_hidden_layers': 2,
    'num_attention_heads': 4,
    'pad_token_id': 0,
}
MORE: dict[str, dict[str, int]] = {
    'gemma2': {'head_dim': 8, 'num_key_value_heads': 2},
    'gpt_oss': {'head_dim': 8, 'num_key_value_heads': 2, 'num_local_experts': 4},
}


def save(family: str, folder: Path) -> None:
    config = CONFIG_MAPPING[family](**SHAPE, **MORE.get(family, {}))
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)


def first_loss(folder: Path, settings: dict[str, Any]) -> tuple[Any, Tensor]:
    """The model of a training with these ``--cfg-options``, and the loss of its first batch."""
    llm = {
        'type': 'transformers.AutoModelForCausalLM.from_pretrained',
        'pretrained_model_name_or_path': str(folder),
    }
    model = {'type': 'MaskDPO', 'llm': llm, 'reference': 'model'}
    config = Config({'model': {**model, 'use_activation_checkpointing': 0.5}})
    config.merge_from_dict({'train_cfg.row_tokens': 4096, 'train_dataloader.collate_fn': {}})
    config.merge_from_dict(settings)
    layout = config.train_dataloader.collate_fn
    assert layout.get('pack', True) or config.train_cfg.row_tokens is None
    batch = mask_preference_collate_fn(random_items(1), **layout)
    built = BUILDER.build(config.model).train()
    return built, built.compute_loss(**batch)['loss']


def advised(refusal: str) -> dict[str, Any]:
    """The settings of a message, as ``--cfg-options`` would have them."""
    found = re.findall(r"([\w.]+)=('?\w+'?)", refusal.partition('; set ')[2])
    return {key: literal_eval(value) for key, value in found}


@pytest.mark.parametrize('family', FAMILIES)
def test_the_advice_of_a_refusal_trains(family: str, tmp_path: Path) -> None:
    save(family, tmp_path)
    settings: dict[str, Any] = {}
    while True:  # A refusal may stand before another one.
        try:
            model, loss = first_loss(tmp_path, settings)
            break
        except ValueError as refusal:
            advice = advised(str(refusal))
            if advice.items() <= settings.items():  # none, or what was followed already
                raise
            settings |= advice
    torch.testing.assert_close(loss, torch.full_like(loss, 0.6931472))
    loss.mean().backward()
    assert all(each.grad is not None for each in model.llm.parameters())
