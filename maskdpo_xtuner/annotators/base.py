"""What every annotator is: a dialogue about one sentence that ends in a verdict."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Protocol

from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.records import Question, Sentence

Dialogue = Generator[Request, Completion | Failure, Sentence]
"""Yields the next request, is sent its outcome, returns the sentence with its verdict."""


class Annotator(Protocol):
    """Labels sentences against the question's document.

    Attributes:
        identity: what determines the verdicts (name, version, prompts' hash, ...); written into
            every annotated response.
    """

    identity: Mapping[str, str]

    def judge(self, question: Question, text: str, span: tuple[int, int]) -> Dialogue:
        """Open the dialogue about ``text[span[0]:span[1]]``, a sentence of a response.

        An annotator without a model returns its verdict without yielding a request.
        """
        ...
