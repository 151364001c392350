from __future__ import annotations

import asyncio

from maskdpo_xtuner.engines.base import Completion, Failure, Request, Sampling
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.records import Message


def ask_about(text: str) -> Request:
    return Request((Message(role='user', content=text),), Sampling(8), seed=1)


def test_texts_become_completions_and_outcomes_pass_through() -> None:
    busy = Failure('busy', transient=True)
    cut = Completion('Gold is', 'length', 3, 2)
    script: dict[str, str | Completion | Failure] = {
        'gold': 'It is a metal.',
        'tin': busy,
        'iron': cut,
    }
    engine = ScriptedEngine(lambda request: script[request.messages[0].content])
    requests = [ask_about(name) for name in script]
    outcomes = asyncio.run(engine.complete(requests))
    assert outcomes == [Completion('It is a metal.', 'stop', 1, 4), busy, cut]
    assert engine.calls == [requests]
