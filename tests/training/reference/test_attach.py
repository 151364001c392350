from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import AutoTokenizer
from xtuner.registry import BUILDER

from maskdpo_xtuner.modeling.forward import supervised_logps
from maskdpo_xtuner.training import cache, mask_preference_collate_fn
from maskdpo_xtuner.training.reference import attach, attach_reference
from maskdpo_xtuner.training.reference.computing import ReferenceModel
from maskdpo_xtuner.training.reference.store import LogpStore
from tests.training.reference.runners import LORA, dataset, model_config, runner

BLOCK = 4


@pytest.fixture(scope='module')
def tokenizer(smollm2: Path) -> Any:
    return AutoTokenizer.from_pretrained(smollm2)


@pytest.fixture
def pairs(tokenizer: Any) -> Dataset:
    return dataset(tokenizer)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    def store(folder: Path, key: str, num_pairs: int) -> LogpStore:
        return LogpStore(folder, key, num_pairs, BLOCK)

    monkeypatch.setattr(attach, 'LogpStore', store)


@pytest.fixture
def forwards(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The places of the pairs of each block that the reference model runs over."""
    seen: list[list[str]] = []
    run = ReferenceModel.logps

    def logps(self: ReferenceModel, items: Any) -> Any:
        seen.append([item['place'] for item in items])
        return run(self, items)

    monkeypatch.setattr(ReferenceModel, 'logps', logps)
    return seen


def block_files(cache: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in cache.glob('**/reference/*/*.arrow')}


def joined(pairs: Dataset, folder: Path, **options: Any) -> Dataset:
    return attach_reference(pairs, runner(folder, **options), mask_preference_collate_fn)


def test_items_are_the_same_with_one_value_a_supervised_token(
    pairs: Dataset, tiny_model: Path
) -> None:
    items = joined(pairs, tiny_model)
    assert len(items) == len(pairs) == 8  # Two of ten were dropped.
    for item, before in zip(items, pairs, strict=True):
        for side in ('chosen', 'rejected'):
            values = item.pop(f'{side}_reference_logps')
            assert len(values) == sum(label != -100 for label in item[f'{side}_labels'])
            assert all(value < 0 for value in values)
        assert item == before


def moved(model: Any) -> Any:
    """The model in training mode after its policy has moved away from the reference."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.llm.named_parameters():
            if not model.use_lora or 'lora_' in name:
                parameter.add_(0.05 * torch.randn_like(parameter))
    return model.train()


@pytest.mark.parametrize('options', [{}, {'lora': LORA}, {'loss_type': 'ipo'}])
def test_loss_and_gradients_are_those_of_the_reference_model(
    pairs: Dataset, tiny_model: Path, options: dict[str, Any]
) -> None:
    batch = mask_preference_collate_fn(list(joined(pairs, tiny_model, **options)))
    results = []
    for reference in ('cached', 'model'):
        torch.manual_seed(0)
        model = moved(BUILDER.build(model_config(tiny_model, reference=reference, **options)))
        loss = model.compute_loss(**batch)['loss']
        loss.mean().backward()
        named = model.llm.named_parameters()
        gradients = {name: value.grad for name, value in named if value.requires_grad}
        results.append({'loss': loss.detach(), **gradients})
    cached, plain = results
    assert cached['loss'].std() > 0
    torch.testing.assert_close(cached, plain, rtol=1e-5, atol=1e-6)


def test_exact_values_in_the_batch_give_exactly_the_plain_loss(
    pairs: Dataset, tiny_model: Path
) -> None:
    """In fp64, which the files do not hold."""
    data = mask_preference_collate_fn(list(pairs))['data']
    plain = moved(BUILDER.build(model_config(tiny_model, reference='model')).double())
    cached = moved(BUILDER.build(model_config(tiny_model, reference='cached')).double())
    start = BUILDER.build(model_config(tiny_model)).double().eval()
    with torch.no_grad():
        exact = supervised_logps(start.llm, data, start.logits)
    losses = []
    for model, batch in ((plain, data), (cached, {**data, 'reference_logps': exact})):
        loss = model.compute_loss(batch)['loss']
        loss.mean().backward()
        losses.append({name: value.grad for name, value in model.llm.named_parameters()})
        losses[-1]['loss'] = loss.detach()
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-9, atol=1e-12)


def test_the_second_time_nothing_is_computed(
    pairs: Dataset, tiny_model: Path, forwards: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = joined(pairs, tiny_model)
    assert forwards == [pairs['place'][:4], pairs['place'][4:]]
    monkeypatch.setattr(attach, 'ReferenceModel', None)
    assert joined(pairs, tiny_model, beta=0.7).to_list() == first.to_list()


@pytest.mark.parametrize('world_size', [2, 3])
def test_the_number_of_processes_does_not_change_the_files(
    tokenizer: Any,
    tiny_model: Path,
    datasets_cache: Path,
    forwards: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    world_size: int,
) -> None:
    pairs = dataset(tokenizer, count=20)
    alone = joined(pairs, tiny_model).to_list()
    files = block_files(datasets_cache)
    assert len(files) == len(forwards) == 5
    for path in datasets_cache.glob('**/reference/*/*.arrow'):
        path.unlink()
    monkeypatch.setattr(attach, 'get_world_size', lambda: world_size)
    for rank in range(world_size):
        monkeypatch.setattr(attach, 'get_rank', lambda rank=rank: rank)
        if rank < world_size - 1:
            # No other process fills the rest meanwhile.
            with pytest.raises(ValueError, match='blocks cannot be used'):
                joined(pairs, tiny_model)
    assert joined(pairs, tiny_model).to_list() == alone
    assert block_files(datasets_cache) == files
    assert sorted(forwards[:5]) == sorted(forwards[5:])


def test_a_pass_that_was_interrupted_goes_on_where_it_was(
    tokenizer: Any, tiny_model: Path, forwards: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = dataset(tokenizer, count=20)
    write = LogpStore.write

    def interrupted(self: LogpStore, block: int, rows: Any) -> None:
        if block == 2:
            raise KeyboardInterrupt
        write(self, block, rows)

    monkeypatch.setattr(LogpStore, 'write', interrupted)
    with pytest.raises(KeyboardInterrupt):
        joined(pairs, tiny_model)
    monkeypatch.setattr(LogpStore, 'write', write)
    del forwards[:]
    joined(pairs, tiny_model)
    places = pairs['place'][:]
    assert forwards == [places[8:12], places[12:16], places[16:]]


def test_a_damaged_block_is_computed_again_and_said(
    pairs: Dataset,
    tiny_model: Path,
    datasets_cache: Path,
    forwards: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = joined(pairs, tiny_model).to_list()
    (path,) = datasets_cache.glob('**/00001.arrow')
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes(4) + content[104:])
    del forwards[:]
    said: list[str] = []
    monkeypatch.setattr(attach, 'print_log', lambda message, **_: said.append(message))
    assert joined(pairs, tiny_model).to_list() == first
    assert forwards == [pairs['place'][4:]]
    warning, summary = said
    assert warning == f'{path} is damaged; it is computed again'
    assert '4 computed, 4 reused' in summary


@pytest.mark.parametrize('change', ['template', 'pairs', None])
def test_a_cache_is_of_one_template_and_one_set_of_pairs(
    smollm2: Path, tiny_model: Path, datasets_cache: Path, change: str | None
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    joined(dataset(tokenizer), tiny_model)
    if change == 'template':
        tokenizer.chat_template += '\n'
    joined(dataset(tokenizer, count=9 if change == 'pairs' else 10), tiny_model)
    folders = list(datasets_cache.glob('**/reference/*'))
    assert len(folders) == (1 if change is None else 2)


def test_the_reference_model_is_gone_afterwards(
    pairs: Dataset, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Callable[[], Any]] = []

    def build(*arguments: Any) -> ReferenceModel:
        reference = ReferenceModel(*arguments)
        built.append(weakref.ref(reference.model))
        return reference

    monkeypatch.setattr(attach, 'ReferenceModel', build)
    joined(pairs, tiny_model)
    gc.collect()
    assert [reference() for reference in built] == [None]


def test_data_that_is_no_dataset_of_datasets_is_refused(tiny_model: Path) -> None:
    with pytest.raises(ValueError, match=r"datasets\.Dataset.*model\.reference='model'"):
        attach_reference([], runner(tiny_model), mask_preference_collate_fn)


def test_a_cache_that_cannot_be_written_is_read_and_what_it_lacks_goes_to_ones_own(
    pairs: Dataset,
    tiny_model: Path,
    datasets_cache: Path,
    forwards: list[list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = joined(pairs, tiny_model)
    del forwards[:]
    monkeypatch.setenv('MASKDPO_CACHE', str(tmp_path / 'own'))
    for module in (cache, attach):
        monkeypatch.setattr(module, 'may_write', lambda folder: 'own' in folder.parts)
    before = block_files(datasets_cache)
    assert joined(pairs, tiny_model)[:] == first[:]
    assert not forwards
    next(datasets_cache.glob('**/reference/*/00001.arrow')).unlink()
    assert joined(pairs, tiny_model)[:] == first[:]
    assert [len(block) for block in forwards] == [4, 4]
    assert set(block_files(datasets_cache)) < set(before)
    assert block_files(tmp_path / 'own') == before
