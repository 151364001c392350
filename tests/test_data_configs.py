"""The configs of the data tools load, are the paper's, and differ in what they declare."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from maskdpo_xtuner.annotators.classifier.settings import ClassifierSettings
from maskdpo_xtuner.annotators.llm.settings import LLMSettings
from maskdpo_xtuner.annotators.settings import AnahV2Settings
from maskdpo_xtuner.settings import Settings, load_settings

DATA = Path(__file__).parents[1] / 'configs' / 'data'
CONFIGS = sorted(DATA.rglob('*.py'))
STRATEGIES = sorted((DATA / 'strategies').glob('*.py'))

BASE_STORE = Path('work_dirs/llama3_8b_anah/completions.sqlite')

# What each strategy changes of `llama3_8b_anah.py`, beside its work dir.
DECLARED: dict[str, dict[str, Any]] = {
    'llama3_8b_non_policy': {
        'policy.model': 'internlm/internlm2-chat-7b-sft',
        'policy.trust_remote_code': True,
    },
    'llama3_8b_document': {'sampling.document_for_chosen': True, 'store': BASE_STORE},
    'llama3_8b_best_of_256': {
        'sampling.num_samples': 256,
        'evaluation.num_runs': 256,
        'evaluation.top_k': 40,
        'store': BASE_STORE,
    },
    'llama3_8b_facts_pairs': {
        'pairs.no_facts': 'ignored',
        'pairs.ties': 'most_facts',
        'store': BASE_STORE,
    },
    'llama3_8b_all_pairs': {
        'sampling.num_samples': 10,
        'pairs.rule': 'all',
        'store': BASE_STORE,
    },
    'llama3_8b_temperature_0_25': {'sampling.temperature': 0.25},
    'llama3_8b_temperature_0_5': {'sampling.temperature': 0.5},
    'llama3_8b_temperature_0_75': {'sampling.temperature': 0.75},
    'llama3_8b_temperature_1_0': {'sampling.temperature': 1.0},
}


def flat(value: Any, prefix: str = '') -> dict[str, Any]:
    """Leaves of nested dicts under dotted keys."""
    if not isinstance(value, dict):
        return {prefix: value}
    return {
        key: leaf
        for name, inner in value.items()
        for key, leaf in flat(inner, f'{prefix}.{name}' if prefix else name).items()
    }


@cache
def settings_of(path: Path) -> Settings:
    return load_settings(path)


def load(path: Path) -> dict[str, Any]:
    return flat(settings_of(path).model_dump())


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_a_config_loads_as_text_and_has_a_work_dir_of_its_own(path: Path) -> None:
    assert not Config._is_lazy_import(str(path))
    work_dirs = [settings_of(other).work_dir for other in CONFIGS]
    assert work_dirs.count(settings_of(path).work_dir) == 1


@pytest.mark.parametrize('name', ['llama3_8b_anah', 'internlm2_7b_anah'])
def test_the_papers_data(name: str) -> None:
    settings = load_settings(DATA / f'{name}.py')
    sampling = settings.sampling
    assert (sampling.num_samples, sampling.top_k, sampling.temperature) == (32, 40, 0.8)
    assert sampling.top_p == 1
    annotator = settings.annotator
    assert isinstance(annotator, AnahV2Settings)
    assert annotator.engine.model == 'opencompass/anah-v2'
    assert annotator.prompts is None
    assert settings.policy.type == annotator.engine.type == 'lmdeploy'


def test_the_papers_evaluation_is_greedy_and_its_best_of_n_is_not() -> None:
    papers = load_settings(DATA / 'llama3_8b_anah.py')
    served = load_settings(DATA / 'llama3_8b_anah_served.py')
    best = load_settings(DATA / 'strategies' / 'llama3_8b_best_of_256.py')
    for settings, runs, top_k in ((papers, 1, 1), (served, 1, 1), (best, 256, 40)):
        assert settings.evaluation is not None
        assert (settings.evaluation.num_runs, settings.evaluation.top_k) == (runs, top_k)


@pytest.mark.parametrize(
    ('name', 'base', 'kind'),
    [
        ('llama3_8b_llm_judge_served', 'llama3_8b_anah_served', LLMSettings),
        ('llama3_8b_nli_judge', 'llama3_8b_anah', ClassifierSettings),
    ],
)
def test_another_judge_of_the_papers_answers(name: str, base: str, kind: type) -> None:
    assert len((DATA / f'{name}.py').read_text(encoding='utf-8').splitlines()) <= 10
    own, papers = load_settings(DATA / f'{name}.py'), load_settings(DATA / f'{base}.py')
    assert isinstance(own.annotator, kind)
    assert isinstance(papers.annotator, AnahV2Settings)
    same = {'annotator', 'work_dir'}
    assert own.model_dump(exclude=same) == papers.model_dump(exclude=same)


@pytest.mark.parametrize('path', STRATEGIES, ids=lambda path: path.stem)
def test_a_strategy_changes_exactly_what_it_declares(path: Path) -> None:
    assert len(path.read_text(encoding='utf-8').splitlines()) <= 10
    own, default = load(path), load(DATA / 'llama3_8b_anah.py')
    changed = {key: value for key, value in own.items() if default[key] != value}
    assert changed.pop('work_dir') == Path('work_dirs') / path.stem
    assert changed == DECLARED[path.stem]


def test_our_own_pairs_are_those_of_their_base() -> None:
    own = Config.fromfile(DATA / 'strategies' / 'llama3_8b_facts_pairs.py').pairs
    assert own == Config.fromfile(DATA.parent / '_base_' / 'facts_pairs.py').pairs


def test_every_declaration_has_its_strategy() -> None:
    assert {path.stem for path in STRATEGIES} == set(DECLARED)


@pytest.mark.parametrize('name', [name for name, changes in DECLARED.items() if 'store' in changes])
def test_strategies_over_the_same_answers_remember_them_in_the_same_file(name: str) -> None:
    base = load_settings(DATA / 'llama3_8b_anah.py')
    assert load_settings(DATA / 'strategies' / f'{name}.py').store_path == base.store_path


SUBSETS = sorted((DATA / 'subsets').glob('*.py'))
JUDGES = sorted((DATA / 'judges').glob('*.py'))


def whole_run_of(path: Path) -> Path:
    """The config whose store a config shares."""
    store = settings_of(path).store
    assert store is not None
    return DATA / f'{store.parent.name}.py'


@pytest.mark.parametrize('path', [*SUBSETS, *JUDGES], ids=lambda path: path.stem)
def test_a_subset_or_another_judge_changes_that_alone_and_shares_the_store(path: Path) -> None:
    assert len(path.read_text(encoding='utf-8').splitlines()) <= 10
    what = {'subsets': 'subset', 'judges': 'annotator'}[path.parent.name]
    own, whole = settings_of(path), settings_of(whole_run_of(path))
    assert getattr(own, what) != getattr(whole, what)
    assert own.work_dir.name == path.stem
    changed = {what, 'work_dir', 'store'}
    assert own.model_dump(exclude=changed) == whole.model_dump(exclude=changed)
    assert own.store_path == whole.store_path


@pytest.mark.parametrize('path', SUBSETS, ids=lambda path: path.stem)
def test_both_halves_of_a_subset_are_of_the_same_split(path: Path) -> None:
    subset = settings_of(path).subset
    assert subset is not None
    others = {'near': 'far', 'far': 'near', 'first': 'second', 'second': 'first'}
    other = others.get(str(subset.part))
    if other is None:
        assert subset.part in {*'124', *(f'{n}/{of}' for n in '124' for of in '37')}
        return
    assert f'_{subset.part}_' in path.stem
    twin = settings_of(path.with_stem(path.stem.replace(f'_{subset.part}_', f'_{other}_'))).subset
    assert twin == subset.model_copy(update={'part': other})
