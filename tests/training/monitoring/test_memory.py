from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import ConfigDict
from torch.profiler import ProfilerActivity, profile
from torch.utils._pytree import tree_leaves
from transformers import LlamaConfig, LlamaForCausalLM

from maskdpo_xtuner.batches.lengths import pair_lengths
from maskdpo_xtuner.training import MaskDPO, mask_preference_collate_fn
from maskdpo_xtuner.training.monitoring.memory import MemorySettings, ModelShape, estimate_memory
from tests.items import tokenized_pairs

# What torch allocates may be off the estimate by this factor, either way.
WITHIN = 1.3


def peak_bytes(function: Callable[[], None]) -> int:
    """What a function had allocated at most, as torch's profiler sees it."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        function()
    events = [e for e in seen.profiler.kineto_results.events() if e.name() == '[memory]']
    changes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    found: int = max(accumulate(changes))
    return found


def tensors(tree: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def nbytes(values: Any) -> int:
    return sum(leaf.numel() * leaf.element_size() for leaf in tensors(values))


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('model')
    config = LlamaConfig(
        vocab_size=2000,
        hidden_size=128,
        intermediate_size=344,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    LlamaForCausalLM(config).save_pretrained(path)
    return path


def build(folder: Path, dtype: str, **options: Any) -> MaskDPO:
    llm = {
        'type': 'transformers.AutoModelForCausalLM.from_pretrained',
        'pretrained_model_name_or_path': str(folder),
        'torch_dtype': f'torch.{dtype}',
    }
    return MaskDPO(ConfigDict(llm), reference='model', **options).train()


def batch() -> tuple[dict[str, Any], int]:
    """Three pairs of long responses to one short question, and the tokens of their row."""
    rows = torch.randint(3, 2000, (6, 300), generator=torch.Generator().manual_seed(0)).tolist()
    for row in rows:
        row[:20] = range(20)
    sides = [(row, [-100] * 30 + row[30:]) for row in rows]
    dataset = tokenized_pairs(list(zip(sides[::2], sides[1::2], strict=True)))
    return mask_preference_collate_fn(list(dataset)), int(pair_lengths(dataset).computed().sum())


@pytest.mark.parametrize(
    ('dtype', 'recomputed', 'chunk'),
    [
        ('float32', 1.0, 64),
        ('float32', 0.5, 64),
        ('bfloat16', 0.0, 64),
        ('float32', 0.0, None),
        ('bfloat16', 1.0, None),
    ],
)
def test_the_estimate_is_near_what_torch_allocates(
    folder: Path, dtype: str, recomputed: float, chunk: int | None
) -> None:
    torch.manual_seed(0)
    logits = {'supervised_only': False} if chunk is None else {'chunk_size': chunk}
    model = build(folder, dtype, use_activation_checkpointing=recomputed, logits=logits)
    optimizer = torch.optim.AdamW(model.llm.parameters(), foreach=False)
    data, tokens = batch()

    def backward() -> None:
        model.compute_loss(**data)['loss'].mean().backward()

    backward()
    optimizer.step()
    peak = peak_bytes(backward)
    settings = MemorySettings(
        tokens,
        chunk,
        weight_bytes=getattr(torch, dtype).itemsize,
        zero_stage=0,
        recomputed=recomputed,
    )
    parameters = sum(p.numel() for p in model.llm.parameters())
    estimate = estimate_memory(ModelShape.of(model.llm.config, parameters), settings)
    weights = list(model.llm.parameters())
    assert estimate.weights == nbytes(weights)
    assert estimate.gradients == nbytes([weight.grad for weight in weights])
    assert estimate.optimizer == pytest.approx(nbytes(list(optimizer.state.values())), rel=1e-3)
    assert model.ref_llm is not None
    assert estimate.reference == nbytes(list(model.ref_llm.parameters()))
    assert 1 / WITHIN < estimate.backward / peak < WITHIN


# Llama-3.1-8B.
LLAMA = ModelShape(8_030_261_248, 32, 4096, 14336, 128256)


def test_full_training_of_8_billion_parameters_fits_eight_gpus_of_80_gb() -> None:
    cached = MemorySettings(tokens=4096, world_size=8, reference=False)
    loaded = replace(cached, reference=True)
    estimates = [estimate_memory(LLAMA, settings) for settings in (cached, loaded)]
    # Rajbhandari et al. 2020, table 1: 2 P + 14 P / 8 under ZeRO-2.
    assert estimates[0].held == (2 + 14 / 8) * LLAMA.parameters
    assert estimates[1].total - estimates[0].total == 2 * LLAMA.parameters
    assert estimates[1].total < 80e9 < estimate_memory(LLAMA, replace(cached, world_size=1)).total


@pytest.mark.parametrize(
    ('changes', 'weights', 'gradients', 'optimizer'),
    [
        ({'zero_stage': 1}, 2, 2, 3),
        ({'zero_stage': 2}, 2, 0.5, 3),
        ({'zero_stage': 3}, 0.5, 0.5, 3),
        ({'zero_stage': 2, 'offload_optimizer': True}, 2, 0, 0),
        ({'zero_stage': 3, 'offload_optimizer': True, 'offload_weights': True}, 0, 0, 0),
        ({'zero_stage': 2, 'trainable': LLAMA.parameters // 4}, 2, 0.125, 0.75),
    ],
)
def test_what_each_stage_of_zero_leaves_on_one_of_four_gpus(
    changes: dict[str, Any], weights: float, gradients: float, optimizer: float
) -> None:
    estimate = estimate_memory(LLAMA, MemorySettings(4096, world_size=4, **changes))
    held = (estimate.weights, estimate.gradients, estimate.optimizer)
    assert [part / LLAMA.parameters for part in held] == [weights, gradients, optimizer]


def test_an_estimate_is_printed_with_its_parts() -> None:
    text = str(estimate_memory(LLAMA, MemorySettings(4096, world_size=8, reference=False)))
    assert text.startswith('32.')
    assert 'GiB (weights 15.0, gradients 1.9, optimizer 11.2, activations' in text
    assert 'reference' not in text
