from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from maskdpo_xtuner.modeling import recomputation
from maskdpo_xtuner.modeling.recomputation import leaves_early, recompute_layers


def build(layers: int = 4) -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        use_cache=False,
    )
    model = LlamaForCausalLM(config).train()
    model.gradient_checkpointing_enable()
    return model


def recomputed(model: Any) -> tuple[list[int], list[int]]:
    """Layers that begin, and whose last product is made, in a backward pass."""
    begun: list[int] = []
    finished: list[int] = []
    loss = model(torch.arange(12).view(1, -1)).logits.sum()
    for number, layer in enumerate(model.model.layers):
        layer.register_forward_pre_hook(lambda *_, number=number: begun.append(number))
        layer.mlp.down_proj.register_forward_hook(lambda *_, number=number: finished.append(number))
    loss.backward()
    return begun, finished


@pytest.mark.parametrize('early', [False, True])
@pytest.mark.parametrize(
    ('share', 'layers'), [(1.0, [3, 2, 1, 0]), (0.5, [1, 0]), (0.3, [0]), (0.1, [])]
)
def test_the_first_layers_are_recomputed(
    share: float, layers: list[int], early: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recomputation, 'leaves_early', lambda hidden: early)
    model = build()
    model.enable_input_require_grads()
    recompute_layers(model, share)
    # No gradient needs the last product of a layer.
    assert recomputed(model) == (layers, [] if early else layers)


def test_layers_are_left_early_on_a_gpu_but_under_zero3(monkeypatch: pytest.MonkeyPatch) -> None:
    on_gpu, on_cpu = (SimpleNamespace(is_cuda=cuda) for cuda in (True, False))
    assert leaves_early(on_gpu)  # type: ignore[arg-type]
    assert not leaves_early(on_cpu)  # type: ignore[arg-type]
    monkeypatch.setattr(recomputation, 'is_deepspeed_zero3_enabled', lambda: True)
    assert not leaves_early(on_gpu)  # type: ignore[arg-type]


@pytest.mark.parametrize('share', [-0.5, 0.0, 1.5])
def test_a_share_lies_between_0_and_1(share: float) -> None:
    with pytest.raises(ValueError, match=f'a share of the layers between 0 and 1, not {share}'):
        recompute_layers(build(), share)


class OldDecoder(nn.Module):
    """Calls torch's checkpoint by itself, as code of model folders does."""

    def get_decoder(self) -> nn.Module:
        return self


def test_a_model_that_cannot_tell_its_layers_apart_has_all_or_none() -> None:
    recompute_layers(OldDecoder(), 1.0)
    with pytest.raises(ValueError, match='OldDecoder has all of its layers recomputed or none'):
        recompute_layers(OldDecoder(), 0.5)
