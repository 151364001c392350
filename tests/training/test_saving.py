from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

from maskdpo_xtuner.training.saving import mend_generation_config
from tests.training.test_model import build


@pytest.fixture
def model() -> Any:
    shape = {'hidden_size': 8, 'intermediate_size': 8, 'num_hidden_layers': 1}
    return LlamaForCausalLM(LlamaConfig(vocab_size=10, num_attention_heads=1, **shape))


@pytest.mark.parametrize('setting', [{'temperature': 0.6}, {'top_p': 0.9}, {'top_k': 20}])
def test_a_model_that_samples_without_do_sample_can_be_saved(
    model: Any, setting: dict[str, Any], tmp_path: Path
) -> None:
    model.generation_config.update(**setting)
    with pytest.raises(ValueError, match='do_sample'):
        model.save_pretrained(tmp_path / 'refused')
    mend_generation_config(model)
    model.save_pretrained(tmp_path / 'saved')
    saved = GenerationConfig.from_pretrained(tmp_path / 'saved').to_dict()
    assert saved['do_sample']
    assert setting.items() <= saved.items()


def test_one_that_can_be_saved_is_left_as_it_is(model: Any) -> None:
    before = model.generation_config.to_dict()
    mend_generation_config(model)
    assert model.generation_config.to_dict() == before


def test_what_cannot_be_mended_is_told_before_the_training(model: Any) -> None:
    model.generation_config.num_return_sequences = 4
    model.generation_config.num_beams = 2
    with pytest.raises(ValueError, match=r'generation_config\.json of the base model .* correct'):
        mend_generation_config(model)


def test_the_policy_is_mended_as_it_is_built(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / 'model'
    folder.mkdir()
    for file in tiny_model.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / 'generation_config.json').write_text('{"temperature": 0.6}')
    assert build(folder).llm.generation_config.do_sample
