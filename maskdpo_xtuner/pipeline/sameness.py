"""Samples that are copies: of them no pair can be made, however many there are."""

from __future__ import annotations

from dataclasses import dataclass

from maskdpo_xtuner.records import Response


@dataclass
class SameAnswers:
    """Finds questions all of whose answers are the same; they come question by question.

    Attributes:
        questions: how many there are, of those with two answers at least.
    """

    questions: int = 0
    _question: str | None = None
    _text: str = ''
    _answers: int = 0
    _same: bool = True

    def add(self, response: Response) -> None:
        """Enter one answer."""
        if response.question_id != self._question:
            self._question, self._text = response.question_id, response.text
            self._answers, self._same = 1, True
            return
        before = self._answers > 1 and self._same
        self._answers += 1
        self._same = self._same and response.text == self._text
        self.questions += self._same - before

    def describe(self) -> str:
        """Say what that means."""
        return (
            f'all answers are the same to {self.questions} questions, so more samples would not '
            'help: the temperature is 0, or the server ignores the seed'
        )
