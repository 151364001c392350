from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from datasets import Dataset
from mmengine.config import Config, ConfigDict
from mmengine.registry import LOOPS
from transformers import AutoTokenizer

from maskdpo_xtuner.training.loops import MaskDPOTrainLoop, with_reference
from maskdpo_xtuner.training.reference.shards import COLUMNS
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
    completed = with_reference(config, runner(tiny_model))
    assert set(COLUMNS) <= set(completed['dataset'].column_names)
    assert len(completed['dataset']) == 3
    assert completed == {**config, 'dataset': completed['dataset']}


@pytest.mark.parametrize(
    'options', [{'reference': 'model'}, {'loss_type': 'tdpo2'}, {'loss_type': 'sepo'}]
)
def test_nothing_is_computed_for_a_model_that_does_not_take_it(
    tiny_model: Path, smollm2: Path, options: dict[str, Any]
) -> None:
    config = dataloader(smollm2)
    assert with_reference(config, runner(tiny_model, **options)) is config


def test_xtuners_own_model_runs_its_reference(smollm2: Path) -> None:
    config = dataloader(smollm2)
    cfg = Config({'model': {'type': 'xtuner.model.dpo.DPO'}})
    assert with_reference(config, SimpleNamespace(cfg=cfg)) is config


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
