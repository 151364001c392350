"""ANAH-v2's dialogue without a model: its annotator over a script, for `work_dirs`' answers."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from maskdpo_xtuner.annotators.anah_v2 import AnahV2Annotator, Context, own_prompts
from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.chat_templates import ChatTemplate
from maskdpo_xtuner.engines.base import Engine, Request
from maskdpo_xtuner.records import Message
from tests.pipeline.work_dirs import FALSE


class PlainTemplate(ChatTemplate):
    """Renders without a tokenizer; conversations as short as these are never tokenized."""

    def __init__(self) -> None:
        pass

    def render(self, messages: Sequence[Message]) -> str:
        return '\n'.join(message.content for message in messages)


def judged(request: Request) -> str:
    """What the annotator's model says in the turn that the conversation has come to."""
    if len(request.messages) == 1:
        return '<Facts Present>'
    if len(request.messages) == 3:
        return 'Tin is a metal with the symbol Sn.'
    return '<Contradictory>' if FALSE in request.messages[-1].content else '<No Hallucination>'


def judged_by_chance(request: Request) -> str:
    """Judge a sentence in any of the three turns, by what it says."""
    dice = zlib.crc32(request.messages[0].content.encode()) % 16
    if len(request.messages) == 1:
        return '<No Facts>' if dice == 0 else '<Facts Present>'
    if len(request.messages) == 3:
        return '<No Reference Information>' if dice == 1 else 'Tin is a metal with the symbol Sn.'
    if dice == 2:
        return 'hm'
    return '<Contradictory>' if dice < 7 else '<No Hallucination>'


def anah_v2(engine: Engine) -> tuple[Annotator, Engine]:
    """The annotator of the dialogues, answered by ``engine``."""
    context = Context(100_000, PlainTemplate())
    return AnahV2Annotator(engine.identity, own_prompts(), context), engine
