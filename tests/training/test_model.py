from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import init_empty_weights
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper
from mmengine.registry import MODELS
from safetensors.torch import load_file
from torch import Tensor, nn
from transformers import LlamaConfig
from xtuner.dataset.collate_fns.preference_collate_fn import preference_collate_fn
from xtuner.model.dpo import DPO
from xtuner.registry import BUILDER

from maskdpo_xtuner.objectives import check_finite
from maskdpo_xtuner.training import MaskDPO, mask_preference_collate_fn
from tests.items import pairs_of_lengths
from tests.preference_items import chosen_only, random_items

Data = dict[str, Tensor]

XTUNER_LOSSES = ['sigmoid', 'robust', 'hinge', 'ipo', 'kto_pair', 'sppo_hard', 'nca_pair']


def config(folder: Path, kind: str | type = 'MaskDPO', **options: Any) -> ConfigDict:
    llm = {
        'type': 'transformers.AutoModelForCausalLM.from_pretrained',
        'pretrained_model_name_or_path': str(folder),
        'torch_dtype': 'torch.float32',
    }
    if kind == 'MaskDPO':
        options.setdefault('reference', 'model')
    return ConfigDict({'type': kind, 'llm': llm, **options})


def build(folder: Path, kind: str | type = 'MaskDPO', **options: Any) -> Any:
    """A model in fp64 whose policy has moved away from the reference, always the same way."""
    model = BUILDER.build(config(folder, kind, **options)).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.llm.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter += 0.05 * noise
    return model


def items(supervised: slice = slice(3, None)) -> list[dict[str, Any]]:
    """Two pairs of random ids (none is 0) after prompts of 3 tokens; all weights are 1."""
    generator = torch.Generator().manual_seed(1)
    pairs = []
    for lengths in ((9, 7), (6, 11)):
        item = {}
        for side, length in zip(('chosen', 'rejected'), lengths, strict=True):
            ids = torch.randint(1, 1000, (length,), generator=generator)
            labels = torch.full_like(ids, -100)
            labels[supervised] = ids[supervised]
            item[f'{side}_ids'], item[f'{side}_labels'] = ids.tolist(), labels.tolist()
            item[f'{side}_weights'] = (labels != -100).float().tolist()
        pairs.append(item)
    return pairs


def batch(pairs: list[dict[str, Any]] | None = None, **layout: bool) -> Data:
    found: Data = mask_preference_collate_fn(items() if pairs is None else pairs, **layout)['data']
    return found


def masked_batch(**layout: bool) -> Data:
    """Two tokens of each response supervised."""
    return batch(items(slice(4, 6)), **layout)


@pytest.mark.parametrize('loss_type', XTUNER_LOSSES)
def test_with_all_tokens_supervised_it_is_xtuners_dpo(tiny_model: Path, loss_type: str) -> None:
    options: dict[str, Any] = {'loss_type': loss_type, 'beta': 0.3}
    ours = build(tiny_model, **options).compute_loss(batch())
    theirs = build(tiny_model, DPO, **options).compute_loss(preference_collate_fn(items())['data'])
    torch.testing.assert_close(ours['loss'], theirs['loss'], rtol=1e-10, atol=0)
    margin = theirs['reward_margin']
    torch.testing.assert_close(ours['rewards/margins'], margin, rtol=1e-10, atol=0)
    torch.testing.assert_close(ours['rewards/accuracies'].double(), theirs['reward_acc'].double())


@pytest.mark.parametrize('loss_type', ['sigmoid', 'robust'])
def test_label_smoothing_is_xtuners(tiny_model: Path, loss_type: str) -> None:
    options: dict[str, Any] = {'loss_type': loss_type, 'label_smoothing': 0.2}
    ours = build(tiny_model, **options).compute_loss(batch())
    theirs = build(tiny_model, DPO, **options).compute_loss(preference_collate_fn(items())['data'])
    torch.testing.assert_close(ours['loss'], theirs['loss'], rtol=1e-10, atol=0)


def test_the_token_with_id_0_counts(tiny_model: Path) -> None:
    model, pairs = build(tiny_model), items(slice(4, 6))
    pairs[0]['chosen_ids'][5] = pairs[0]['chosen_labels'][5] = 0
    with_it = model.compute_loss(batch(pairs))['rewards/chosen']
    pairs[0]['chosen_labels'][5] = -100
    assert model.compute_loss(batch(pairs))['rewards/chosen'] != with_it


def test_the_gradient_of_logits_outside_the_mask_is_exactly_zero(tiny_model: Path) -> None:
    model = build(tiny_model, logits={'supervised_only': False})
    data = masked_batch(pack=False, share_prompt=False, cut_tail=False)
    logits: list[Tensor] = []

    def keep(module: nn.Module, args: Any, output: Tensor) -> None:
        output.retain_grad()
        logits.append(output)

    model.llm.lm_head.register_forward_hook(keep)
    model.compute_loss(data)['loss'].mean().backward()
    (policy,) = logits
    supervised = torch.zeros(policy.shape[:2], dtype=torch.bool)
    supervised.view(-1)[data['predictors']] = True
    assert supervised.sum() == 8
    assert policy.grad is not None
    assert (policy.grad[~supervised] == 0).all()
    assert (policy.grad[supervised] != 0).any(-1).all()


def test_data_is_not_changed(tiny_model: Path) -> None:
    model, data = build(tiny_model), batch()
    before = copy.deepcopy(data)
    model.compute_loss(data)
    assert set(data) == set(before)
    assert all(torch.equal(data[name], before[name]) for name in data)


def test_in_bf16_a_policy_at_its_reference_has_the_loss_ln_2(tiny_model: Path) -> None:
    model = BUILDER.build(config(tiny_model)).bfloat16()
    loss = model.compute_loss(batch())['loss']
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, torch.full((2,), math.log(2)), rtol=1e-7, atol=0)


def test_in_bf16_rewards_are_not_rounded_to_bf16(tiny_model: Path) -> None:
    model, data = build(tiny_model).bfloat16(), batch()
    margins = model.compute_loss(data)['rewards/margins']
    assert margins.dtype == torch.float32
    assert margins != margins.bfloat16()


def test_ipo_divides_by_the_supervised_tokens(tiny_model: Path) -> None:
    data = masked_batch()
    summed = build(tiny_model).compute_loss(data)
    averaged = build(tiny_model, loss_type='ipo').compute_loss(data)
    assert data['counts'].tolist() == [2, 2, 2, 2]
    torch.testing.assert_close(averaged['rewards/chosen'] * 2, summed['rewards/chosen'])


def test_what_is_logged(tiny_model: Path) -> None:
    model = BUILDER.build(config(tiny_model, beta=0.5)).double()
    losses = model.compute_loss(masked_batch(pack=False, share_prompt=False, cut_tail=False))
    _, logged = model.parse_losses(losses)
    assert set(logged) == {
        'loss',
        'rewards/chosen',
        'rewards/rejected',
        'rewards/accuracies',
        'rewards/margins',
        'nll',
        'logps/chosen',
        'logps/rejected',
        'token_logps/chosen',
        'token_logps/rejected',
        'token_logps/chosen_shift',
        'token_logps/rejected_shift',
        'supervised_share',
    }
    assert not any(value.requires_grad for key, value in losses.items() if key != 'loss')
    assert logged['supervised_share'] == pytest.approx(8 / 33)
    # A random model is close to uniform over SmolLM2's 49,152 tokens.
    assert logged['token_logps/chosen'].item() == pytest.approx(-math.log(49152), rel=0.05)
    # Two tokens of each response are supervised.
    assert logged['logps/chosen'] == 2 * logged['token_logps/chosen']
    assert logged['rewards/accuracies'] == 0
    assert logged['nll'].item() == pytest.approx(math.log(49152), rel=0.05)
    assert logged['token_logps/chosen_shift'] == logged['token_logps/rejected_shift'] == 0


def test_the_likelihood_term_and_the_preference_are_logged_apart(tiny_model: Path) -> None:
    model = build(tiny_model, loss_options={'nll': 0.2}, label_smoothing=0.1)
    _, logged = model.parse_losses(model.compute_loss(masked_batch()))
    expected = logged['preference'] + 0.2 * logged['nll']
    torch.testing.assert_close(logged['loss'], expected, rtol=1e-12, atol=0)
    plain = build(tiny_model, label_smoothing=0.1).compute_loss(masked_batch())['loss'].mean()
    torch.testing.assert_close(logged['preference'], plain, rtol=1e-12, atol=0)


def test_shifts_are_the_moves_from_the_reference_per_supervised_token(tiny_model: Path) -> None:
    model, data = build(tiny_model, beta=0.3), masked_batch()
    logged = model.compute_loss(data)
    # All weights are 1: the rewards are sums of the same, over 2 tokens a response.
    for side in ('chosen', 'rejected'):
        shift = logged[f'rewards/{side}'] / 0.3 / 2
        torch.testing.assert_close(logged[f'token_logps/{side}_shift'], shift, rtol=1e-9, atol=0)
    assert logged['token_logps/chosen_shift'] != 0


def test_sft_reads_the_chosen_responses_and_neither_reference_nor_rejected(
    tiny_model: Path,
) -> None:
    model, both = build(tiny_model, loss_type='sft'), random_items(1)
    batch = mask_preference_collate_fn(chosen_only(both))
    seen: list[Tensor] = []

    def note(module: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        seen.append(kwargs['input_ids'])

    model.compute_loss(**batch)  # The first call looks at the head.
    model.llm.model.register_forward_pre_hook(note, with_kwargs=True)
    losses = model.compute_loss(**batch)
    # Up to the token before the last supervised one.
    ends = [max(i for i, label in enumerate(e['chosen_labels']) if label != -100) for e in both]
    chosen = [e['chosen_ids'][:end] for e, end in zip(both, ends, strict=True)]
    assert [ids.tolist() for ids in seen] == [[[token for ids in chosen for token in ids]]]
    assert model.ref_llm is model.reference is None
    assert set(losses) == {'loss', 'nll', 'logps/chosen', 'token_logps/chosen', 'supervised_share'}
    torch.testing.assert_close(losses['loss'].mean(), losses['nll'])
    with pytest.raises(ValueError, match="'sft' takes batches of chosen responses alone"):
        model.compute_loss(**mask_preference_collate_fn(both))


def test_the_reference_has_no_dropout(tiny_model: Path, tmp_path: Path) -> None:
    model = build(tiny_model, use_activation_checkpointing=False)
    model.train()
    assert model.llm.training
    assert not model.ref_llm.training


def test_the_state_holds_the_policy_only(tiny_model: Path) -> None:
    model = BUILDER.build(config(tiny_model))
    assert set(model.state_dict()) == {f'llm.{name}' for name in model.llm.state_dict()}


def test_another_reference_may_be_given(tiny_model: Path) -> None:
    other = config(tiny_model).llm
    model = BUILDER.build(config(tiny_model, ref_llm=other))
    assert model.ref_llm is not model.llm
    assert not any(parameter.requires_grad for parameter in model.ref_llm.parameters())


def test_with_lora_the_reference_is_the_policy_without_adapters(tiny_model: Path) -> None:
    lora = {'type': 'peft.LoraConfig', 'r': 4, 'lora_alpha': 8, 'task_type': 'CAUSAL_LM'}
    model = BUILDER.build(config(tiny_model, lora=lora))
    at_start = model.compute_loss(batch())
    torch.testing.assert_close(at_start['loss'], torch.full((2,), math.log(2)))
    with torch.no_grad():
        for name, parameter in model.llm.named_parameters():
            if 'lora_B' in name:
                parameter += 0.1
    moved = model.compute_loss(batch())
    assert moved['rewards/margins'] != 0
    moved['loss'].mean().backward()
    trained = {name for name, value in model.named_parameters() if value.grad is not None}
    assert trained
    assert set(model.state_dict()) == trained
    assert all('lora_' in name for name in trained)


@pytest.mark.filterwarnings('ignore:for .* copying from a non-meta parameter')
def test_it_can_be_built_on_the_meta_device(tiny_model: Path) -> None:
    with init_empty_weights():
        model = BUILDER.build(config(tiny_model))
    assert {value.device.type for value in model.state_dict().values()} == {'meta'}


def test_its_name_is_known_to_both_registries() -> None:
    assert BUILDER.get('MaskDPO') is MODELS.get('MaskDPO') is MaskDPO


@pytest.mark.parametrize(
    ('options', 'problem'),
    [
        ({'loss_type': 'sigmod'}, 'sigmod.*sigmoid, robust, hinge, ipo'),
        ({'loss_type': 'hinge', 'label_smoothing': 0.1}, 'hinge.*label_smoothing'),
        ({'use_varlen_attn': True}, 'use_varlen_attn=False'),
    ],
)
def test_settings_without_meaning_are_refused(
    tiny_model: Path, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        BUILDER.build(config(tiny_model, **options))


def test_sequence_parallelism_is_refused(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = 'maskdpo_xtuner.training.model.get_sequence_parallel_world_size'
    monkeypatch.setattr(module, lambda: 2)
    with pytest.raises(ValueError, match='sequence_parallel_size=1'):
        BUILDER.build(config(tiny_model))


def test_a_model_folder_that_does_not_exist_is_named_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf'{tmp_path}/absent: .*model\.llm\..*builtin\.model'):
        BUILDER.build(config(tmp_path / 'absent'))


def test_code_in_a_model_folder_is_not_run_unless_the_config_trusts_it(
    tiny_model: Path, tmp_path: Path
) -> None:
    folder, proof = tmp_path / 'model', tmp_path / 'was_run'
    folder.mkdir()
    shape = LlamaConfig.from_pretrained(tiny_model)
    shape.auto_map = {'AutoConfig': 'own.OwnConfig', 'AutoModelForCausalLM': 'own.OwnModel'}
    shape.save_pretrained(folder)
    (folder / 'model.safetensors').write_bytes((tiny_model / 'model.safetensors').read_bytes())
    # Classes of its own: transformers marks those that it takes from a folder as custom, and the
    # mark on a class of transformers itself would stay for every later test of the process.
    (folder / 'own.py').write_text(
        'from transformers import LlamaConfig, LlamaForCausalLM\n\n\n'
        'class OwnConfig(LlamaConfig):\n    pass\n\n\n'
        'class OwnModel(LlamaForCausalLM):\n    config_class = OwnConfig\n\n\n'
        f'open({str(proof)!r}, "w").close()\n'
    )
    BUILDER.build(config(folder))
    assert not proof.exists()
    trusting = config(folder)
    trusting.llm.trust_remote_code = True
    BUILDER.build(trusting)
    assert proof.exists()


def test_weights_are_not_stepped_on_a_loss_that_is_not_finite(tiny_model: Path) -> None:
    kind = 'transformers.AutoModelForCausalLM.from_pretrained'
    llm = ConfigDict(type=kind, pretrained_model_name_or_path=str(tiny_model))
    model = MaskDPO(llm, reference='model')
    optimizer = torch.optim.SGD(model.llm.parameters(), lr=1.0)
    batch = mask_preference_collate_fn(list(pairs_of_lengths([3, 4])))
    check_finite(model.compute_loss(**batch)['loss'], batch['data_samples']['place'])
    model.llm.get_input_embeddings().weight.data[2] = float('nan')
    before = {name: value.clone() for name, value in model.llm.state_dict().items()}
    with pytest.raises(FloatingPointError, match=r'pairs\.jsonl:1 \(nan\), pairs\.jsonl:2 \(nan\)'):
        model.train_step(batch, OptimWrapper(optimizer))
    after = model.llm.state_dict()
    assert all(torch.equal(after[name].nan_to_num(), before[name].nan_to_num()) for name in before)


def test_a_model_is_written_in_the_format_in_which_its_base_is_loaded(
    tiny_model: Path, tmp_path: Path
) -> None:
    kind = 'transformers.AutoTokenizer.from_pretrained'
    tokenizer = {'type': kind, 'pretrained_model_name_or_path': str(tiny_model)}
    for dtype in ('bfloat16', 'float32'):
        model = config(tiny_model)
        model.llm.torch_dtype = f'torch.{dtype}'
        BUILDER.build(model).to_hf(ConfigDict(tokenizer=tokenizer), str(tmp_path / dtype))
        written = load_file(tmp_path / dtype / 'model.safetensors')
        assert {str(weight.dtype) for weight in written.values()} == {f'torch.{dtype}'}
