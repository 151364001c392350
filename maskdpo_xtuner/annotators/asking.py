"""Asking a model until its answer can be read, whatever the question and the answer are."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from maskdpo_xtuner.engines.base import Completion, Failure, Request, Sampling
from maskdpo_xtuner.records import Message

Read = TypeVar('Read')


class UnreadableAnswer(ValueError):
    """An answer that gives no verdict; the text says why and quotes it."""

    def __init__(self, reason: str, answer: str) -> None:
        quoted = answer if len(answer) <= 80 else answer[:77] + '...'
        super().__init__(f'{reason}: {quoted!r}')


class NoVerdict(Exception):
    """Asking ended without a verdict; the text is the sentence's ``failure``."""


class Retries(Protocol):
    """How often an unreadable answer is asked for again.

    The first attempt is greedy at ``seed``; further ones are sampled at ``seed + 1`` and so on
    with ``retry_temperature``, since greedy decoding would only repeat the answer.
    """

    retries: int
    retry_temperature: float
    seed: int


@dataclass(frozen=True)
class Said(Generic[Read]):
    """An answer, what it means, and why the attempts before it could not be read."""

    answer: Completion
    meaning: Read
    unreadable: tuple[str, ...]


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
