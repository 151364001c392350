"""What stands in for both models when our side of the data engine is measured.

The policy writes answers of 5 to 14 sentences (9.7 on average), no two alike. The annotator decides
by a hash of what it is asked: 15 % of the sentences have no facts, for 15 % of the others the
document says nothing, and the rest goes on to the third turn.
"""

from __future__ import annotations

import asyncio
import os
import signal
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from maskdpo_xtuner.annotators.anah_v2 import AnahV2Annotator, Context, own_prompts
from maskdpo_xtuner.chat_templates import ChatTemplate
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.records import Question

IDENTITY: Mapping[str, str] = {'engine': 'stand-in', 'model': 'stand-in'}
CONTEXT_LENGTH = 32_768
DOCUMENT_SENTENCES = 40
POINTS = 'It was found at Berkeley in 1940.<SEP>' * 5 + 'It is rare.'
TYPES = ('<No Hallucination>', '<No Hallucination>', '<Contradictory>', '<Unverifiable>')


def annotator_of(tokenizer: Path | str) -> AnahV2Annotator:
    """ANAH-v2's dialogue in our own words, with the chat template of this tokenizer."""
    context = Context(CONTEXT_LENGTH, ChatTemplate(str(tokenizer)))
    return AnahV2Annotator(IDENTITY, own_prompts(), context)


def question_of(number: int) -> Question:
    """A question with a document of about 3,500 characters."""
    document = ' '.join(
        f'Fact {fact} of topic {number} was established by the survey of {1900 + fact}, as said.'
        for fact in range(DOCUMENT_SENTENCES)
    )
    return Question(
        question_id=f'q{number}',
        question=f'What is known of topic {number}?',
        document=document,
        language='en',
        topic=f'topic {number}',
    )


def answer_of(seed: int) -> str:
    """Sentences of about 90 characters."""
    return ' '.join(
        f'In the year {1000 + number} the survey {seed} of the northern islands found the metal '
        f'for the first time.'
        for number in range(5 + seed % 10 + (seed % 5 == 0))
    )


def reply(turn: int, prompt: str) -> str:
    """What the annotator says to the last question of a dialogue."""
    dice = zlib.crc32(prompt.encode()) % 100
    if turn == 1:
        return '<No Facts>' if dice < 15 else '<Facts Present>'
    if turn == 2:
        return '<No Reference Information>' if dice < 15 else POINTS
    return TYPES[dice % len(TYPES)]


class InstantEngine:
    """Answers at once, as policy to questions and as annotator to its three turns.

    Args:
        concurrency: calls in flight.
        policy: whether it is the policy.
        die_after: kill this process, as ``kill -9`` does, after so many requests.
    """

    identity = IDENTITY
    batch_size = 1

    def __init__(
        self, concurrency: int, *, policy: bool = False, die_after: int | None = None
    ) -> None:
        self.concurrency = concurrency
        self._policy = policy
        self._left = die_after

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        """Answer, after giving way to others as an engine does."""
        await asyncio.sleep(0)
        return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Completion:
        if self._left is not None:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)
        if self._policy:
            text = answer_of(request.seed)
        else:
            turn = (len(request.messages) + 1) // 2
            text = reply(turn, request.messages[-1].content)
        return Completion(text, 'stop', 800, len(text) // 4)
