"""One dialogue about a sentence: what it asks next and when it ends."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from pydantic import Field

from maskdpo_xtuner.annotators.anah_v2.context import Context, shorten
from maskdpo_xtuner.annotators.anah_v2.parsing import (
    Existence,
    read_existence,
    read_points,
    read_type,
)
from maskdpo_xtuner.annotators.anah_v2.prompts import Prompts
from maskdpo_xtuner.annotators.asking import NoVerdict, Retries, ask, whole
from maskdpo_xtuner.annotators.spoken import spoken
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.records import Label, Message, Question

Read = TypeVar('Read')
Turn = Generator[Request, 'Completion | Failure', Read]


class DialogueSettings(Retries):
    """How to ask.

    Attributes:
        system: text of a system turn before the dialogue; None for none.
        max_reference_tokens: limit of the answer of turn 2. A note tells of one that was cut.
        max_verdict_tokens: limit of the other two; one that was cut is not read.
        tolerant: read markers with added quotation marks, words or blanks (see `parsing`).
    """

    system: str | None = None
    max_reference_tokens: int = Field(default=1024, ge=1)
    max_verdict_tokens: int = Field(default=64, ge=1)
    tolerant: bool = True


class SentenceDialogue:
    """The dialogue about one sentence.

    Attributes:
        messages: the turns so far, questions and answers.
        turn: number of the current turn.
        notes: what the sentence's record should tell beside its verdict.
    """

    def __init__(
        self,
        question: Question,
        sentence: str,
        prompts: Prompts,
        context: Context,
        settings: DialogueSettings,
    ) -> None:
        self.turn = 0
        self.notes: list[str] = []
        self.messages: list[Message] = []
        if settings.system is not None:
            self.messages.append(Message(role='system', content=settings.system))
        self._question = question
        self._sentence = sentence
        self._prompts = prompts
        self._context = context
        self._settings = settings

    def run(self) -> Turn[tuple[Label, tuple[str, ...]]]:
        """Go through the turns; gives the label and the points that it rests on.

        Raises:
            NoVerdict: when an answer cannot be read, or there is none.
        """
        limit = self._settings.max_verdict_tokens
        existence = yield from self._ask(self._prompt('existence'), limit, self._read_existence)
        if existence is Existence.NO_FACTS:
            return Label.NO_FACTS, ()
        prompt, limit = self._reference_prompt(), self._settings.max_reference_tokens
        points = yield from self._ask(prompt, limit, self._read_points)
        if not points:
            return Label.UNVERIFIABLE, ()
        # As the annotator was trained: the answer itself, separators included.
        prompt = self._prompt('type', reference=self.messages[-1].content)
        label = yield from self._ask(prompt, self._settings.max_verdict_tokens, self._read_type)
        return label, points

    def _ask(self, prompt: str, limit: int, read: Callable[[Completion], Read]) -> Turn[Read]:
        """Ask until an answer can be read."""
        self.turn += 1
        self.messages.append(Message(role='user', content=prompt))
        if not self._context.fits(self.messages, limit):
            length = self._context.length
            raise NoVerdict(
                f'no_answer: turn {self.turn}: longer than the context of {length} tokens'
            )
        said = yield from ask(self.messages, limit, self._settings, read, f'turn {self.turn}: ')
        if said.unreadable:
            self.notes.append(f'retried: turn {self.turn}: {"; ".join(said.unreadable)}')
        self.messages.append(Message(role='assistant', content=spoken(said.answer.text)))
        return said.meaning

    def _prompt(self, turn: str, **values: str) -> str:
        question = self._question
        return self._prompts.render(
            turn, question.language, question=question.question, sentence=self._sentence, **values
        )

    def _reference_prompt(self) -> str:
        """Turn 2 with the document, or with as much of it as leaves room for turn 3."""
        document = self._question.document
        if self._leaves_room(document):
            return self._prompt('reference', reference=document)
        query = f'{self._question.question} {self._sentence}'
        kept = shorten(document, self._question.language, query, self._leaves_room)
        if kept is None:
            raise NoVerdict(
                'no_answer: turn 2: not one passage of the document fits into the context of '
                f'{self._context.length} tokens'
            )
        self.notes.append(f'document_shortened: {kept.kept} of {kept.passages} passages')
        return self._prompt('reference', reference=kept.text)

    def _leaves_room(self, document: str) -> bool:
        """Tell whether turn 3 fits when turn 2 gets ``document`` and answers at full length."""
        turns = [
            Message(role='user', content=self._prompt('reference', reference=document)),
            Message(role='assistant', content=''),
            Message(role='user', content=self._prompt('type', reference='')),
        ]
        # The points stand twice in the conversation: as an answer and in the next question.
        reserve = 2 * self._settings.max_reference_tokens + self._settings.max_verdict_tokens
        return self._context.fits([*self.messages, *turns], reserve)

    def _read_existence(self, answer: Completion) -> Existence:
        return read_existence(whole(answer), self._settings.tolerant)

    def _read_points(self, answer: Completion) -> tuple[str, ...]:
        points = read_points(answer.text, self._settings.tolerant)
        if answer.finish_reason == 'length':
            self.notes.append(f'reference_cut: at {answer.completion_tokens} tokens')
        return points

    def _read_type(self, answer: Completion) -> Label:
        return read_type(whole(answer), self._settings.tolerant)
