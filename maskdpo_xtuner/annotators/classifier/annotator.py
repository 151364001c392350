"""The annotator that asks a classifier about pairs of a passage and a sentence."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from maskdpo_xtuner.annotators.base import SentenceAnnotator
from maskdpo_xtuner.annotators.passages import PASSAGE_LENGTH, Passages
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.engines.classifiers import pair_request
from maskdpo_xtuner.records import Label, Question, Sentence


@dataclass
class ClassifierAnnotator(SentenceAnnotator):
    """Natural language inference over the passages that are most relevant to a sentence.

    The passages are the premises, in the order of their relevance, and the sentence is the
    hypothesis. A passage that gives No Hallucination at least ``support`` decides at once: what one
    passage says need not stand in the others. Otherwise the passage that gives Contradictory most
    decides, if that is at least ``contradiction``. What is neither is Unverifiable. There is no
    label for sentences without facts. The score of a sentence is 1 - the support by the passage
    that supports it most, among those read.

    Attributes:
        engine: identity of the classifier.
        labels: what each class of the model means here; several may mean the same, and one that is
            not named counts for nothing.
        support: least probability of No Hallucination in one passage.
        contradiction: least probability of Contradictory in one passage.
        passages: how many passages are read at most.
        passage_length: most characters of a passage.
        hypothesis: format string with ``sentence``, and ``question`` or ``topic`` where a sentence
            cannot be understood without.
        identity: all of the above.
    """

    engine: Mapping[str, str]
    labels: Mapping[str, Label]
    support: float = 0.5
    contradiction: float = 0.5
    passages: int = 5
    passage_length: int = PASSAGE_LENGTH
    hypothesis: str = '{sentence}'
    identity: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self._passages = lru_cache(maxsize=64)(self._cut)
        named = {name: label.value for name, label in self.labels.items()}
        self.identity = {
            'name': 'classifier',
            'version': '1',
            **{f'engine.{name}': value for name, value in self.engine.items()},
            'labels': json.dumps(named, ensure_ascii=False, sort_keys=True),
            'support': str(self.support),
            'contradiction': str(self.contradiction),
            'passages': f'{self.passages} of {self.passage_length} characters',
            'hypothesis': self.hypothesis,
        }

    def judge(
        self, question: Question, text: str, span: tuple[int, int]
    ) -> Generator[Request, Completion | Failure, Sentence]:
        """Ask about ``text[span[0]:span[1]]`` until a passage supports it."""
        start, end = span
        sentence = text[start:end].strip()
        hypothesis = self.hypothesis.format(
            sentence=sentence, question=question.question, topic=question.topic
        )
        found = _Evidence()
        for premise in self._premises(question, sentence):
            outcome = yield pair_request(premise, hypothesis)
            if isinstance(outcome, Failure):
                failure = f'{outcome.kind}: {outcome.reason}'
                return Sentence(start=start, end=end, failure=failure, notes=tuple(found.notes))
            if found.add(premise, json.loads(outcome.text), self.labels) >= self.support:
                break
        label, points = found.verdict(self.support, self.contradiction)
        notes, score = tuple(found.notes), 1 - found.support
        return Sentence(start=start, end=end, label=label, points=points, notes=notes, score=score)

    def _premises(self, question: Question, sentence: str) -> list[str]:
        passages = self._passages(question.document, question.language)
        return passages.best(f'{question.question} {sentence}', self.passages)

    def _cut(self, document: str, language: str) -> Passages:
        return Passages(document, self.splitter(document, language), self.passage_length)


class _Evidence:
    """The passages that speak most for and against a sentence so far."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._best: dict[Label, tuple[float, str]] = {}

    def add(self, passage: str, said: Mapping[str, object], labels: Mapping[str, Label]) -> float:
        """Weigh what the classifier said of a passage; gives how much that supports."""
        masses = dict.fromkeys(Label, 0.0)
        probabilities = said['probabilities']
        assert isinstance(probabilities, dict), 'the form of the sequence classifier'
        for name, label in labels.items():
            masses[label] += probabilities[name]
        for label, mass in masses.items():
            if label not in self._best or mass > self._best[label][0]:
                self._best[label] = mass, passage
        if said['left_out']:
            self.notes.append(f'passage_cut: by {said["left_out"]} of {said["tokens"]} tokens')
        return masses[Label.NO_HALLUCINATION]

    @property
    def support(self) -> float:
        """How much the passage that supports the sentence most does so, 0 to 1."""
        weight, _ = self._best[Label.NO_HALLUCINATION]
        return min(weight, 1.0)  # Rounded probabilities of several classes may add up to more.

    def verdict(self, support: float, contradiction: float) -> tuple[Label, tuple[str, ...]]:
        """Give the label, and the passage that it rests on."""
        for label, least in (
            (Label.NO_HALLUCINATION, support),
            (Label.CONTRADICTORY, contradiction),
        ):
            mass, passage = self._best[label]
            if mass >= least:
                return label, (passage,)
        return Label.UNVERIFIABLE, ()
