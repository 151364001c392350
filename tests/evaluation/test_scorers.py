from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.engines.settings import OpenAISettings, TransformersSettings
from maskdpo_xtuner.evaluation.planning import plan
from maskdpo_xtuner.evaluation.scorers import scorers_of
from maskdpo_xtuner.settings import Settings
from tests.evaluation.test_run import settings

SERVED = OpenAISettings(type='openai', model='m', base_urls=['http://localhost:1'])


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What scorers were made with."""
    calls: list[dict[str, Any]] = []

    def make(model: str, **options: Any) -> object:
        calls.append({'model': model, **options})
        return object()

    monkeypatch.setattr('maskdpo_xtuner.evaluation.scorers.PerplexityScorer', make)
    return calls


def names(asked: Settings, models: dict[str, str | None]) -> list[str]:
    assert asked.evaluation is not None
    name, trainings = next(iter(plan(asked, models).models.items()))
    return list(scorers_of(asked.evaluation, asked.policy, name, trainings[name]))


def test_the_first_model_is_scored_with_as_the_policy_is_run(
    tmp_path: Path, made: list[dict[str, Any]]
) -> None:
    policy = TransformersSettings(
        model='some/model',
        dtype='bfloat16',
        device='cpu',
        revision='r',
        template_kwargs={'enable_thinking': False},
    )
    asked = settings(tmp_path, text_quality=True).model_copy(update={'policy': policy})
    assert names(asked, {'base': None, 'aligned': 'x'}) == ['base']
    options = {
        'dtype': 'bfloat16',
        'device': 'cpu',
        'trust_remote_code': False,
        'template_kwargs': {'enable_thinking': False},
    }
    assert made == [{'model': 'some/model', 'revision': 'r', **options}]


def test_a_first_model_by_path_is_that_folder_and_has_no_revision(
    tmp_path: Path, made: list[dict[str, Any]]
) -> None:
    assert names(settings(tmp_path, text_quality=True), {'old': 'folder/old'}) == ['old']
    assert (made[0]['model'], made[0]['revision']) == ('folder/old', None)


def test_a_served_policy_is_not_loaded_here_unless_a_model_is_named(
    tmp_path: Path, made: list[dict[str, Any]]
) -> None:
    served = settings(tmp_path, text_quality=True).model_copy(update={'policy': SERVED})
    assert names(served, {'base': None}) == []
    named = settings(tmp_path, perplexity=['openai-community/gpt2'])
    served = named.model_copy(update={'policy': SERVED})
    assert names(served, {'base': None}) == ['gpt2']
    assert [call['model'] for call in made] == ['openai-community/gpt2']


def test_text_quality_turns_the_first_model_off_and_not_those_named(
    tmp_path: Path, made: list[dict[str, Any]]
) -> None:
    asked = settings(tmp_path, text_quality=False, perplexity=['a/gpt2', 'b/gpt2'])
    assert names(asked, {'base': None}) == ['gpt2', 'b/gpt2']


def test_a_model_that_measures_may_have_a_name_and_a_list_names_by_the_last_part(
    tmp_path: Path, made: list[dict[str, Any]]
) -> None:
    named = {'SFT': 'work_dirs/sft/hf', 'DPO': 'work_dirs/dpo/hf'}
    assert names(settings(tmp_path, perplexity=named), {'base': None}) == ['SFT', 'DPO']
    assert [call['model'] for call in made] == ['work_dirs/sft/hf', 'work_dirs/dpo/hf']
    alone = settings(tmp_path, perplexity='openai-community/gpt2')
    assert names(alone, {'base': None}) == ['gpt2']
    with pytest.raises(ValueError, match='perplexity'):
        settings(tmp_path, perplexity=[3])
