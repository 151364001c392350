from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM

from maskdpo_xtuner.modeling.forward import supervised_logps
from maskdpo_xtuner.training import mask_preference_collate_fn
from maskdpo_xtuner.training.reference import computing
from maskdpo_xtuner.training.reference.computing import (
    ReferenceModel,
    build_reference,
    token_batches,
)
from maskdpo_xtuner.training.reference.precision import Precision
from tests.models import tiny_llama
from tests.preference_items import random_items, token_terms
from tests.training.reference.runners import LORA, model_config


def reference(model: Any, precision: Precision | None = None) -> ReferenceModel:
    return ReferenceModel(model, precision or Precision(), mask_preference_collate_fn)


def dtypes(model: Any) -> set[torch.dtype]:
    return {value.dtype for value in (*model.llm.parameters(), *model.llm.buffers())}


def test_values_are_those_of_the_model_by_itself(tiny_model: Path) -> None:
    items = random_items(0, pairs=5)
    llm = AutoModelForCausalLM.from_pretrained(tiny_model).eval()
    with torch.no_grad():
        terms = token_terms(lambda ids: llm(ids).logits, items)
    expected = [logs.gather(-1, ids.unsqueeze(-1)).squeeze(-1) for logs, ids, _ in terms]
    found = [side for row in reference(model_config(tiny_model)).logps(items) for side in row]
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(torch.tensor(ours), theirs, rtol=1e-5, atol=1e-5)


@given(
    lengths=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=12),
    limit=st.integers(1, 60),
)
def test_batches_keep_the_order_and_the_limit(lengths: list[tuple[int, int]], limit: int) -> None:
    items = [{'chosen_ids': [0] * ours, 'rejected_ids': [0] * other} for ours, other in lengths]
    batches = list(token_batches(items, limit))
    assert [item for batch in batches for item in batch] == items
    for batch in batches:
        longest = max(len(ids) for item in batch for ids in item.values())
        assert len(batch) == 1 or 2 * len(batch) * longest <= limit


def test_values_that_are_not_finite_are_refused_with_the_place(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_nan(llm: Any, data: Any, settings: Any) -> torch.Tensor:
        logps = supervised_logps(llm, data, settings)
        logps[data['counts'][:4].sum() - 1] = torch.nan  # The last token of the second pair.
        return logps

    monkeypatch.setattr(computing, 'supervised_logps', with_nan)
    with pytest.raises(ValueError, match=r'^pairs\.jsonl:2: .* not finite'):
        reference(model_config(tiny_model)).logps(random_items(0))


def test_the_random_state_is_left_as_it_was(tiny_model: Path) -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    reference(model_config(tiny_model, lora=LORA)).logps(random_items(0))
    assert torch.equal(torch.rand(1), expected)


def test_the_config_is_left_as_it_was(tiny_model: Path) -> None:
    model = model_config(tiny_model, ref_llm=model_config(tiny_model)['llm'])
    before = repr(model)
    build_reference(model, Precision())
    assert repr(model) == before


def test_weights_stay_as_loaded_or_are_cast_with_buffers(tiny_model: Path) -> None:
    model = model_config(tiny_model, dtype='bfloat16')
    assert torch.bfloat16 in dtypes(build_reference(model, Precision()))
    # Rotary frequencies too, as DeepSpeed does to the policy.
    assert dtypes(build_reference(model, Precision(cast=torch.float16))) == {torch.float16}


def test_the_base_of_lora_is_held_in_fp32_as_xtuner_does(tiny_model: Path) -> None:
    model = model_config(tiny_model, dtype='bfloat16', lora=LORA)
    built = build_reference(model, Precision())
    assert dtypes(built) == {torch.float32}
    assert not any('lora' in name for name, _ in built.named_parameters())
    assert dtypes(build_reference(model, Precision(cast=torch.bfloat16))) == {torch.bfloat16}


def test_under_autocast_products_are_rounded(tiny_model: Path) -> None:
    items = random_items(0)
    exact = reference(model_config(tiny_model)).logps(items)
    rounded = reference(model_config(tiny_model), Precision(autocast=torch.bfloat16)).logps(items)
    assert rounded != exact
    for ours, theirs in zip(rounded, exact, strict=True):
        assert ours[0] == pytest.approx(theirs[0], rel=1e-2)


def test_another_reference_of_the_config_is_the_one_that_runs(
    tiny_model: Path, smollm2: Path, tmp_path: Path
) -> None:
    other = tiny_llama(tmp_path / 'other', smollm2, num_hidden_layers=1)
    ref_llm = model_config(other)['llm']
    given_by_config = reference(model_config(tiny_model, ref_llm=ref_llm, lora=LORA))
    items = random_items(0)
    assert given_by_config.logps(items) == reference(model_config(other)).logps(items)
