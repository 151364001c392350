"""Pairs by other rules from the answers of a work dir."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.annotators.settings import LexicalSettings
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.engines.settings import TransformersSettings
from maskdpo_xtuner.pipeline.pairing_anew import pair_anew
from maskdpo_xtuner.pipeline.run import run_pipeline
from maskdpo_xtuner.pipeline.shards import Shard
from maskdpo_xtuner.settings import Settings
from tests.pipeline.work_dirs import contents, mixed_response, settings_of

SAMPLING = {'num_samples': 6, 'max_new_tokens': 50}


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(TransformersSettings, 'build', lambda self: ScriptedEngine(mixed_response))
    settings = settings_of(tmp_path, sampling=SAMPLING)
    run_pipeline(settings, quiet=True)
    return settings


def other(source: Settings, **changes: Any) -> Settings:
    """The settings with another work dir and other pairs."""
    work_dir = source.work_dir.with_name('other')
    return source.model_validate({**dict(source), 'work_dir': work_dir, **changes})


def test_the_bytes_are_those_of_a_whole_run_and_nothing_is_asked(
    source: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = other(source, pairs={'rule': 'all'})
    with monkeypatch.context() as patch:
        for part in (TransformersSettings, LexicalSettings):
            patch.setattr(part, 'build', lambda self: pytest.fail('a model is built'))
        summary = pair_anew(again, source.work_dir)
        assert pair_anew(again, source.work_dir).pairs == summary.pairs  # and once more
    whole = other(source, pairs={'rule': 'all'}, work_dir=tmp_path / 'whole')
    assert run_pipeline(whole, quiet=True).pairs == summary.pairs > 3
    assert contents(again.work_dir) == contents(whole.work_dir)


def test_the_same_work_dir_is_kept(source: Settings) -> None:
    with pytest.raises(ValueError, match='keeps its pairs; name another work dir'):
        pair_anew(source, source.work_dir)


def test_another_rule_in_the_new_work_dir_is_refused(source: Settings) -> None:
    pair_anew(other(source), source.work_dir)
    with pytest.raises(ValueError, match=r"pairs\.rule: 'best_worst' -> 'all'"):
        pair_anew(other(source, pairs={'rule': 'all'}), source.work_dir)


def test_other_questions_or_sampling_are_refused(source: Settings, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'sampling\.seed: 0 -> 1'):
        pair_anew(other(source, sampling={**SAMPLING, 'seed': 1}), source.work_dir)
    (tmp_path / 'few').mkdir()
    fewer = settings_of(tmp_path / 'few', questions=2, sampling=SAMPLING)
    with pytest.raises(ValueError, match=r'questions\.count: 3 -> 2'):
        pair_anew(fewer, source.work_dir)


def test_an_unfinished_work_dir_and_a_shard_are_refused(source: Settings) -> None:
    (source.work_dir / 'summary.json').unlink()
    with pytest.raises(ValueError, match='is not finished; run `maskdpo sample` for it'):
        pair_anew(other(source), source.work_dir)
    shard = Shard(0, 3)
    run_pipeline(source, shard, quiet=True)
    with pytest.raises(ValueError, match='is a shard; put the shards together'):
        pair_anew(other(source), shard.folder(source.work_dir))


def test_what_is_kept_is_what_the_answers_were_made_from(source: Settings) -> None:
    again = other(source, pairs={'no_facts': 'ignored'}, annotator={'type': 'table', 'table': 'x'})
    pair_anew(again, source.work_dir)
    kept = json.loads((again.work_dir / 'settings.json').read_text())
    assert (kept['annotator.type'], kept['pairs.no_facts']) == ('lexical', 'ignored')
