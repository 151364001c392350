"""Which families of causal language models train, and how: every one of the installed transformers.

A tiny random model of each family computes the Mask-DPO loss of the same pairs three times: by its
own forward pass over each response alone; in rows of their own with decoder and head apart (`plain`
in the table); and packed, prompts shared (`packed`). Loss and gradient must agree, and the check of
the first batch must pass. Windows are of 6 tokens, so that they matter.

    python benchmarks/families.py --page docs/families.md
"""

from __future__ import annotations

import argparse
import inspect
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import AutoModelForCausalLM
from transformers.models.auto import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from maskdpo_xtuner.batches import mask_preference_collate_fn
from maskdpo_xtuner.modeling import LogitsSettings, supervised_logps
from maskdpo_xtuner.modeling.checking import check_forward
from maskdpo_xtuner.modeling.heads import text_config
from maskdpo_xtuner.objectives import TokenTerms, build_objective, pair_values

TOLERANCE = 1e-4
"""Relative error of loss and gradient in fp32; a response that sees another one makes 1e-2."""
WINDOW, VOCABULARY = 6, 100
PLAIN = {'pack': False, 'share_prompt': False}
# What 130 families may raise of configs that nobody has tried.
UNTRIED = 'not tried: '
FAILURES = (
    *(ValueError, TypeError, RuntimeError, StopIteration, AttributeError, LookupError, ImportError),
    *(AssertionError, OSError, ArithmeticError),
)
# Fields of configs by all names that families have for them.
TINY: dict[str, Any] = {
    **dict.fromkeys(('vocab_size', 'vocab_size_per_layer_input'), VOCABULARY),
    **dict.fromkeys(('hidden_size', 'n_embd', 'd_model', 'embed_dim', 'emb_dim'), 32),
    **dict.fromkeys(('embedding_size', 'word_embed_proj_dim', 'dim', 'dim_model'), 32),
    **dict.fromkeys(('intermediate_size', 'n_inner', 'ffn_dim', 'd_ff', 'dim_ff'), 64),
    **dict.fromkeys(('decoder_ffn_dim', 'encoder_ffn_dim', 'ffn_hidden_size', 'd_inner'), 64),
    **dict.fromkeys(('shared_intermediate_size', 'mlp_hidden_size', 'expert_ffn_hidden_size'), 64),
    **dict.fromkeys(('num_hidden_layers', 'n_layer', 'n_layers', 'num_layers'), 4),
    **dict.fromkeys(('decoder_layers', 'encoder_layers', 'depth'), 4),
    **dict.fromkeys(('num_attention_heads', 'n_head', 'n_heads', 'num_heads'), 4),
    **dict.fromkeys(('decoder_attention_heads', 'encoder_attention_heads'), 4),
    **dict.fromkeys(('num_key_value_heads', 'num_kv_heads', 'n_kv_heads', 'kv_n_heads'), 2),
    **dict.fromkeys(('linear_num_key_heads', 'linear_num_value_heads'), 2),
    **dict.fromkeys(('linear_key_head_dim', 'linear_value_head_dim', 'attention_head_dim'), 8),
    **dict.fromkeys(('head_dim', 'global_head_dim', 'v_head_dim', 'qk_nope_head_dim', 'd_kv'), 8),
    **dict.fromkeys(('qk_rope_head_dim', 'rotary_dim'), 4),
    **dict.fromkeys(('q_lora_rank', 'kv_lora_rank', 'mamba_dt_rank', 'time_step_rank'), 8),
    **dict.fromkeys(('mamba_d_state', 'state_size', 'mamba_d_head', 'mamba_headdim'), 8),
    **dict.fromkeys(('num_experts', 'num_local_experts', 'n_routed_experts', 'moe_num_experts'), 4),
    **dict.fromkeys(('num_experts_per_tok', 'moe_topk', 'moe_k', 'experts_per_token'), 2),
    **dict.fromkeys(('moe_intermediate_size', 'shared_expert_intermediate_size'), 16),
    **dict.fromkeys(('n_group', 'topk_group', 'first_k_dense_replace', 'moe_layer_start_index'), 1),
    **dict.fromkeys(('sliding_window', 'attention_window_size', 'window_size'), WINDOW),
    **dict.fromkeys(('sliding_window_pattern', 'full_attention_interval', 'attn_layer_period'), 2),
    **dict.fromkeys(('attn_layer_offset', 'expert_layer_offset'), 1),
    **dict.fromkeys(('expert_layer_period', 'global_attn_every_n_layers'), 2),
    **dict.fromkeys(('max_position_embeddings', 'n_positions', 'n_ctx', 'max_seq_len'), 64),
    **dict.fromkeys(('image_size', 'patch_size'), 16),
    'attention_chunk_size': 16,
    'full_attn_idxs': [1, 3],
    'lru_width': 32,
    'mamba_n_heads': 8,
    'mamba_n_groups': 1,
    'mamba_expand': 2,
    'mamba_d_ssm': 64,
    'use_sliding_window': True,
    'max_window_layers': 2,
    'pad_token_id': 0,
    'is_decoder': True,
}
OF_WHOLE = ('pad_token_id', 'is_decoder')


@dataclass(frozen=True)
class Outcome:
    """What was found out about a family.

    Attributes:
        family: ``model_type`` of its configs.
        packed: whether pairs may be packed and share their prompt, which is the default.
        plain: whether pairs may be trained on with each response in a row of its own.
        remark: what is refused, and why.
        has_window: whether the tiny model looked at the last tokens only in some layers.
    """

    family: str
    packed: bool
    plain: bool
    remark: str = ''
    has_window: bool = False

    @property
    def kind(self) -> str:
        """The column of the table."""
        if self.remark.startswith(UNTRIED):
            return 'untried'
        return 'packed' if self.packed else 'plain' if self.plain else 'refused'


def families() -> list[str]:
    """All ``model_type`` that transformers has a causal language model for."""
    return sorted(set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES).intersection(CONFIG_MAPPING.keys()))


def tiny_fields(config_class: Any, is_part: bool = False) -> dict[str, Any]:
    """What makes a config tiny, and the parts of it."""
    parts = {
        name: tiny_fields(part, is_part=True)
        for name, part in getattr(config_class, 'sub_configs', {}).items()
        if isinstance(part, type) and part.__name__ != 'AutoConfig'
    }
    known = {*config_class().to_dict(), *inspect.signature(config_class.__init__).parameters}
    renamed = {*getattr(config_class, 'attribute_map', {}), *(OF_WHOLE if is_part else ())}
    own = {name: value for name, value in TINY.items() if name in known - renamed}
    if 'qk_rope_head_dim' in own:  # all heads are made of one latent state
        own.pop('head_dim', None)
        own['num_key_value_heads'] = own['num_attention_heads']
    return {**own, **parts}


def tiny_model(family: str) -> Any:
    """A tiny random model of a family, far from its initialisation."""
    torch.manual_seed(0)
    config_class = CONFIG_MAPPING[family]
    config = config_class(**tiny_fields(config_class))
    config.use_cache = False  # as XTuner has it
    capped = getattr(config.get_text_config(), 'attn_logit_softcapping', None)
    kwargs = {'attn_implementation': 'eager'} if capped else {}  # as the message says
    model = AutoModelForCausalLM.from_config(config, **kwargs)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def try_family(family: str) -> Outcome:
    """Train a tiny model on a batch in each layout, as far as that goes."""
    try:
        model = tiny_model(family)
    except FAILURES as error:
        return Outcome(family, False, False, f'{UNTRIED}{_line(error)}')
    has_window = bool(getattr(text_config(model), 'sliding_window', None))
    try:
        expected = gradient(model, batch(**PLAIN), LogitsSettings(supervised_only=False))
    except FAILURES as error:
        return Outcome(family, False, False, _line(error), has_window)
    try:
        found = gradient(model, batch(**PLAIN), LogitsSettings())
        _compare(found, expected, 'decoder and head apart are not the model')
    except FAILURES as error:
        remark = f'{_line(error)}; trains with `model.logits.supervised_only=False` beside'
        return Outcome(family, False, True, remark, has_window)
    try:
        _compare(gradient(model, batch(), LogitsSettings()), expected, 'packed is not plain')
    except FAILURES as error:
        return Outcome(family, False, True, _line(error), has_window)
    return Outcome(family, True, True, has_window=has_window)


def batch(**layout: bool) -> dict[str, Tensor]:
    """Three pairs that share a prompt each, longer than the window."""
    draw = torch.Generator().manual_seed(1)

    def tokens(length: int) -> list[int]:
        return torch.randint(3, VOCABULARY, (length,), generator=draw).tolist()

    items = []
    for number in range(3):
        item: dict[str, Any] = {'place': f'pair {number}'}
        prompt = tokens(4 + number)
        for side, length in (('chosen', 9), ('rejected', 6 + number)):
            response = tokens(length)
            marks = [0.0] * len(prompt) + [float(index % 3 > 0) for index in range(length)]
            ids = prompt + response
            labels = [each if mark else -100 for each, mark in zip(ids, marks, strict=True)]
            item |= {f'{side}_ids': ids, f'{side}_labels': labels, f'{side}_weights': marks}
        items.append(item)
    data: dict[str, Tensor] = mask_preference_collate_fn(items, **layout)['data']
    return data


def gradient(model: Any, data: Mapping[str, Tensor], settings: LogitsSettings) -> Tensor:
    """The loss of a batch, held against a reference of another day, and its gradient, as one."""
    check_forward(model, data, settings)
    model.zero_grad()
    logps = supervised_logps(model, data, settings)
    reference = -4 - torch.arange(len(logps)) % 3
    terms = TokenTerms(logps, data['weights'], reference)
    loss = pair_values(build_objective('sigmoid', beta=0.1), terms, data['counts']).loss.mean()
    loss.backward()
    parts = [each.grad.flatten() for each in model.parameters() if each.grad is not None]
    return torch.cat([loss.detach().view(1), *parts])


def _compare(found: Tensor, expected: Tensor, what: str) -> None:
    error = float((found - expected).norm() / expected.norm())
    if not error < TOLERANCE:
        raise ValueError(f'{what}: loss and gradient differ by {error:.1e}')


def _line(error: Exception) -> str:
    text = ' '.join(str(error).split()).partition(', so pairs')[0].partition('; set ')[0]
    kind = '' if isinstance(error, ValueError) else f'{type(error).__name__}: '
    return f'{kind}{text}'[:160]


def page(outcomes: Sequence[Outcome]) -> str:
    """The page of the docs."""
    return '\n'.join(_lines(outcomes)) + '\n'


def _lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    counts = {kind: sum(each.kind == kind for each in outcomes) for kind in KINDS}
    yield '# Families of models'
    yield ''
    yield from HEAD.format(version=transformers.__version__, torch=torch.__version__).splitlines()
    for kind, meaning in KINDS.items():
        yield f'\n## {kind.capitalize()}: {counts[kind]}\n'
        yield f'{meaning}\n'
        rows = [each for each in outcomes if each.kind == kind]
        if kind == 'packed':
            yield ', '.join(f'`{each.family}`' + '*' * each.has_window for each in rows) + '.'
            continue
        yield '| family | why |'
        yield '|---|---|'
        for each in rows:
            why = each.remark.removeprefix(UNTRIED).replace('|', '/').strip()
            yield f'| `{each.family}` | {why} |'


KINDS = {
    'packed': 'Every layout of the data; * with windows.',
    'plain': (
        'Train with `train_dataloader.collate_fn.pack=False train_dataloader.collate_fn.'
        'share_prompt=False train_cfg.row_tokens=None`, which the message of the refusal says.'
    ),
    'refused': 'A message before the first step says why.',
    'untried': 'The script could not build a tiny one; a training tries it all the same.',
}
HEAD = """Made by `python benchmarks/families.py --page docs/families.md`; transformers {version},
torch {torch}. A tiny random model of each causal family (`model_type` in `config.json`) computed
loss and gradient of the same pairs packed, in rows of their own, and by its own forward pass. What
stands under *packed* agreed to 1e-4 in fp32. A model is judged by what its layers are, not by its
name, and the first batch of every training is compared with the plain computation."""


def main() -> None:
    """Try the families, print what was found, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--page', type=Path, help='markdown file to write')
    parser.add_argument('--families', nargs='*', help='these alone')
    options = parser.parse_args()
    warnings.simplefilter('ignore')
    logging.disable(logging.WARNING)
    outcomes = []
    for family in options.families or families():
        outcomes.append(try_family(family))
        print(f'{family:24} {outcomes[-1].kind:8} {outcomes[-1].remark}', flush=True)
    if options.page:
        options.page.write_text(page(outcomes), encoding='utf-8')


if __name__ == '__main__':
    main()
