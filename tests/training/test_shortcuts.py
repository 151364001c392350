"""Every shortcut of the trainer gives the loss and the gradients of the plain computation."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import ConfigDict
from torch import Tensor
from torch.nn import functional as F
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from xtuner.registry import BUILDER

from maskdpo_xtuner.modeling import recomputation
from maskdpo_xtuner.objectives import LossTerms, SideTerms, build_loss
from maskdpo_xtuner.training import mask_preference_collate_fn
from tests.preference_items import chosen_only, plain_sums, random_items

BETA = 0.3
LAYOUTS = [
    dict(zip(('pack', 'share_prompt', 'cut_tail'), values, strict=True))
    for values in product((False, True), repeat=3)
]
LOGITS = [{'supervised_only': False}, {'chunk_size': 1}, {'chunk_size': 4}, {}]
LOSSES: list[dict[str, Any]] = [
    {'loss_type': 'sigmoid'},
    {'loss_type': 'sigmoid', 'label_smoothing': 0.2},
    {'loss_type': 'robust', 'label_smoothing': 0.1},
    *({'loss_type': kind} for kind in ('hinge', 'ipo', 'kto_pair', 'sppo_hard', 'nca_pair')),
    {'loss_type': 'dpop'},
    {'loss_type': 'tdpo1'},
    {'loss_type': 'tdpo2', 'loss_options': {'alpha': 0.3}},
    *(
        {'loss_type': kind, 'loss_options': {'nll': 0.7}}
        for kind in ('sigmoid', 'kto_pair', 'sepo')
    ),
    {'loss_type': 'sft'},
]


@pytest.fixture(autouse=True)
def exact_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Llama's norm keep fp64, which transformers rounds to fp32 in between."""

    def forward(self: LlamaRMSNorm, states: Tensor) -> Tensor:
        variance = states.pow(2).mean(-1, keepdim=True)
        found: Tensor = self.weight * (states * torch.rsqrt(variance + self.variance_epsilon))
        return found

    monkeypatch.setattr(LlamaRMSNorm, 'forward', forward)


def build(folder: Path, dtype: torch.dtype = torch.float64, **options: Any) -> Any:
    """A model in training mode whose policy has moved away from the reference."""
    llm = {
        'type': 'transformers.AutoModelForCausalLM.from_pretrained',
        'pretrained_model_name_or_path': str(folder),
        'torch_dtype': 'torch.float32',
    }
    options = {'beta': BETA, 'reference': 'model', **options}
    model = BUILDER.build(ConfigDict(type='MaskDPO', llm=llm, **options)).to(dtype)
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.llm.named_parameters():
            if 'lora' not in options or 'lora_' in name:
                parameter.add_(0.05 * torch.randn_like(parameter))
    return model.train()


def loss_and_gradients(model: Any, loss: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    # A layer that is recomputed whole works with backward() only.
    loss.mean().backward()
    trained = model.llm.named_parameters()
    found = {name: value.grad.clone() for name, value in trained if value.requires_grad}
    return {'loss': loss.detach(), **found}


def shortcut(model: Any, seed: int, layout: dict[str, bool]) -> dict[str, Tensor]:
    items = random_items(seed)
    if not model.objective.loss.needs_rejected:
        items = chosen_only(items)
    batch = mask_preference_collate_fn(items, **layout)
    return loss_and_gradients(model, model.compute_loss(**batch)['loss'])


def plain(model: Any, seed: int, loss_type: str, **options: Any) -> dict[str, Tensor]:
    """One response at a time through the model's own forward pass, whole distributions."""
    policy, reference, items = policy_of(model), reference_of(model), random_items(seed)
    ratios, kls, logps, weights = plain_sums(policy, reference, items)
    nlls = -logps / weights
    if loss_type in ('ipo', 'sepo'):
        ratios, kls, logps = ratios / weights, kls / weights, logps / weights
    values = logps, nlls, torch.ones_like(nlls), ratios, kls
    sides = [SideTerms(*(value[side::2] for value in values)) for side in range(2)]
    more = dict(options.pop('loss_options', {}))
    weight = more.pop('nll', 0.0)
    if loss_type == 'sft':
        return loss_and_gradients(model, nlls[::2])
    loss = build_loss(loss_type, beta=BETA, **options, **more)(LossTerms(*sides))
    return loss_and_gradients(model, loss + weight * nlls[::2].repeat(len(loss) // len(items)))


def policy_of(model: Any) -> Callable[[Tensor], Tensor]:
    return lambda ids: model.llm(ids).logits


def reference_of(model: Any) -> Callable[[Tensor], Tensor]:
    def without_adapters(ids: Tensor) -> Tensor:
        with model.llm.disable_adapter():
            logits: Tensor = model.llm(ids).logits
            return logits

    if model.reference is None:
        return policy_of(model)
    return without_adapters if model.ref_llm is None else lambda ids: model.ref_llm(ids).logits


def assert_equal(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    """To 1e-9 in fp64 and 1e-5 in fp32, relative to the largest value of each tensor."""
    assert set(found) == set(wanted)
    assert len(wanted) > 1
    for name, value in wanted.items():
        tolerance = 1e-9 if value.dtype == torch.float64 else 1e-5
        scale = float(value.abs().max())
        torch.testing.assert_close(found[name], value, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize('loss', LOSSES, ids=lambda loss: '-'.join(map(str, loss.values())))
def test_every_layout_gives_the_loss_and_gradients_of_each_objective(
    tiny_model: Path, loss: dict[str, Any]
) -> None:
    model = build(tiny_model, use_activation_checkpointing=False, **loss)
    wanted = plain(model, seed=1, **loss)
    for layout in LAYOUTS:
        assert_equal(shortcut(model, 1, layout), wanted)


@pytest.mark.parametrize('logits', LOGITS, ids=str)
@pytest.mark.parametrize('checkpointing', [False, True, 0.5], ids=['kept', 'recomputed', 'half'])
@pytest.mark.parametrize('lora', [False, True], ids=['full', 'lora'])
def test_settings_of_logits_work_with_every_layout(
    tiny_model: Path,
    logits: dict[str, Any],
    checkpointing: bool | float,
    lora: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Half of the layers as on a GPU, all of them as on a CPU.
    monkeypatch.setattr(recomputation, 'leaves_early', lambda hidden: checkpointing == 0.5)
    # The term gives the tokens of one side a gradient of their own.
    loss: dict[str, Any] = {'loss_type': 'sigmoid', 'loss_options': {'nll': 0.7}}
    options = {'use_activation_checkpointing': checkpointing, 'logits': logits, **loss}
    if lora:
        options['lora'] = {'type': 'peft.LoraConfig', 'r': 4, 'task_type': 'CAUSAL_LM'}
    model = build(tiny_model, **options)
    wanted = plain(model, seed=2, **loss)
    for layout in LAYOUTS:
        assert_equal(shortcut(model, 2, layout), wanted)


@pytest.mark.parametrize('seed', range(20))
def test_random_masks_and_lengths(tiny_model: Path, seed: int) -> None:
    loss: dict[str, Any] = {'loss_type': 'sft' if seed % 4 == 3 else 'sigmoid'}
    model = build(tiny_model, use_activation_checkpointing=False, **loss)
    everything = {'pack': True, 'share_prompt': True, 'cut_tail': True}
    assert_equal(shortcut(model, seed, everything), plain(model, seed, **loss))


@pytest.mark.parametrize('layout', [LAYOUTS[0], LAYOUTS[-1]], ids=['plain', 'all'])
def test_in_fp32(tiny_model: Path, layout: dict[str, bool]) -> None:
    model = build(tiny_model, torch.float32)
    assert_equal(shortcut(model, 3, layout), plain(model, 3, 'sigmoid'))


def test_logits_of_all_positions_never_exist(tiny_model: Path) -> None:
    model = build(tiny_model, use_activation_checkpointing=False, logits={'chunk_size': 4})
    batch, kept, made = mask_preference_collate_fn(random_items(5)), [], []
    supervised = len(batch['data']['targets'])
    vocabulary = model.llm.config.vocab_size
    model.compute_loss(**batch)  # The first call looks at the head.
    model.llm.lm_head.register_forward_hook(lambda module, args, out: made.append(out.shape[0]))

    def record(tensor: Tensor) -> Tensor:
        kept.append(tuple(tensor.shape))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor):
        loss = model.compute_loss(**batch)['loss']
    loss.mean().backward()
    assert max(made) == 4
    # Once forward and, but for the last chunk, once backward.
    chunks = -(-supervised // 4)
    assert sum(made) == 2 * supervised - supervised // chunks
    hidden = model.llm.config.hidden_size
    logits = {shape for shape in kept if vocabulary in shape and hidden not in shape}
    assert logits == {(supervised // chunks, vocabulary)}


def test_the_layouts_compute_fewer_tokens(tiny_model: Path) -> None:
    def tokens(**layout: bool) -> int:
        data = mask_preference_collate_fn(random_items(6), **layout)['data']
        assert data['num_tokens'] <= data['input_ids'].numel()
        return int(data['input_ids'].numel())

    off = {'pack': False, 'share_prompt': False, 'cut_tail': False}
    steps = [tokens(**off), *(tokens(**{**off, name: True}) for name in off)]
    assert all(step < steps[0] for step in steps[1:])
    items = random_items(6)
    both = sum(len(item[f'{side}_ids']) for item in items for side in ('chosen', 'rejected'))
    assert tokens(**{**off, 'pack': True}) == both
    assert tokens(pack=True, share_prompt=True, cut_tail=True) < both


def test_a_pair_whose_responses_are_equal_has_the_loss_of_no_margin(tiny_model: Path) -> None:
    (item,) = random_items(7, pairs=1)
    for part in ('ids', 'labels', 'weights'):
        item[f'rejected_{part}'] = item[f'chosen_{part}']
    model = build(tiny_model)
    loss = model.compute_loss(**mask_preference_collate_fn([item]))['loss']
    torch.testing.assert_close(loss, -F.logsigmoid(torch.zeros_like(loss)))
