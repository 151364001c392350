from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from xtuner.registry import BUILDER

from maskdpo_xtuner.objectives import LOSSES, find_loss
from maskdpo_xtuner.training import mask_preference_collate_fn
from maskdpo_xtuner.training.reference import choose_reference
from tests.preference_items import random_items
from tests.training.reference.runners import LORA, model_config


def test_the_cache_is_the_default_wherever_it_has_all_that_the_loss_needs() -> None:
    defaults = {name: choose_reference(find_loss(name)) for name in LOSSES}
    others = {'tdpo1': 'model', 'tdpo2': 'model', 'sepo': None, 'sft': None}
    assert defaults == {name: others.get(name, 'cached') for name in defaults}


def test_the_config_may_ask_for_the_model() -> None:
    assert choose_reference(find_loss('sigmoid'), 'model') == 'model'


@pytest.mark.parametrize('loss_type', ['tdpo1', 'tdpo2'])
def test_losses_of_whole_distributions_refuse_the_cache(loss_type: str) -> None:
    with pytest.raises(ValueError, match=f"{loss_type} needs .*model.reference='model'"):
        choose_reference(find_loss(loss_type), 'cached')


def test_another_source_is_refused() -> None:
    with pytest.raises(ValueError, match="must be 'cached' or 'model', not 'disk'"):
        choose_reference(find_loss('sigmoid'), 'disk')  # type: ignore[arg-type]


@pytest.mark.parametrize('options', [{}, {'lora': LORA}])
def test_with_the_cache_no_reference_model_is_built(
    tiny_model: Path, options: dict[str, Any]
) -> None:
    model = BUILDER.build(model_config(tiny_model, reference='cached', **options))
    assert model.ref_llm is None


def test_a_batch_without_reference_logps_is_refused_with_the_mend(tiny_model: Path) -> None:
    model = BUILDER.build(model_config(tiny_model))
    with pytest.raises(ValueError, match=r'MaskDPOTrainLoop.*model\.reference='):
        model.compute_loss(mask_preference_collate_fn(random_items(0))['data'])
