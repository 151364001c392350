"""The configs of docs/paper.md that are no ablation change what they declare, in ten lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from maskdpo_xtuner.annotators.factscore.settings import FactScoreSettings
from maskdpo_xtuner.settings import load_settings
from tests.test_configs import flat

CONFIGS = Path(__file__).parents[1] / 'configs'
PAPER = CONFIGS / 'paper'
PATH = 'train_dataloader.dataset.dataset.path'
LLM, TOKENIZER = (f'{key}.pretrained_model_name_or_path' for key in ('model.llm', 'tokenizer'))


def pairs(name: str) -> dict[str, Any]:
    return {PATH: f'work_dirs/{name}/pairs.jsonl'}


def from_sft(run: str) -> dict[str, Any]:
    return dict.fromkeys((LLM, TOKENIZER), f'work_dirs/paper/{run}/seed_1/hf')


SAMPLED = ['non_policy', 'document', *(f'temperature_{t}' for t in ('0_25', '0_5', '0_75', '1_0'))]
DECLARED: dict[str, dict[str, Any]] = {
    **{f'llama3_8b_maskdpo_{name}': pairs(f'llama3_8b_{name}') for name in SAMPLED},
    **{f'smollm2_135m_maskdpo_{name}': pairs(f'smollm2_135m_{name}') for name in SAMPLED},
    'llama3_8b_facttune': pairs('llama3_8b_facttune_pairs'),
    'llama3_8b_base_sft_maskdpo': {**from_sft('llama3_8b_base_sft'), **pairs('llama3_8b_anah')},
    'llama3_8b_flame': {**from_sft('llama3_8b_flame_sft'), **pairs('llama3_8b_flame_pairs')},
    'smollm2_135m_maskdpo_no_nll': {'model.loss_options.nll': 0.0},
    'smollm2_135m_dpo_no_nll': {'model.loss_options.nll': 0.0},
    'smollm2_135m_maskdpo_beta_0_5': {'model.beta': 0.5},
    'smollm2_135m_maskdpo_beta_1': {'model.beta': 1.0},
    'smollm2_135m_dpop': {'model.loss_type': 'dpop'},
    'smollm2_135m_tdpo2': {'model.loss_type': 'tdpo2'},
    'smollm2_135m_sepo': {
        'model.loss_type': 'sepo',
        'model.beta': 1.0,
        **pairs('smollm2_135m_sepo'),
    },
    'smollm2_135m_facttune': {'train_cfg.max_epochs': 1, **pairs('smollm2_135m_all_pairs')},
    'smollm2_135m_sft_maskdpo': from_sft('smollm2_135m_xtuner_sft'),
}
SFT = {'llama3_8b_base_sft', 'llama3_8b_flame_sft', 'smollm2_135m_xtuner_sft'}
BY_NAME = {path.stem: path for path in PAPER.rglob('*.py')}


def load(path: Path) -> Config:
    return Config.fromfile(path, import_custom_modules=False)


def settings(path: Path) -> dict[str, Any]:
    """The leaves of a config, without its helper variables."""
    leaves = flat(load(path).to_dict())
    return {key: value for key, value in leaves.items() if not key.startswith('_')}


def test_every_config_is_declared_and_has_at_most_ten_lines() -> None:
    assert set(BY_NAME) == {*DECLARED, *SFT}
    ours = [*PAPER.rglob('*.py'), *(CONFIGS / 'data').glob('small/*.py')]
    for path in (*ours, *(CONFIGS / 'data').glob('baselines/*.py')):
        assert len(path.read_text(encoding='utf-8').splitlines()) <= 10, path


@pytest.mark.parametrize('name', DECLARED)
def test_a_recipe_changes_exactly_what_it_declares(name: str) -> None:
    path = BY_NAME[name]
    text = path.read_text(encoding='utf-8')
    (parent,) = (line for line in text.splitlines() if line.startswith('_base_'))
    own, base = (settings(each) for each in (path, path.parent / parent.split("'")[1]))
    assert {key: value for key, value in own.items() if base.get(key) != value} == DECLARED[name]
    assert set(base) <= set(own)


@pytest.mark.parametrize('name', sorted(SFT))
def test_sft_is_xtuners_own_on_whole_chosen_responses(name: str) -> None:
    cfg = load(BY_NAME[name])
    assert cfg.model.type == 'xtuner.model.SupervisedFinetune'
    assert set(cfg.model) == {'type', 'llm'}
    data = cfg.train_dataloader.dataset
    assert (data.type, data.dataset_map_fn) == ('build_chosen_dataset', 'response_mask_map_fn')
    assert cfg.train_dataloader.collate_fn.type.endswith('default_collate_fn')


def test_the_base_model_is_tuned_with_the_template_of_the_instruct_model() -> None:
    cfg = load(BY_NAME['llama3_8b_base_sft'])
    assert cfg.model.llm.pretrained_model_name_or_path == 'meta-llama/Llama-3.1-8B'
    assert cfg.tokenizer.pretrained_model_name_or_path == 'meta-llama/Llama-3.1-8B-Instruct'
    flame = load(BY_NAME['llama3_8b_flame_sft'])
    assert flame.model.llm.pretrained_model_name_or_path == 'meta-llama/Llama-3.1-8B-Instruct'


def test_facttune_pairs_all_of_ten_answers_by_factscore_over_the_answers_of_the_base() -> None:
    data = CONFIGS / 'data'
    own = load_settings(data / 'baselines' / 'llama3_8b_facttune_pairs.py')
    assert isinstance(own.annotator, FactScoreSettings)
    assert (own.pairs.rule, own.pairs.max_pairs, own.sampling.num_samples) == ('all', None, 10)
    assert own.store_path == load_settings(data / 'llama3_8b_anah.py').store_path
    assert own.annotation == 'all'


def test_flame_is_tuned_on_what_the_model_said_before_and_pairs_what_it_says_after() -> None:
    baselines = CONFIGS / 'data' / 'baselines'
    before = load_settings(baselines / 'llama3_8b_flame_sft_pairs.py')
    after = load_settings(baselines / 'llama3_8b_flame_pairs.py')
    assert before.policy.model == 'meta-llama/Llama-3.1-8B'
    template = before.policy.template_kwargs['chat_template']
    assert template.count('<|end_of_text|>') == template.count('\nAnswer: ') == 5
    assert template.endswith("Question: {{ messages[-1]['content'] }}\nAnswer:")
    assert after.policy.model == 'work_dirs/paper/llama3_8b_flame_sft/seed_1/hf'
    assert before.pairs.rule == after.pairs.rule == 'best_worst'


def test_two_judges_score_the_papers_tables_1_to_3_and_anah_v2_leads() -> None:
    for name in ('llama3_8b_two_judges', 'open_models_two_judges'):
        asked = load_settings(CONFIGS / 'evaluation' / f'{name}.py').evaluation
        assert asked is not None
        assert [judge.annotator.type for judge in asked.judges] == ['anah_v2', 'factscore']
        assert (asked.num_runs, asked.top_k) == (1, 1)


def test_in_small_the_models_are_asked_once_on_held_out_topics_by_both_judges() -> None:
    asked = load_settings(CONFIGS / 'evaluation' / 'smollm2_135m_paper.py')
    train = {question.topic for question in asked.questions.load()}
    assert asked.evaluation is not None
    assert asked.evaluation.questions is not None
    test = {question.topic for question in asked.evaluation.questions.load()}
    assert not train & test
    assert [judge.annotator.type for judge in asked.evaluation.judges] == ['lexical', 'table']
    assert asked.evaluation.num_runs == 1
