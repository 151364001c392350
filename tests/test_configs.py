"""Every training config loads, names only what exists, and an ablation changes what it declares."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config
from mmengine.registry import DATASETS, FUNCTIONS, HOOKS, LOOPS, MODELS, PARAM_SCHEDULERS
from xtuner.registry import BUILDER, MAP_FUNC

from maskdpo_xtuner.builtin.wheels import cache_dir

CONFIGS = Path(__file__).parents[1] / 'configs'
# The tools' own configs have other keys and a test of their own.
TRAINING = sorted(
    path.relative_to(CONFIGS)
    for path in CONFIGS.rglob('*.py')
    if not {'_base_', 'data', 'evaluation', 'rounds'} & set(path.relative_to(CONFIGS).parts)
)
# Models that came with a later transformers than the oldest that is tested.
LATER = {'qwen3_8b_maskdpo': '4.51', 'gemma3_12b_maskdpo': '4.51'}
INSTALLED = tuple(int(part) for part in version('transformers').split('.')[:2])
TRAINING = [path for path in TRAINING if INSTALLED >= (4, 51) or path.stem not in LATER]
ABLATIONS = [path for path in TRAINING if path.parts[0] == 'ablations']

# What each ablation changes of its parent, as key: value.
DECLARED: dict[str, dict[str, Any]] = {
    'llama3_8b_dpo': {'train_dataloader.dataset.dataset_map_fn': 'response_mask_map_fn'},
    'llama3_8b_dpo_nll': {'model.loss_options.nll': 1.0},
    'llama3_8b_dpop': {'model.loss_type': 'dpop'},
    'llama3_8b_sepo': {
        'model.loss_type': 'sepo',
        'model.beta': 1.0,
        'train_dataloader.dataset.dataset.path': 'pairs_sepo.jsonl',
        'train_dataloader.dataset.end_of_turn': 'never',
    },
    'llama3_8b_sft': {'model.loss_type': 'sft'},
    'llama3_8b_tdpo1': {'model.loss_type': 'tdpo1'},
    'llama3_8b_tdpo2': {'model.loss_type': 'tdpo2'},
    'smollm2_135m_sft': {'model.loss_type': 'sft'},
    'smollm2_135m_dpo': {'train_dataloader.dataset.dataset_map_fn': 'response_mask_map_fn'},
    'smollm2_135m_no_shortcuts': {
        'model.logits.supervised_only': False,
        'model.reference': 'model',
        'train_dataloader.collate_fn.pack': False,
        'train_dataloader.collate_fn.share_prompt': False,
        'train_dataloader.collate_fn.cut_tail': False,
    },
}


def load(path: Path) -> Config:
    return Config.fromfile(CONFIGS / path)


def flat(value: Any, prefix: str = '') -> dict[str, Any]:
    """Leaves of nested dicts and lists under dotted keys."""
    if isinstance(value, dict):
        children: Iterator[tuple[Any, Any]] = iter(value.items())
    elif isinstance(value, (list, tuple)):
        children = enumerate(value)
    else:
        return {prefix.rstrip('.'): value}
    leaves: dict[str, Any] = {}
    for key, child in children:
        leaves.update(flat(child, f'{prefix}{key}.'))
    return leaves


@pytest.mark.parametrize('path', TRAINING, ids=str)
def test_a_config_is_a_text_config_that_imports_the_plugin(path: Path) -> None:
    assert not Config._is_lazy_import(str(CONFIGS / path))
    assert load(path).custom_imports['imports'] == ['maskdpo_xtuner.training']


@pytest.mark.parametrize('path', TRAINING, ids=str)
def test_every_name_in_a_config_is_registered(path: Path) -> None:
    config = load(path)
    data = config.train_dataloader
    named = [
        (MODELS, config.model.type),
        (BUILDER, config.model.type),
        (BUILDER, config.model.llm.type),
        (BUILDER, config.tokenizer.type),
        (DATASETS, data.dataset.type),
        (BUILDER, data.dataset.dataset.type),
        (MAP_FUNC, data.dataset.dataset_map_fn),
        (FUNCTIONS, data.collate_fn.type),
        (LOOPS, config.train_cfg.type),
        *((PARAM_SCHEDULERS, scheduler.type) for scheduler in config.param_scheduler),
        *((HOOKS, hook.type) for hook in config.default_hooks.values()),
    ]
    for registry, name in named:
        assert registry.get(name) is not None, f'{name} in {registry.name}'


@pytest.mark.parametrize('path', TRAINING, ids=str)
def test_the_policy_and_its_tokenizer_are_one_model(path: Path) -> None:
    config = load(path)
    model = config.model.llm.pretrained_model_name_or_path
    if path.stem == 'llama3_8b_base_sft':  # It has no template of its own.
        model += '-Instruct'
    assert config.tokenizer.pretrained_model_name_or_path == model
    # The data set takes the config's tokenizer: one path less to override.
    assert 'tokenizer' not in config.train_dataloader.dataset


@pytest.mark.parametrize('path', ABLATIONS, ids=str)
def test_an_ablation_changes_exactly_what_it_declares(path: Path) -> None:
    text = (CONFIGS / path).read_text(encoding='utf-8')
    assert len(text.splitlines()) <= 10
    (parent,) = (line for line in text.splitlines() if line.startswith('_base_'))
    config, base_config = load(path), load(path.parent / parent.split("'")[1])
    own, base = flat(config.to_dict()), flat(base_config.to_dict())
    missing = set(base) - set(own)
    changed = {key: value for key, value in own.items() if base.get(key) != value}
    assert not missing
    assert changed == DECLARED[path.stem]


def test_every_declaration_has_its_ablation() -> None:
    assert {path.stem for path in ABLATIONS} == set(DECLARED)


@pytest.mark.parametrize('name', ['llama3_8b_maskdpo', 'internlm2_7b_maskdpo'])
def test_the_papers_settings(name: str) -> None:
    config = load(Path(f'{name}.py'))
    eight_gpus = 8 * config.train_dataloader.batch_size * config.optim_wrapper.accumulative_counts
    assert eight_gpus == 64
    assert config.train_cfg.max_epochs == 3
    assert config.optim_wrapper.optimizer == {
        'type': 'AdamW',
        'lr': 5e-6,
        'betas': (0.9, 0.999),
        'weight_decay': 0.0,
    }
    assert config.optim_wrapper.clip_grad.max_norm == 1
    assert (config.model.loss_type, config.model.beta) == ('sigmoid', 0.1)
    assert 'loss_options' not in config.model
    assert config.train_dataloader.dataset.max_length == 1024
    # Its 377 steps have checkpoints before the end.
    assert 0 < config.default_hooks.checkpoint.interval < 377
    assert config.model.llm.torch_dtype == 'torch.bfloat16'
    warmup, cosine = config.param_scheduler
    assert warmup.end == cosine.begin == pytest.approx(0.03 * 3)


def test_with_lora_one_gpu_takes_the_papers_steps() -> None:
    config, base = load(Path('llama3_8b_maskdpo_lora.py')), load(Path('llama3_8b_maskdpo.py'))
    assert config.train_dataloader.batch_size * config.optim_wrapper.accumulative_counts == 64
    assert config.model.lora.type == 'peft.LoraConfig'
    changed = {'model.lora', 'optim_wrapper.accumulative_counts', 'optim_wrapper.optimizer.lr'}
    own, whole = flat(config.to_dict()), flat(base.to_dict())
    differing = {key for key, value in own.items() if whole.get(key) != value}
    assert all(any(key.startswith(name) for name in changed) for key in differing)


def test_qlora_is_lora_over_4_bits_and_fits_24_gb() -> None:
    from transformers import BitsAndBytesConfig
    from xtuner.model.utils import traverse_dict

    from maskdpo_xtuner.training.monitoring.memory import MemorySettings, ModelShape
    from maskdpo_xtuner.training.recomputation import least_share

    path = Path('llama3_8b_maskdpo_qlora.py')
    assert len((CONFIGS / path).read_text(encoding='utf-8').splitlines()) <= 10
    own, lora = (flat(load(each).to_dict()) for each in (path, Path('llama3_8b_maskdpo_lora.py')))
    changed = {key for key, value in own.items() if lora.get(key) != value}
    # Variables of a file stay in what mmengine makes of it.
    passed_over = ('_', 'model.llm.quantization_config.')
    assert {key for key in changed if not key.startswith(passed_over)} == {
        'model.use_activation_checkpointing'
    }
    # As XTuner builds what the config says of the model.
    llm = load(path).model.llm
    traverse_dict(llm)
    assert isinstance(llm.quantization_config, BitsAndBytesConfig)
    assert (llm.quantization_config.load_in_4bit, llm.quantization_config.quant_method) == (
        *(True, 'bitsandbytes'),
    )
    # Llama-3.1-8B: 6.98e9 weights of 4.13 bits, 1.05e9 of embedding and head in bf16; LoRA of rank
    # 64 on the seven matrices of each layer.
    held = (6.98e9 * 4.13 / 8 + 1.05e9 * 2) / 8.03e9
    trainable = 167_772_160
    shape = ModelShape(8_030_261_248, 32, 4096, 14336, 128256)
    settings = MemorySettings(
        load(path).train_cfg.row_tokens, weight_bytes=held, trainable=trainable, reference=False
    )
    # Half a gigabyte of a card of 24 GB is CUDA's own.
    assert 0 < least_share(shape, settings, 23.5e9) < 1


def test_our_own_recipe_changes_the_pairs_and_adds_the_likelihood_term() -> None:
    path = Path('llama3_8b_maskdpo_facts.py')
    assert len((CONFIGS / path).read_text(encoding='utf-8').splitlines()) <= 10
    own, papers = (flat(load(each).to_dict()) for each in (path, Path('llama3_8b_maskdpo.py')))
    assert set(papers) <= set(own)
    assert {key: value for key, value in own.items() if papers.get(key) != value} == {
        'model.loss_options.nll': 1.0,
        'train_dataloader.dataset.dataset.path': 'work_dirs/llama3_8b_facts_pairs/pairs.jsonl',
    }


def test_only_models_outside_transformers_trust_remote_code() -> None:
    trusting = {p.stem for p in TRAINING if load(p).model.llm.get('trust_remote_code', False)}
    assert trusting == {'internlm2_7b_maskdpo'}


def test_the_demo_uses_the_built_in_model_and_the_tools_pairs() -> None:
    config = load(Path('smollm2_135m_maskdpo.py'))
    model = cache_dir() / 'models' / 'SmolLM2-135M-Instruct'
    assert config.model.llm.pretrained_model_name_or_path == str(model)
    pairs = config.train_dataloader.dataset.dataset.path
    assert pairs == 'work_dirs/smollm2_135m_elements/pairs.jsonl'


@pytest.mark.parametrize('name', LATER)
@pytest.mark.parametrize('installed', ['4.48.0', '4.50.3', '4.9.1'])
def test_a_config_of_a_later_model_says_what_it_needs(
    name: str, installed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('maskdpo_xtuner.config_files.version', lambda package: installed)
    with pytest.raises(ValueError, match=rf'needs transformers 4\.51 or newer, and {installed} is'):
        load(Path(f'{name}.py'))
    assert f'Needs transformers {LATER[name]}' in (CONFIGS / f'{name}.py').read_text()


@pytest.mark.parametrize('name', LATER)
def test_a_config_of_a_later_model_is_the_papers_but_for_the_model(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('maskdpo_xtuner.config_files.version', lambda package: '4.57.6')
    own, base = load(Path(f'{name}.py')), load(Path('llama3_8b_maskdpo.py'))
    changed = {
        key for key, value in flat(own.to_dict()).items() if flat(base.to_dict()).get(key) != value
    }
    allowed = {
        'tokenizer.pretrained_model_name_or_path',
        'model.llm.pretrained_model_name_or_path',
        *({'train_dataloader.dataset.template_kwargs.enable_thinking'} if 'qwen3' in name else ()),
        *({'model.llm.type'} if 'gemma3' in name else ()),
    }
    assert {key for key in changed if key[0] != '_'} == allowed
    assert len((CONFIGS / f'{name}.py').read_text().splitlines()) <= 10
