"""What every annotator is: it sees question and answer and ends in sentences with verdicts."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from typing import Protocol

from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.records import Question, Response, Sentence
from maskdpo_xtuner.splitters import Splitter
from maskdpo_xtuner.splitters.english_chinese import EnglishChinese

Dialogue = Generator[Request, Completion | Failure, tuple[Sentence, ...]]
"""Yields the next request, is sent its outcome, returns sentences with their verdicts.

None, one or many requests: an annotator without a model returns at once.
"""


class Annotator(Protocol):
    """Labels the sentences of answers against the question's document.

    An annotator that does not speak every language has a collection of codes as ``languages``.
    """

    @property
    def identity(self) -> Mapping[str, str]:
        """What determines the verdicts (name, version, prompts' hash, ...).

        It is written into every annotated response. Without it no work dir is used again.
        """
        ...

    def annotate(self, question: Question, response: Response) -> Sequence[Dialogue]:
        """Open the dialogues about an answer; they run side by side.

        Together they end in the sentences of the answer: spans of ``response.text`` that do not
        overlap. An answer without any has no score. A sentence that could not be judged has a
        ``failure``, ``unparsed: ...`` or ``failed: ...``, in place of a label; those of the second
        kind are asked again by the next run.
        """
        ...


class SentenceAnnotator:
    """Base of annotators that judge sentence by sentence.

    Attributes:
        identity: see `Annotator`.
        splitter: what cuts answers into sentences.
        languages: what the annotator speaks; None for any language.
    """

    identity: Mapping[str, str]
    splitter: Splitter = EnglishChinese()
    languages: Collection[str] | None = None

    def judge(
        self, question: Question, text: str, span: tuple[int, int]
    ) -> Generator[Request, Completion | Failure, Sentence]:
        """Open the dialogue about ``text[span[0]:span[1]]``, a sentence of an answer."""
        raise NotImplementedError(f'{type(self).__name__}.judge')

    def annotate(self, question: Question, response: Response) -> Sequence[Dialogue]:
        """Open a dialogue about each sentence; a blank answer has none."""
        text = response.text
        return [self._dialogue(question, text, span) for span in self.split(question, text)]

    def split(self, question: Question, text: str) -> list[tuple[int, int]]:
        """Cut an answer into sentences; a blank one has none."""
        return self.splitter(text, question.language) if text.strip() else []

    def _dialogue(self, question: Question, text: str, span: tuple[int, int]) -> Dialogue:
        sentence = yield from self.judge(question, text, span)
        return (sentence,)

    def split_by(self, splitter: Splitter) -> None:
        """Use another splitter, which is then part of the identity, unless either has none."""
        self.splitter = splitter
        told = identity_of(self)
        own = {f'splitter.{key}': value for key, value in identity_of(splitter).items()}
        self.identity = {**told, **own} if told and own else {}


def check_languages(annotator: Annotator, questions: Iterable[Question]) -> None:
    """Refuse questions in a language that an annotator or its splitter does not speak.

    Raises:
        ValueError: naming the first of them, and what can be chosen instead.
    """
    name = identity_of(annotator).get('name', type(annotator).__name__)
    splitter = getattr(annotator, 'splitter', None)
    questions = list(questions)
    for who, what, remedy in (
        (annotator, f'annotator {name}', 'choose another (annotator.type)'),
        (splitter, f'splitter of {name}', "choose another, such as annotator.splitter='sentencex'"),
    ):
        spoken: Collection[str] | None = getattr(who, 'languages', None)
        odd = [q for q in questions if spoken is not None and q.language not in spoken]
        if spoken is not None and odd:
            raise ValueError(
                f'{odd[0].question_id} is in the language "{odd[0].language}", but the {what} '
                f'speaks {", ".join(sorted(spoken))}; {remedy}'
            )
