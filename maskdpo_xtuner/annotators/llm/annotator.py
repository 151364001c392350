"""The annotator that asks a language model, about each sentence or about a whole answer."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

from maskdpo_xtuner.annotators.asking import (
    NoVerdict,
    Retries,
    UnreadableAnswer,
    ask,
    conversation,
    whole,
)
from maskdpo_xtuner.annotators.base import Dialogue, SentenceAnnotator
from maskdpo_xtuner.annotators.markers import Markers, Rule
from maskdpo_xtuner.annotators.prompt_files import Prompt
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.records import Label, Message, Question, Response, Sentence


@dataclass
class LLMAnnotator(SentenceAnnotator):
    """Asks any model in the words of a prompt and reads markers in what it writes.

    Nothing is measured beforehand: what is too long for the model is a failure in its engine's
    words. An answer that was cut at ``max_new_tokens`` is not read.

    Attributes:
        engine: identity of the engine that answers.
        prompt: template of the user turn.
        labels: marker of each label.
        per_response: ask once about an answer with its numbered sentences, not about each sentence.
        rule: which marker counts, see `Markers`.
        system: text of a system turn; None for none.
        max_new_tokens: limit of what the model writes.
        retrying: how often an unreadable answer is asked for again.
        identity: all of the above.
    """

    engine: Mapping[str, str]
    prompt: Prompt
    labels: Mapping[Label, str]
    retrying: Retries
    per_response: bool = False
    rule: Rule = 'last'
    system: str | None = None
    max_new_tokens: int = 512
    identity: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._markers = Markers(self.labels, self.rule)
        self._named = {label.value: marker for label, marker in self.labels.items()}
        self.identity = {
            'name': 'llm',
            'version': '2',
            **{f'engine.{name}': value for name, value in self.engine.items()},
            'prompt': self.prompt.source,
            'prompt_sha256': self.prompt.sha256,
            'labels': json.dumps(self._named, ensure_ascii=False, sort_keys=True),
            'rule': self.rule,
            'per': 'answer' if self.per_response else 'sentence',
            'system': str(self.system),
            **self.retrying.describe(self.max_new_tokens),
        }

    def annotate(self, question: Question, response: Response) -> Sequence[Dialogue]:
        """Open a dialogue about each sentence, or one about all of them; none about a blank."""
        text = response.text
        spans = self.split(question, text)
        sentences = [text[start:end].strip() for start, end in spans]
        if self.per_response:
            prompt = self._prompt(question, text, sentences)
            return [self._judge_response(spans, prompt)] if spans else []
        return [
            self._judge_sentence(span, self._prompt(question, text, sentences, sentence=sentence))
            for span, sentence in zip(spans, sentences, strict=True)
        ]

    def _prompt(
        self, question: Question, response: str, sentences: Sequence[str], **values: str
    ) -> list[Message]:
        content = self.prompt.render(
            question=question.question,
            document=question.document,
            topic=question.topic,
            language=question.language,
            answer=response,
            sentences=sentences,
            labels=self._named,
            **values,
        )
        return conversation(content, self.system)

    def _judge_sentence(self, span: tuple[int, int], prompt: Sequence[Message]) -> Dialogue:
        label: Label | None = None
        failure: str | None = None
        notes: tuple[str, ...] = ()
        try:
            said = yield from ask(prompt, self.max_new_tokens, self.retrying, self._read)
            label, notes = said.meaning, _retried(said.unreadable)
        except NoVerdict as stop:
            failure = str(stop)
        return (Sentence(start=span[0], end=span[1], label=label, failure=failure, notes=notes),)

    def _read(self, answer: Completion) -> Label:
        return self._markers.read(whole(answer))

    def _judge_response(
        self, spans: Sequence[tuple[int, int]], prompt: Sequence[Message]
    ) -> Generator[Request, Completion | Failure, tuple[Sentence, ...]]:
        reading = _Reading(self._markers, len(spans))
        failure: str | None = None
        try:
            yield from ask(prompt, self.max_new_tokens, self.retrying, reading.read)
        except NoVerdict as stop:
            failure = str(stop)
        return tuple(
            Sentence(
                start=start,
                end=end,
                label=reading.labels.get(place),
                failure=None if place in reading.labels else failure,
                notes=reading.notes.get(place, ()),
            )
            for place, (start, end) in enumerate(spans)
        )


class _Reading:
    """The verdicts on the sentences of an answer, of one attempt or of several.

    A sentence keeps the first verdict that could be read; later attempts are for the others.
    """

    def __init__(self, markers: Markers[Label], count: int) -> None:
        self.labels: dict[int, Label] = {}
        self.notes: dict[int, tuple[str, ...]] = {}
        self._markers, self._count = markers, count
        self._unreadable: list[str] = []

    def read(self, answer: Completion) -> None:
        """Take over what can be read.

        Raises:
            UnreadableAnswer: while a sentence is without a verdict.
        """
        try:
            found = self._markers.read_lines(whole(answer), self._count)
            for place in sorted(found.keys() - self.labels.keys()):
                self.labels[place] = found[place]
                self.notes[place] = _retried(self._unreadable)
            missing = [str(n + 1) for n in range(self._count) if n not in self.labels]
            if missing:
                raise UnreadableAnswer(f'no verdict on sentence {", ".join(missing)}', answer.text)
        except UnreadableAnswer as error:
            self._unreadable.append(str(error))
            raise


def _retried(unreadable: Sequence[str]) -> tuple[str, ...]:
    return (f'retried: {"; ".join(unreadable)}',) if unreadable else ()
