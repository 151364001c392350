"""Engines as a config names them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.engines.base import Completion
from maskdpo_xtuner.engines.lmdeploy import LMDeployEngine
from maskdpo_xtuner.engines.openai import OpenAIEngine
from maskdpo_xtuner.settings import Settings, guard_work_dir, load_settings
from tests.engines.lmdeploy_server import MODEL_NAME, Server
from tests.engines.requests import ask, request_of

SERVED = {'type': 'openai', 'model': 'm', 'base_urls': ['http://a:1', 'http://b:1']}
LOCAL = {'type': 'lmdeploy', 'model': 'm', 'options': {'tp': 2, 'session_len': 512}}


def settings_of(tmp_path: Path, policy: dict[str, Any]) -> Settings:
    config = tmp_path / 'config.py'
    questions = {'type': 'table', 'table': 'elements', 'split': 'train'}
    config.write_text(f'work_dir = "w"\nquestions = {questions!r}\npolicy = {policy!r}\n')
    return load_settings(config)


def test_the_openai_engine_is_built_from_a_config(tmp_path: Path, server: Server) -> None:
    policy = {'type': 'openai', 'model': MODEL_NAME, 'base_urls': server.urls[:2]}
    engine = settings_of(tmp_path, {**policy, 'concurrency_per_endpoint': 3}).policy.build()
    assert isinstance(engine, OpenAIEngine)
    assert engine.concurrency == 6
    assert isinstance(ask(engine, request_of('hi'))[0], Completion)


def test_the_lmdeploy_engine_is_built_from_a_config(
    tmp_path: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('maskdpo_xtuner.engines.lmdeploy._check_machine', lambda device: None)
    policy = {**LOCAL, 'model': str(model_folder), 'options': {'max_batch_size': 8}}
    engine = settings_of(tmp_path, policy).policy.build()
    assert isinstance(engine, LMDeployEngine)
    assert engine.concurrency == 10


@pytest.mark.parametrize(
    ('policy', 'elsewhere'),
    [
        (SERVED, {'base_urls': ['http://c:1'], 'timeout': 5.0, 'concurrency_per_endpoint': 2}),
        (LOCAL, {'options': {'tp': 1, 'session_len': 512}, 'timeout': 5.0}),
    ],
)
def test_a_work_dir_goes_on_elsewhere_but_not_with_another_model(
    tmp_path: Path, policy: dict[str, Any], elsewhere: dict[str, Any]
) -> None:
    guard_work_dir(tmp_path / 'w', settings_of(tmp_path, policy).flat(['policy']))
    moved = settings_of(tmp_path, {**policy, **elsewhere})
    guard_work_dir(tmp_path / 'w', moved.flat(['policy']))
    other = settings_of(tmp_path, {**policy, 'model': 'other'})
    with pytest.raises(ValueError, match="policy.model: 'm' -> 'other'"):
        guard_work_dir(tmp_path / 'w', other.flat(['policy']))


def test_an_option_that_changes_answers_is_guarded(tmp_path: Path) -> None:
    guard_work_dir(tmp_path / 'w', settings_of(tmp_path, LOCAL).flat(['policy']))
    other = settings_of(tmp_path, {**LOCAL, 'options': {'tp': 2, 'session_len': 1024}})
    with pytest.raises(ValueError, match='session_len: 512 -> 1024'):
        guard_work_dir(tmp_path / 'w', other.flat(['policy']))


@pytest.mark.parametrize(
    ('policy', 'said'),
    [
        ({**SERVED, 'base_url': ['http://a:1']}, 'did you mean "base_urls"'),
        ({'type': 'openai', 'model': 'm'}, 'base_urls: Field required'),
        ({**LOCAL, 'backend': 'vllm'}, "backend: Input should be 'turbomind' or 'pytorch'"),
        ({**LOCAL, 'type': 'vllm'}, 'registered are transformers, lmdeploy, openai;'),
    ],
)
def test_a_wrong_engine_is_refused_by_name(
    tmp_path: Path, policy: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        settings_of(tmp_path, policy)
