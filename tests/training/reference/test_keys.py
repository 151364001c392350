from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from datasets import Dataset
from mmengine.config import ConfigDict
from transformers import AutoConfig, AutoModelForCausalLM

from maskdpo_xtuner.batches import mask_preference_collate_fn
from maskdpo_xtuner.training.reference import keys
from maskdpo_xtuner.training.reference.keys import describe, hash_of, key_parts
from maskdpo_xtuner.training.reference.precision import Precision
from tests.models import tiny_llama
from tests.training.reference.runners import LORA, model_config

PAIRS = Dataset.from_dict({'chosen_ids': [[1]]})
COLLATE = mask_preference_collate_fn


def key(model: ConfigDict, pairs: Dataset = PAIRS, **precision: Any) -> str:
    return hash_of(describe(key_parts(pairs, model, Precision(**precision), COLLATE)))


def test_the_key_of_the_same_is_the_same(tiny_model: Path) -> None:
    assert key(model_config(tiny_model)) == key(model_config(tiny_model))


@pytest.mark.parametrize(
    'options',
    [
        {'beta': 0.5},
        {'loss_type': 'ipo'},
        {'label_smoothing': 0.1},
        {'use_activation_checkpointing': False},
        {'logits': {'chunk_size': 7}},
        {'reference': 'cached'},
    ],
)
def test_what_the_reference_does_not_depend_on_keeps_the_key(
    tiny_model: Path, options: dict[str, Any]
) -> None:
    assert key(model_config(tiny_model, **options)) == key(model_config(tiny_model))


def test_adapters_do_not_matter_beyond_that_there_are_some(tiny_model: Path) -> None:
    with_lora = key(model_config(tiny_model, lora=LORA))
    assert with_lora == key(model_config(tiny_model, lora={**LORA, 'r': 64}))
    # XTuner holds the base of LoRA in fp32.
    assert with_lora != key(model_config(tiny_model))


@pytest.mark.parametrize(
    'options',
    [
        {'dtype': 'bfloat16'},
        {'max_position_embeddings': 4096},
        {'logits': {'fp32': True}},
        {'tokenizer': {'type': 'transformers.AutoTokenizer.from_pretrained'}},
    ],
)
def test_another_reference_model_has_another_key(tiny_model: Path, options: Any) -> None:
    assert key(model_config(tiny_model, **options)) != key(model_config(tiny_model))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_another_precision_of_the_training_has_another_key(
    tiny_model: Path, dtype: torch.dtype
) -> None:
    model = model_config(tiny_model)
    assert len({key(model), key(model, cast=dtype), key(model, autocast=dtype)}) == 3


def test_other_data_has_another_key(tiny_model: Path) -> None:
    others = Dataset.from_dict({'chosen_ids': [[2]]})
    assert key(model_config(tiny_model), others) != key(model_config(tiny_model))


def test_other_weights_have_another_key_and_their_place_does_not_matter(
    tiny_model: Path, smollm2: Path, tmp_path: Path
) -> None:
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    folder = tiny_llama(tmp_path / 'model', smollm2)
    assert key(model_config(folder)) == key(model_config(tiny_model))
    with torch.no_grad():
        model.get_input_embeddings().weight[0, 0] += 1
    model.save_pretrained(folder)
    assert key(model_config(folder)) != key(model_config(tiny_model))


def test_the_reference_of_the_config_is_the_one_that_counts(
    tiny_model: Path, smollm2: Path, tmp_path: Path
) -> None:
    other = tiny_llama(tmp_path / 'other', smollm2, num_hidden_layers=1)
    ref_llm = model_config(tiny_model)['llm']
    with_reference = model_config(other, ref_llm=ref_llm, lora=LORA)
    assert key(with_reference) == key(model_config(tiny_model))


def test_weights_in_a_subfolder_are_those_that_count(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / 'model' / 'inner')
    config = model_config(tmp_path / 'model')
    config['llm']['subfolder'] = 'inner'
    first = key(config)
    (tmp_path / 'model' / 'README.md').write_text('No part of the model.')
    assert key(config) == first
    (tmp_path / 'model' / 'inner' / 'config.json').write_text('{}')
    assert key(config) != first


def test_a_model_of_the_hub_counts_by_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    config = model_config(Path('org/model'))

    def parts(commit: str | None) -> dict[str, Any]:
        found = SimpleNamespace(_commit_hash=commit)
        monkeypatch.setattr(AutoConfig, 'from_pretrained', lambda name, **options: found)
        return key_parts(PAIRS, config, Precision(), COLLATE)

    assert parts('c0ffee')['weights'] == 'org/model@c0ffee'
    with pytest.raises(ValueError, match='org/model: its commit is not known'):
        parts(None)


def test_other_code_has_another_key(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(model_config(tiny_model))
    monkeypatch.setattr(keys, 'code_digest', lambda files: str(sorted(files)))
    assert key(model_config(tiny_model)) != before


def test_the_code_of_a_collate_function_of_ones_own_counts(tiny_model: Path) -> None:
    def own(items: Any) -> Any:
        return mask_preference_collate_fn(items)

    config = model_config(tiny_model)
    others = key_parts(PAIRS, config, Precision(), own)
    assert others['code'] != key_parts(PAIRS, config, Precision(), COLLATE)['code']


def test_types_may_be_given_as_objects(tiny_model: Path) -> None:
    model = model_config(tiny_model)
    model['llm'].update(type=AutoModelForCausalLM.from_pretrained, torch_dtype=torch.float32)
    description = describe(key_parts(PAIRS, model, Precision(), COLLATE))
    assert '_BaseAutoModelClass.from_pretrained' in description
    assert ' at 0x' not in description
