"""The annotator that reads sentences off marked spans."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

from maskdpo_xtuner.annotators.base import Dialogue, SentenceAnnotator
from maskdpo_xtuner.annotators.prompt_files import Prompt
from maskdpo_xtuner.annotators.spans.files import Span, SpanFile
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.engines.classifiers import pair_request
from maskdpo_xtuner.records import Label, Question, Response, Sentence


@dataclass
class SpanAnnotator(SentenceAnnotator):
    """Calls a sentence Unverifiable if it has a letter or digit in a marked span.

    Others are No Hallucination. What marks spans does not tell a contradiction from what the
    document does not mention, nor a sentence without facts from a true one. The spans are notes of
    the sentence, and the highest confidence of one is its score, whether or not it counts.

    Attributes:
        marker: identity of the token classifier, or of the file.
        marked: the file of the spans, or the prompt that goes before the answer to a token
            classifier, with the variables ``question``, ``document``, ``topic``, ``language``.
        threshold: least confidence of a span that counts.
        identity: all of the above.
    """

    marker: Mapping[str, str]
    marked: SpanFile | Prompt
    threshold: float = 0.5
    identity: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        prompt = {}
        if isinstance(self.marked, Prompt):
            prompt = {'prompt': self.marked.source, 'prompt_sha256': self.marked.sha256}
        self.identity = {
            'name': 'spans',
            'version': '1',
            **self.marker,
            **prompt,
            'threshold': str(self.threshold),
        }

    def annotate(self, question: Question, response: Response) -> Sequence[Dialogue]:
        """Open one dialogue about the answer; a blank one has none."""
        sentences = self.split(question, response.text)
        return [self._judge(question, response.text, sentences)] if sentences else []

    def _judge(
        self, question: Question, text: str, sentences: Sequence[tuple[int, int]]
    ) -> Generator[Request, Completion | Failure, tuple[Sentence, ...]]:
        notes: tuple[str, ...] = ()
        if isinstance(self.marked, SpanFile):
            spans = self.marked.get(question.question_id, text)
            if spans is None:
                reason = f'failed: {self.marked.path} does not have this answer'
                return _failed(sentences, reason)
        else:
            outcome = yield pair_request(_context(self.marked, question), text)
            if isinstance(outcome, Failure):
                return _failed(sentences, f'{outcome.kind}: {outcome.reason}')
            said = json.loads(outcome.text)
            spans = tuple(Span.model_validate(span) for span in said['spans'])
            if said['left_out']:
                notes = (f'document_cut: by {said["left_out"]} of {said["tokens"]} tokens',)
        return tuple(
            _verdict(text, sentence, spans, self.threshold, notes) for sentence in sentences
        )


def _context(prompt: Prompt, question: Question) -> str:
    return prompt.render(
        question=question.question,
        document=question.document,
        topic=question.topic,
        language=question.language,
    )


def _failed(sentences: Sequence[tuple[int, int]], reason: str) -> tuple[Sentence, ...]:
    return tuple(Sentence(start=start, end=end, failure=reason) for start, end in sentences)


def _verdict(
    text: str,
    sentence: tuple[int, int],
    spans: Sequence[Span],
    threshold: float,
    notes: tuple[str, ...],
) -> Sentence:
    start, end = sentence
    touching = [
        span
        for span in spans
        if any(map(str.isalnum, text[max(start, span.start) : min(end, span.end)]))
    ]
    counted = [span for span in touching if span.confidence >= threshold]
    marked = tuple(f'marked: {span.text.strip()!r} ({span.confidence:.2f})' for span in counted)
    label = Label.UNVERIFIABLE if counted else Label.NO_HALLUCINATION
    score = max((span.confidence for span in touching), default=0.0)
    return Sentence(start=start, end=end, label=label, notes=(*notes, *marked), score=score)
