"""Requests and dialogues for the tests of the store and the scheduler."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from maskdpo_xtuner.completions import CompletionStore, Retry, Scheduler
from maskdpo_xtuner.engines.base import Completion, Failure, Request, Sampling
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.records import Message

Said = list[str]
Dialogue = Generator[Request, Completion | Failure, Said]


def ask_about(text: str, seed: int = 1) -> Request:
    """A request with one message."""
    return Request((Message(role='user', content=text),), Sampling(8), seed)


def asked(request: Request) -> str:
    """The text of its last message."""
    return request.messages[-1].content


def talk(*texts: str) -> Dialogue:
    """Ask one thing after the other; gives what was said to each, failures in brackets."""
    said: Said = []
    for text in texts:
        outcome = yield ask_about(text)
        said.append(f'[{outcome.reason}]' if isinstance(outcome, Failure) else outcome.text)
    return said


def flat(engine: ScriptedEngine) -> list[str]:
    """What the engine was asked, in order, whatever the batches."""
    return [asked(request) for call in engine.calls for request in call]


def batches(engine: ScriptedEngine) -> list[str]:
    """What the engine was asked, one string a call."""
    return [' '.join(map(asked, call)) for call in engine.calls]


def run(
    engine: ScriptedEngine, folder: Path, groups: list[list[Dialogue]]
) -> tuple[list[list[Said]], Scheduler[Said]]:
    """Run the groups to their end over the store of a folder, retrying without delay."""
    with CompletionStore(folder / 'completions.sqlite') as store:
        scheduler: Scheduler[Said] = Scheduler(engine, store, Retry(times=2, delay=0))
        return list(scheduler.run(groups)), scheduler
