"""A LoRA adapter over its base: the answers of the merged model, and an identity of its own."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.engines.base import Completion, Request, Sampling
from maskdpo_xtuner.engines.model_files import check_model
from maskdpo_xtuner.engines.transformers import TransformersEngine
from maskdpo_xtuner.evaluation.perplexity import PerplexityScorer
from maskdpo_xtuner.records import Message
from tests.models import tiny_llama
from tests.tokenizers import tokenizer_folder

REQUEST = Request((Message(role='user', content='What is tin?'),), Sampling(12, 0.0), seed=1)


@pytest.fixture(scope='module')
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A base, an adapter over it that changes it much, and both merged."""
    import torch

    from maskdpo_xtuner.engines.triton_ops import supply_triton_ops

    supply_triton_ops()
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    root = tmp_path_factory.mktemp('models')
    base = tiny_llama(root / 'base', tokenizer_folder('smollm2'))
    torch.manual_seed(1)
    model: Any = AutoModelForCausalLM.from_pretrained(base, torch_dtype=torch.float32)
    config = LoraConfig(r=4, lora_alpha=64, target_modules=['q_proj', 'v_proj', 'down_proj'])
    adapted: Any = get_peft_model(model, config)
    for name, parameter in adapted.named_parameters():
        if 'lora_B' in name:
            torch.nn.init.normal_(parameter)
    adapted.save_pretrained(root / 'adapter')
    merged = tiny_llama(root / 'merged', tokenizer_folder('smollm2'))
    adapted.merge_and_unload().save_pretrained(merged)
    return {name: root / name for name in ('base', 'adapter', 'merged')}


def answer_of(folder: Path) -> str:
    engine = TransformersEngine(str(folder), device='cpu')
    (outcome,) = asyncio.run(engine.complete([REQUEST]))
    assert isinstance(outcome, Completion)
    return outcome.text


def test_an_adapter_answers_as_the_merged_model_and_not_as_its_base(
    folders: dict[str, Path],
) -> None:
    assert answer_of(folders['adapter']) == answer_of(folders['merged'])
    assert answer_of(folders['adapter']) != answer_of(folders['base'])


def test_an_adapter_gives_the_perplexity_of_the_merged_model(folders: dict[str, Path]) -> None:
    found = {
        name: PerplexityScorer(str(folder), device='cpu').score([('What is tin?', 'A metal.')])[0]
        for name, folder in folders.items()
    }
    assert found['adapter'].total == pytest.approx(found['merged'].total, rel=1e-4)
    assert found['adapter'].total != pytest.approx(found['base'].total, rel=1e-3)


def test_its_identity_changes_with_the_adapter_and_with_the_base(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    def revision(folder: Path) -> str:
        return TransformersEngine(str(folder)).identity['revision']

    changed = Path(shutil.copytree(folders['adapter'], tmp_path / 'adapter'))
    assert revision(changed) == revision(folders['adapter'])
    config = json.loads((changed / 'adapter_config.json').read_text())
    other = {**config, 'base_model_name_or_path': str(folders['merged'])}
    (changed / 'adapter_config.json').write_text(json.dumps(other))
    own, base = revision(changed).split('+')
    before, before_base = revision(folders['adapter']).split('+')
    assert own != before
    assert base != before_base == revision(folders['base'])


def test_another_engine_says_how_to_merge(folders: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match='LoRA adapter.*convert merge'):
        check_model(str(folders['adapter']))


def test_an_adapter_without_a_base_or_over_one_that_is_gone_is_refused(tmp_path: Path) -> None:
    config = tmp_path / 'adapter_config.json'
    config.write_text('{}')
    with pytest.raises(ValueError, match='base_model_name_or_path is missing'):
        TransformersEngine(str(tmp_path))
    config.write_text(json.dumps({'base_model_name_or_path': str(tmp_path / 'gone')}))
    with pytest.raises(ValueError, match='no such model folder; correct base_model_name_or_path'):
        TransformersEngine(str(tmp_path))
