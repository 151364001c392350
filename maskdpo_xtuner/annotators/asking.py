"""Asking a model until its answer can be read, whatever the question and the answer are."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import Field

from maskdpo_xtuner.engines.base import TEMPERATURE, Completion, Failure, Request, Sampling
from maskdpo_xtuner.parts import Part
from maskdpo_xtuner.records import Message

Read = TypeVar('Read')


class UnreadableAnswer(ValueError):
    """An answer that gives no verdict; the text says why and quotes it."""

    def __init__(self, reason: str, answer: str) -> None:
        quoted = answer if len(answer) <= 80 else answer[:77] + '...'
        super().__init__(f'{reason}: {quoted!r}')


class NoVerdict(Exception):
    """Asking ended without a verdict; the text is the sentence's ``failure``."""


class Retries(Part):
    """How often an unreadable answer is asked for again.

    Attributes:
        retries: how often, sampled at ``seed + 1`` and so on with ``retry_temperature``; greedy
            decoding would only repeat the answer.
        retry_temperature: above 0.
        seed: of the first attempt, which is greedy.
    """

    retries: int = Field(default=0, ge=0)
    retry_temperature: float = Field(default=TEMPERATURE, gt=0)
    seed: int = Field(default=1, ge=1)

    def describe(self, max_new_tokens: int) -> dict[str, str]:
        """Give what an identity says of the attempts."""
        return {
            'sampling': f'greedy, {max_new_tokens} tokens, seed {self.seed}',
            'retries': f'{self.retries} at {self.retry_temperature}',
        }


class AskingSettings(Retries):
    """How a model is asked for answers of one kind.

    Attributes:
        max_new_tokens: limit of what the model writes; what was cut there is not read.
    """

    max_new_tokens: int = Field(default=512, ge=1)


@dataclass(frozen=True)
class Said(Generic[Read]):
    """An answer, what it means, and why the attempts before it could not be read."""

    answer: Completion
    meaning: Read
    unreadable: tuple[str, ...]


def conversation(content: str, system: str | None) -> list[Message]:
    """Give the user turn, after a system turn if there is one."""
    before = [] if system is None else [Message(role='system', content=system)]
    return [*before, Message(role='user', content=content)]


def ask(
    messages: Sequence[Message],
    max_new_tokens: int,
    retries: Retries,
    read: Callable[[Completion], Read],
    where: str = '',
) -> Generator[Request, Completion | Failure, Said[Read]]:
    """Ask until ``read`` does not raise `UnreadableAnswer`.

    Args:
        messages: the conversation.
        max_new_tokens: limit of the answer.
        retries: how often.
        read: gives what an answer means.
        where: stands before the reason of a failure, such as the number of the turn.

    Raises:
        NoVerdict: ``failed: ...`` when there is no answer, ``no_answer: ...`` when there will be
            none, ``unparsed: ...`` when none can be read.
    """
    unreadable: list[str] = []
    for attempt in range(1 + retries.retries):
        temperature = retries.retry_temperature if attempt else 0.0
        sampling = Sampling(max_new_tokens, temperature)
        answer = yield Request(tuple(messages), sampling, retries.seed + attempt)
        if isinstance(answer, Failure):
            raise NoVerdict(f'{answer.kind}: {where}{answer.reason}')
        try:
            return Said(answer, read(answer), tuple(unreadable))
        except UnreadableAnswer as error:
            unreadable.append(str(error))
    raise NoVerdict(f'unparsed: {where}{"; ".join(unreadable)}')


def whole(answer: Completion) -> str:
    """Give the text of an answer that has an end: one that was cut might have said otherwise.

    Raises:
        UnreadableAnswer: for one that was cut at its limit.
    """
    if answer.finish_reason == 'length':
        written = answer.completion_tokens
        where = 'its limit' if written is None else f'{written} tokens'
        raise UnreadableAnswer(f'cut at {where}', answer.text)
    return answer.text
