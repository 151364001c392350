"""Models of other families than Llama's: what a refusal advises, followed to the letter, trains."""

from __future__ import annotations

import re
from ast import literal_eval
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import ConfigDict
from transformers import AutoModelForCausalLM
from transformers.models.auto import CONFIG_MAPPING
from xtuner.registry import BUILDER

from maskdpo_xtuner.training import mask_preference_collate_fn
from tests.preference_items import random_items

# Neither has a decoder where transformers 4.48 looks for it.
FAMILIES = ('falcon', 'gpt_neox')


def build(family: str, folder: Path) -> Any:
    shape = {'hidden_size': 32, 'intermediate_size': 64, 'num_hidden_layers': 2}
    config = CONFIG_MAPPING[family](vocab_size=1000, num_attention_heads=4, **shape)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    llm = {
        'type': 'transformers.AutoModelForCausalLM.from_pretrained',
        'pretrained_model_name_or_path': str(folder),
    }
    options = {'reference': 'model', 'use_activation_checkpointing': 0.5}
    return BUILDER.build(ConfigDict(type='MaskDPO', llm=llm, **options)).train()


def advised(refusal: str) -> dict[str, Any]:
    """The settings of a message, as ``--cfg-options`` would have them."""
    found = re.findall(r'([\w.]+)=(\w+)', refusal.partition('; set ')[2])
    return {key: literal_eval(value) for key, value in found}


@pytest.mark.parametrize('family', FAMILIES)
def test_the_advice_of_a_refusal_trains(family: str, tmp_path: Path) -> None:
    model, items, layout = build(family, tmp_path), random_items(1), {}
    try:
        model.compute_loss(**mask_preference_collate_fn(items))
    except ValueError as refusal:
        settings = advised(str(refusal))
        assert settings.pop('train_cfg.row_tokens', 0) is None
        prefix = 'train_dataloader.collate_fn.'
        assert settings == {f'{prefix}pack': False, f'{prefix}share_prompt': False}
        layout = {key.removeprefix(prefix): value for key, value in settings.items()}
    loss = model.compute_loss(**mask_preference_collate_fn(items, **layout))['loss']
    torch.testing.assert_close(loss, torch.full_like(loss, 0.6931472))
    loss.mean().backward()
    assert all(each.grad is not None for each in model.llm.parameters())
