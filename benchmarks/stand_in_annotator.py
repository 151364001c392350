"""What stands in for both models when our side of the data engine is measured.

The policy writes answers of 5 to 14 sentences (9.7 on average), no two alike. The annotator decides
by a hash of what it is asked: 15 % of the sentences have no facts, for 15 % of the others the
document says nothing, and the rest goes on to the third turn. There half are right: in every answer
alike, or in each answer a share of its own.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from maskdpo_xtuner.annotators.anah_v2 import AnahV2Annotator, Context, own_prompts
from maskdpo_xtuner.annotators.base import Dialogue
from maskdpo_xtuner.chat_templates import ChatTemplate
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.records import Question, Response, Sentence

IDENTITY: Mapping[str, str] = {'engine': 'stand-in', 'model': 'stand-in'}
CONTEXT_LENGTH = 32_768
DOCUMENT_SENTENCES = 40
POINTS = 'It was found at Berkeley in 1940.<SEP>' * 5 + 'It is rare.'
SURVEY = re.compile(r'the survey (\d+) of the northern')
LAST_TURN = 3
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


def last_reply(prompt: str, least: int) -> str:
    """What it says in the third turn where each answer has a share of right sentences of its own.

    Args:
        prompt: the first turn of the dialogue.
        least: the smallest share in percent; shares are spread evenly from there to 100.
    """
    survey = SURVEY.findall(prompt)[-1]
    share = least + zlib.crc32(survey.encode()) % (101 - least)
    is_right = zlib.crc32(prompt.encode()[::-1]) % 100 < share
    return '<No Hallucination>' if is_right else '<Contradictory>'


class AskedDirectly:
    """An annotator whose turns are answered on the spot, by no scheduler and from no store."""

    def __init__(self, annotator: AnahV2Annotator, engine: InstantEngine) -> None:
        self.identity = annotator.identity
        self._annotator, self._engine = annotator, engine

    def annotate(self, question: Question, response: Response) -> Sequence[Dialogue]:
        """Open the dialogues, which ask nothing any more."""
        return [self._answered(each) for each in self._annotator.annotate(question, response)]

    def _answered(self, dialogue: Dialogue) -> Dialogue:
        yield from ()
        outcome: Completion | None = None
        while True:
            try:
                request = dialogue.send(outcome)  # type: ignore[arg-type]
            except StopIteration as stop:
                verdict: tuple[Sentence, ...] = stop.value
                return verdict
            outcome = self._engine.answer(request)


class InstantEngine:
    """Answers at once, as policy to questions and as annotator to its three turns.

    Args:
        concurrency: calls in flight.
        policy: whether it is the policy.
        die_after: kill this process, as ``kill -9`` does, after so many requests.
        least: see `last_reply`; None where all answers are alike.

    Attributes:
        turns: how many requests came to each turn.
    """

    identity = IDENTITY
    batch_size = 1

    def __init__(
        self,
        concurrency: int,
        *,
        policy: bool = False,
        die_after: int | None = None,
        least: int | None = None,
    ) -> None:
        self.concurrency = concurrency
        self.turns: Counter[int] = Counter()
        self._policy, self._left, self._least = policy, die_after, least

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        """Answer, after giving way to others as an engine does."""
        await asyncio.sleep(0)
        return [self.answer(request) for request in requests]

    def answer(self, request: Request) -> Completion:
        """Answer one."""
        if self._left is not None:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)
        text = answer_of(request.seed) if self._policy else self._judged(request)
        return Completion(text, 'stop', 800, len(text) // 4)

    def _judged(self, request: Request) -> str:
        turn = (len(request.messages) + 1) // 2
        self.turns[turn] += 1
        if turn == LAST_TURN and self._least is not None:
            return last_reply(request.messages[0].content, self._least)
        return reply(turn, request.messages[-1].content)
