"""A second stage: a training that goes on from a LoRA adapter, and its reference."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import init_empty_weights
from datasets import Dataset
from mmengine.config import ConfigDict
from torch import Tensor, nn
from xtuner.registry import BUILDER

from maskdpo_xtuner.batches import mask_preference_collate_fn
from maskdpo_xtuner.engines.adapters import is_adapter, merge
from maskdpo_xtuner.engines.model_files import load_causal_lm, model_source
from maskdpo_xtuner.modeling.forward import LogitsSettings, supervised_logps
from maskdpo_xtuner.training import MaskDPO
from maskdpo_xtuner.training.adapters import describe_adapter
from maskdpo_xtuner.training.checks import has_dropout
from maskdpo_xtuner.training.reference.computing import ReferenceModel
from maskdpo_xtuner.training.reference.keys import describe, hash_of, key_parts
from maskdpo_xtuner.training.reference.precision import Precision
from tests.preference_items import random_items
from tests.training.reference.runners import LORA, model_config

BASE = {'peft_reference': 'base'}
Logps = list[tuple[list[float], list[float]]]


@pytest.fixture(scope='module')
def adapter(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an adapter over the tiny model that changes it much."""
    folder: Path = tmp_path_factory.mktemp('adapter') / 'first'
    model = MaskDPO(**_arguments(tiny_model, lora={**LORA, 'lora_dropout': 0.1}))
    move(model.llm)
    model.to_hf(ConfigDict(), str(folder))
    return folder


def _arguments(folder: Path, **options: Any) -> dict[str, Any]:
    return {key: value for key, value in model_config(folder, **options).items() if key != 'type'}


def build(folder: Path, **options: Any) -> Any:
    """A `MaskDPO` that computes its reference at every step, without dropout."""
    return BUILDER.build(model_config(folder, **{'reference': 'model', **options})).eval()


def move(llm: nn.Module) -> None:
    """Change the adapter that is trained, always in the same way."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in llm.named_parameters():
            if 'lora_B.default' in name:
                weight.add_(torch.randn(weight.shape, generator=generator), alpha=0.3)


def batch() -> dict[str, Tensor]:
    data: dict[str, Tensor] = mask_preference_collate_fn(random_items(0))['data']
    return data


def logps_of(llm: Any) -> Tensor:
    with torch.no_grad():
        return supervised_logps(llm.eval(), batch(), LogitsSettings())


@pytest.fixture(scope='module')
def merged(adapter: Path, tiny_model: Path) -> Tensor:
    """What base and adapter together say, by way of another engine."""
    source = model_source(str(tiny_model), '', False)
    return logps_of(merge(load_causal_lm(source, 'float32', 'cpu'), str(adapter)))


def test_the_policy_starts_at_base_and_adapter_and_trains_the_adapter(
    tiny_model: Path, adapter: Path, merged: Tensor
) -> None:
    model = build(tiny_model, peft_model=str(adapter))
    torch.testing.assert_close(logps_of(model.llm), merged, rtol=1e-4, atol=1e-4)
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert trained == set(model.state_dict())
    assert all('lora_' in name and '.default.' in name for name in trained)


def test_the_reference_is_where_the_policy_starts_and_stays_there(
    tiny_model: Path, adapter: Path, merged: Tensor
) -> None:
    model = build(tiny_model, peft_model=str(adapter))
    at_start = model.compute_loss(batch())['loss']
    torch.testing.assert_close(at_start, torch.full_like(at_start, math.log(2)))
    move(model.llm)
    model.train()
    loss = model.compute_loss(batch())['loss']
    loss.mean().backward()
    assert not torch.allclose(loss, at_start)
    with_gradient = {name for name, value in model.named_parameters() if value.grad is not None}
    assert with_gradient == set(model.state_dict())
    with model._reference() as reference:
        torch.testing.assert_close(logps_of(reference), merged, rtol=1e-4, atol=1e-4)


def test_the_base_may_be_the_reference(tiny_model: Path, adapter: Path) -> None:
    model = build(tiny_model, peft_model=str(adapter), **BASE)
    expected = logps_of(load_causal_lm(model_source(str(tiny_model), '', False), 'float32', 'cpu'))
    with model._reference() as reference:
        torch.testing.assert_close(logps_of(reference), expected, rtol=1e-4, atol=1e-4)


def reference_logps(folder: Path, **options: Any) -> Tensor:
    config = model_config(folder, **options)
    rows: Logps = ReferenceModel(config, Precision(), mask_preference_collate_fn).logps(
        random_items(0)
    )
    return torch.tensor([value for row in rows for side in row for value in side])


def test_the_cached_reference_is_the_one_that_runs_at_every_step(
    tiny_model: Path, adapter: Path, merged: Tensor
) -> None:
    start = reference_logps(tiny_model, peft_model=str(adapter))
    # The rows are those of one batch: the same tokens in the same order.
    torch.testing.assert_close(start, merged, rtol=1e-4, atol=1e-4)
    base = reference_logps(tiny_model, peft_model=str(adapter), **BASE)
    torch.testing.assert_close(base, reference_logps(tiny_model, lora=LORA))
    assert not torch.allclose(base, start)


def key(folder: Path, **options: Any) -> str:
    pairs = Dataset.from_dict({'chosen_ids': [[1]]})
    config = model_config(folder, **options)
    parts = key_parts(pairs, config, Precision(), mask_preference_collate_fn)
    return hash_of(describe(parts))


def test_the_key_of_the_cache_has_the_adapter_by_its_content(
    tiny_model: Path, adapter: Path, tmp_path: Path
) -> None:
    plain, first = key(tiny_model, lora=LORA), key(tiny_model, peft_model=str(adapter))
    assert plain != first
    copy = Path(shutil.copytree(adapter, tmp_path / 'copy'))
    assert key(tiny_model, peft_model=str(copy)) == first
    config = json.loads((copy / 'adapter_config.json').read_text())
    (copy / 'adapter_config.json').write_text(json.dumps({**config, 'lora_alpha': 16}))
    assert key(tiny_model, peft_model=str(copy)) != first
    assert key(tiny_model, peft_model=str(adapter), **BASE) == plain
    ref_llm = model_config(tiny_model)['llm']
    other = {'ref_llm': ref_llm, 'lora': LORA}
    assert key(tiny_model, peft_model=str(adapter), **other) == key(tiny_model, **other)


def test_a_checkpoint_file_of_xtuner_has_the_same_reference(
    tiny_model: Path, adapter: Path, tmp_path: Path, merged: Tensor
) -> None:
    file = tmp_path / 'iter_8.pth'
    torch.save({'state_dict': build(tiny_model, peft_model=str(adapter)).state_dict()}, file)
    model = build(tiny_model, peft_model=str(file), lora=LORA)
    with model._reference() as reference:
        torch.testing.assert_close(logps_of(reference), merged, rtol=1e-4, atol=1e-4)
    assert key(tiny_model, peft_model=str(file), lora=LORA) != key(tiny_model, lora=LORA)


@pytest.mark.filterwarnings('ignore:.* copying from a non-meta parameter')
@pytest.mark.filterwarnings('ignore:Already found a .peft_config. attribute')
def test_it_is_written_as_one_adapter_that_names_its_base_from_anywhere(
    tiny_model: Path, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_model.parent)
    with init_empty_weights():
        meta = build(Path(tiny_model.name), peft_model=str(adapter))
    model = build(Path(tiny_model.name), peft_model=str(adapter))
    assert set(meta.state_dict()) == set(model.state_dict())
    folder = tmp_path / 'second'
    model.to_hf(ConfigDict(), str(folder), save_pretrained_kwargs={'safe_serialization': True})
    assert is_adapter(str(folder))
    assert not (folder / 'reference').exists()
    written = json.loads((folder / 'adapter_config.json').read_text())
    assert written['base_model_name_or_path'] == str(tiny_model)


def test_the_settings_are_the_adapters_but_for_its_dropout(tiny_model: Path, adapter: Path) -> None:
    model = build(tiny_model, peft_model=str(adapter))
    assert (model.llm.peft_config['default'].r, model.llm.peft_config['default'].lora_alpha) == (
        *(LORA['r'], LORA['lora_alpha']),
    )
    assert has_dropout(model.llm, lora=True)
    assert not has_dropout(model.llm)
    without = build(tiny_model, peft_model=str(adapter), lora={**LORA, 'lora_dropout': 0.0})
    assert not has_dropout(without.llm, lora=True)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'peft_model': 'nowhere'}, r'nowhere: model\.peft_model must be the folder of a LoRA'),
        ({'peft_model': 'BASE'}, 'must be the folder of a LoRA adapter'),
        ({'peft_model': 'ADAPTER', 'lora': {**LORA, 'r': 8}}, r'model\.lora\.r is 8, and 4 in'),
        ({'peft_model': 'ADAPTER', 'peft_reference': 'policy'}, "must be 'start' or 'base'"),
        ({'peft_model': __file__}, 'a checkpoint does not say which LoRA it is of'),
    ],
)
def test_what_cannot_be_trained_on_is_refused(
    tiny_model: Path, adapter: Path, options: dict[str, Any], message: str
) -> None:
    places = {'BASE': str(tiny_model), 'ADAPTER': str(adapter)}
    options['peft_model'] = places.get(options['peft_model'], options['peft_model'])
    with pytest.raises(ValueError, match=message):
        build(tiny_model, **options)


def test_an_adapter_of_another_shape_is_refused(
    smollm2: Path, adapter: Path, tmp_path: Path
) -> None:
    from tests.models import tiny_llama

    shapes: Iterator[dict[str, int]] = iter([{'hidden_size': 64}, {'num_hidden_layers': 1}])
    for number, shape in enumerate(shapes):
        other = tiny_llama(tmp_path / str(number), smollm2, **shape)
        with pytest.raises(ValueError, match='the adapter does not fit model.llm'):
            build(other, peft_model=str(adapter))


def test_what_the_reference_is_is_told() -> None:
    assert not list(describe_adapter({'lora': LORA}))
    (start,) = describe_adapter({'peft_model': 'first'})
    assert start.startswith('the adapter first is trained on; the reference is the base with this')
    (base,) = describe_adapter({'peft_model': 'first', **BASE})
    assert base.endswith('the reference is the base without it')
    (other,) = describe_adapter({'peft_model': 'first', 'ref_llm': {}})
    assert other.endswith('the reference is model.ref_llm')
