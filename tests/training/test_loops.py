from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from datasets import Dataset
from mmengine.config import Config, ConfigDict
from mmengine.registry import LOOPS
from transformers import AutoTokenizer

from maskdpo_xtuner.training import loops, mask_preference_collate_fn
from maskdpo_xtuner.training.loops import MaskDPOTrainLoop, check_rows, divide, with_terms
from maskdpo_xtuner.training.reference.store import COLUMNS
from tests.preference_items import random_items
from tests.preference_pairs import released_pair
from tests.training.reference.runners import runner


def dataloader(smollm2: Path) -> dict[str, Any]:
    return {
        'batch_size': 2,
        'dataset': {
            'type': 'build_mask_preference_dataset',
            'dataset': Dataset.from_list([released_pair()] * 3),
            'tokenizer': AutoTokenizer.from_pretrained(smollm2),
            'max_length': 256,
        },
        'collate_fn': {'type': 'mask_preference_collate_fn', 'pack': False},
    }


def test_the_items_get_what_the_model_takes_from_them(tiny_model: Path, smollm2: Path) -> None:
    config = dataloader(smollm2)
    completed = with_terms(config, runner(tiny_model))
    assert set(COLUMNS) <= set(completed['dataset'].column_names)
    assert len(completed['dataset']) == 3
    assert completed == {**config, 'dataset': completed['dataset']}


def test_for_sft_the_items_have_the_chosen_side_alone(smollm2: Path) -> None:
    cfg = Config({'model': {'type': 'MaskDPO', 'loss_type': 'sft'}})
    completed = with_terms(dataloader(smollm2), SimpleNamespace(cfg=cfg))
    columns = {'chosen_ids', 'chosen_labels', 'chosen_weights', 'place'}
    assert set(completed['dataset'].column_names) == columns
    assert len(completed['dataset']) == 3


@pytest.mark.parametrize(
    'options', [{'reference': 'model'}, {'loss_type': 'tdpo2'}, {'loss_type': 'sepo'}]
)
def test_nothing_is_computed_for_a_model_that_does_not_take_it(
    tiny_model: Path, smollm2: Path, options: dict[str, Any]
) -> None:
    config = dataloader(smollm2)
    assert with_terms(config, runner(tiny_model, **options)) is config


def test_xtuners_own_model_runs_its_reference(smollm2: Path) -> None:
    config = dataloader(smollm2)
    cfg = Config({'model': {'type': 'xtuner.model.dpo.DPO'}})
    assert with_terms(config, SimpleNamespace(cfg=cfg)) is config


def settings(**changes: Any) -> Any:
    """What `check_rows` reads of a config."""
    cfg = ConfigDict(
        model={'type': 'MaskDPO', 'loss_type': 'sigmoid'},
        train_dataloader={'collate_fn': {'type': 'mask_preference_collate_fn'}},
    )
    cfg.update(changes)
    return cfg


def test_rows_hold_the_longest_pair() -> None:
    pairs = Dataset.from_list(random_items(0, pairs=4))
    longest = max(mask_preference_collate_fn([item])['data']['num_tokens'] for item in pairs)
    check_rows(int(longest), pairs, settings())
    with pytest.raises(
        ValueError, match=rf'pairs\.jsonl:\d: this pair has {longest} tokens, which'
    ):
        check_rows(int(longest) - 1, pairs, settings())


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'train_dataloader': {'collate_fn': {'pack': False}}}, 'collate_fn.pack=True'),
        ({'model': {'type': 'MaskDPO', 'loss_type': 'kto_pair'}}, 'kto_pair compares the pairs'),
    ],
)
def test_what_cannot_be_divided_is_refused(changes: dict[str, Any], message: str) -> None:
    pairs = Dataset.from_list(random_items(0))
    with pytest.raises(ValueError, match=message):
        check_rows(10_000, pairs, settings(**changes))


def test_a_rank_makes_as_many_rows_as_the_rank_that_needs_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def another_rank(number: torch.Tensor, op: str) -> None:
        assert op == 'max'
        number.clamp_(min=3)

    batch = mask_preference_collate_fn(random_items(0, pairs=4))
    assert len(divide(batch, 10_000)) == 1
    monkeypatch.setattr(loops, 'all_reduce', another_rank)
    rows = divide(batch, 10_000)
    assert len(rows) == 3
    assert sum(len(row['data_samples']['place']) for row in rows) == 4


class StopHere(Exception):
    pass


class FakeRunner:
    """Shows the config of the data loader that the loop asks for."""

    def __init__(self) -> None:
        model = {'type': 'MaskDPO', 'reference': 'model'}
        self.cfg = ConfigDict(tokenizer={'type': 'run'}, model=model)
        self._randomness_cfg: dict[str, Any] = {}
        self.seed = 0

    def build_dataloader(self, dataloader: dict[str, Any], **kwargs: Any) -> None:
        self.asked = dataloader
        raise StopHere


@pytest.mark.parametrize(
    ('dataset', 'expected'), [({}, 'run'), ({'tokenizer': {'type': 'own'}}, 'own')]
)
def test_data_that_names_no_tokenizer_gets_the_runs(dataset: dict[str, Any], expected: str) -> None:
    runner = FakeRunner()
    with pytest.raises(StopHere):
        LOOPS.get('MaskDPOTrainLoop')(runner, {'dataset': dataset}, max_epochs=1)
    assert runner.asked['dataset']['tokenizer']['type'] == expected
    assert LOOPS.get('MaskDPOTrainLoop') is MaskDPOTrainLoop
