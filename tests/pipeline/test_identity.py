"""What a work dir records of plug-ins, and what it says of those that say nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from maskdpo_xtuner.annotators import LexicalAnnotator
from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.experiments import NOT_SAID
from maskdpo_xtuner.pipeline.work_dir import experiment
from maskdpo_xtuner.registry import PAIRINGS
from maskdpo_xtuner.settings import Settings, guard_work_dir
from tests.pipeline.work_dirs import settings_of


def scripted(**identity: str) -> ScriptedEngine:
    engine = ScriptedEngine(lambda request: 'x')
    engine.identity = identity
    return engine


def recorded(settings: Settings, judge: Engine | None = None) -> dict[str, object]:
    return experiment(settings, [], scripted(model='m'), (LexicalAnnotator(), judge), None)


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """A rule of the user's, registered as ``mine`` for one test."""

    def mine(*args: object) -> str:
        return 'no reason'

    monkeypatch.setattr(PAIRINGS, '_items', dict(PAIRINGS._items))
    PAIRINGS.register_module('mine', module=mine)
    return mine


def test_a_judge_says_nothing_if_the_engine_that_answers_it_does_not(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    assert recorded(settings, scripted())['annotator.identity'] == NOT_SAID
    assert 'annotator.identity' not in recorded(settings, scripted(model='judge'))
    assert recorded(settings)['annotator.name'] == 'lexical'


def test_what_determines_a_rule_of_the_users_is_recorded(
    tmp_path: Path, rule: Callable[..., object]
) -> None:
    rule.identity = {'version': '3'}  # type: ignore[attr-defined]
    settings = settings_of(tmp_path, pairs={'rule': 'mine'})
    assert recorded(settings)['pairs.rule.version'] == '3'
    assert not any(key.startswith('pairs.rule.') for key in recorded(settings_of(tmp_path)))


def test_a_rule_that_says_nothing_is_refused_where_results_are(
    tmp_path: Path, rule: Callable[..., object]
) -> None:
    made_from = recorded(settings_of(tmp_path, pairs={'rule': 'mine'}))
    guard_work_dir(tmp_path / 'work', made_from)
    with pytest.raises(ValueError, match='what determines those of pairs is not known'):
        guard_work_dir(tmp_path / 'work', made_from)
