"""One engine for facts and another for verdicts."""

from __future__ import annotations

import asyncio
from pathlib import Path

from maskdpo_xtuner.annotators.factscore.settings import FactScoreSettings
from maskdpo_xtuner.annotators.factscore.two_engines import TwoEngines, VerdictRequest
from maskdpo_xtuner.engines.base import Request, Sampling
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.records import Label, Message
from tests.annotators.judging import TIN, judge, verdicts


def engines(batch: int = 1) -> tuple[ScriptedEngine, ScriptedEngine]:
    first = ScriptedEngine(lambda r: '- Tin is a metal.', concurrency=4, identity={'model': 'a'})
    second = ScriptedEngine(
        lambda r: 'True', batch_size=batch, concurrency=2, identity={'model': 'b'}
    )
    return first, second


def request(number: int, kind: type[Request] = Request) -> Request:
    return kind((Message(role='user', content=str(number)),), Sampling(9), 1)


def test_facts_are_asked_of_one_and_verdicts_of_the_other(tmp_path: Path) -> None:
    first, second = engines()
    settings = {'type': 'openai', 'model': 'x', 'base_urls': ['http://localhost:1']}
    annotator, _ = FactScoreSettings.model_validate({'engine': settings}).build()
    both = TwoEngines(first, second)
    (answer,) = judge(tmp_path, annotator, both, ['Tin is a metal.'], TIN)
    assert verdicts(answer) == [Label.NO_HALLUCINATION]
    assert (len(first.calls), len(second.calls)) == (1, 1)
    assert 'True or False?' in second.calls[0][0].messages[0].content


def test_answers_come_back_in_order_and_calls_are_no_larger_than_an_engine_takes() -> None:
    first, second = engines(batch=3)
    both = TwoEngines(first, second)
    assert (both.batch_size, both.concurrency) == (3, 2)
    asked = [request(0), request(1, VerdictRequest), request(2), request(3, VerdictRequest)]
    answers = asyncio.run(both.complete(asked))
    assert [answer.text for answer in answers] == ['- Tin is a metal.', 'True'] * 2  # type: ignore
    assert [len(call) for call in first.calls] == [1, 1]
    assert [len(call) for call in second.calls] == [2]


def test_the_identity_names_both_and_is_empty_where_either_is_silent() -> None:
    first, second = engines()
    assert TwoEngines(first, second).identity == {
        'model': 'a, verified by b',
        'facts.model': 'a',
        'verifier.model': 'b',
    }
    second.identity = {}
    assert TwoEngines(first, second).identity == {}


def test_a_config_names_the_verifier() -> None:
    facts = {'type': 'openai', 'model': 'a', 'base_urls': ['http://localhost:1']}
    verifier = {**facts, 'model': 'b'}
    settings = FactScoreSettings.model_validate({'engine': facts, 'verifier': verifier})
    annotator, engine = settings.build()
    assert isinstance(engine, TwoEngines)
    assert annotator.identity['engine.model'] == 'a, verified by b'
