"""A baseline annotator that needs no model: what a sentence says is looked up in the document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache

from maskdpo_xtuner.annotators.base import SentenceAnnotator
from maskdpo_xtuner.annotators.lexical.clauses import Claim, Clause, read_claim
from maskdpo_xtuner.annotators.lexical.document import Document, read_document
from maskdpo_xtuner.annotators.lexical.findings import Finding, held_by
from maskdpo_xtuner.annotators.lexical.passages import look_up_in_passages
from maskdpo_xtuner.annotators.lexical.points import look_up, names_only_relations
from maskdpo_xtuner.annotators.lexical.reading import Stems
from maskdpo_xtuner.annotators.lexical.talk import ABOUT_PASSAGES, SOURCE, TALK
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.records import Label, Question, Sentence

_FRAGMENT_LENGTH = 5  # words without a verb that state nothing

Verdict = tuple[Label, tuple[str, ...]]


@dataclass(frozen=True)
class _Asked:
    """What a question says itself, and an answer to it need not."""

    words: Stems
    numbers: frozenset[float]


@lru_cache(maxsize=1024)
def _read_question(question: str, topic: Stems, known_names: Stems) -> _Asked:
    (clause,) = read_claim(question, topic, known_names, whole=True).clauses
    numbers = frozenset(number.value for number in clause.numbers)
    return _Asked(clause.words | clause.name_stems, numbers)


@dataclass
class LexicalAnnotator(SentenceAnnotator):
    """Labels by looking up the clauses of a sentence among the points of the document.

    Rules and short lists of English, no model: it knows a few synonyms, and of grammar who a
    clause speaks of and what it says of it. A document that names the question's topic is read as
    points about it (`points.look_up`): a clause is held when points about the same subject have
    its names and numbers in their roles and all its other words; one point tells what it does or
    has, several may tell what it is. No Facts: talk, fragments, what the question says itself,
    properties without their value. No Hallucination: every clause is held. Contradictory: a point
    about the same has another number or name, or says the opposite. Unverifiable: the rest.
    Where the topic is not named (passages found by a search), and in Chinese, a sentence is
    compared with all points by its words (`passages.look_up_in_passages`), which is laxer.

    Measured against the judge that reads the table, which is stricter than the document (kappa of
    all four labels 0.65): of 769 sentences about elements that it calls No Hallucination, out of
    8131 of a 135M model before and after training, that judge calls 737 so too and none wrong; of
    984 that it calls true 737 are found. The rules were written on these. On 2169 sentences about
    twelve other elements, read only afterwards: 177 of 191 (2 wrong), and 177 of 248 found. About
    countries: 14 of 16, and 14 of 22 found. About minerals the model says next to nothing true. On
    paraphrases of the table of countries: of 3047 true statements 99 % are found; of 7950 with
    another value, another subject or a denial 2 are called true, and of 1211 fragments none. On the
    question-answering part of RAGTruth (Niu et al., ACL 2024; development half, 2753 sentences,
    positive: hallucinated): precision 0.35, recall 0.66, F1 0.46, where "always" has 0.15.
    ``min_passage_coverage`` was chosen there among 0.3 to 0.8. Run
    ``benchmarks/lexical_agreement.py`` and ``lexical_paraphrases.py`` to measure again.

    Attributes:
        min_coverage: share of a clause's words and values that points about its subject hold.
        min_passage_coverage: share of a sentence's words that passages hold.
        max_points: how many points are named for a supported sentence.
    """

    min_coverage: float = 1.0
    min_passage_coverage: float = 0.5
    max_points: int = 3
    identity: Mapping[str, str] = field(init=False)

    languages = ('en', 'zh')

    def __post_init__(self) -> None:
        parameters = {f.name: str(getattr(self, f.name)) for f in fields(self) if f.init}
        self.identity = {'name': 'lexical', 'version': '3', **parameters}

    def judge(
        self, question: Question, text: str, span: tuple[int, int]
    ) -> Generator[Request, Completion | Failure, Sentence]:
        """Return the verdict without asking anything."""
        yield from ()
        start, end = span
        is_last = not text[end:].strip()
        label, points = self.label(question, text[start:end], is_last)
        return Sentence(start=start, end=end, label=label, points=points)

    def label(self, question: Question, sentence: str, is_last: bool = False) -> Verdict:
        """Give the label of one sentence and the points of the document it rests on.

        The last sentence of an answer may be cut: ``is_last``.
        """
        if TALK.match(sentence):
            return Label.NO_FACTS, ()
        document = read_document(question.document, question.topic, question.language)
        asked = _read_question(question.question, document.topic, document.known_names)
        if document.topic and question.language == 'en':
            return self._by_points(sentence, asked, document, is_last)
        return self._by_passages(sentence, asked, document)

    def _by_passages(self, sentence: str, asked: _Asked, document: Document) -> Verdict:
        if ABOUT_PASSAGES.match(sentence):
            return Label.NO_FACTS, ()
        text = SOURCE.sub(' ', sentence)
        claim = read_claim(text, document.topic, document.known_names, whole=True)
        (clause,) = claim.clauses
        if not _is_news(clause, asked):
            return Label.NO_FACTS, ()
        finding = look_up_in_passages(
            clause, asked.words, document, self.min_passage_coverage, self.max_points
        )
        return self._verdict([(clause, finding)])

    def _by_points(
        self, sentence: str, asked: _Asked, document: Document, is_last: bool
    ) -> Verdict:
        is_open = is_last and sentence.rstrip()[-1:].isalnum()
        if is_open:  # its last word may be half of one
            sentence = ' '.join(sentence.rsplit(maxsplit=1)[:-1])
        claim = read_claim(sentence, document.topic, document.known_names, document.others)
        told = [
            (clause, finding)
            for clause, finding in self._look_up(claim, asked, document)
            if finding.says or not names_only_relations(clause, asked.words, document)
        ]
        if not told or _is_fragment(claim):
            return Label.NO_FACTS, ()
        label, points = self._verdict(told)
        is_cut = (claim.is_cut or is_open) and told[-1][0] is claim.clauses[-1]
        if label is Label.UNVERIFIABLE and is_cut:
            before, _ = self._verdict(told[:-1])
            label = Label.UNVERIFIABLE if before is Label.UNVERIFIABLE else Label.NO_FACTS
        return label, points

    def _look_up(
        self, claim: Claim, asked: _Asked, document: Document
    ) -> Iterator[tuple[Clause, Finding]]:
        for clause in claim.clauses:
            if _is_news(clause, asked):
                yield clause, look_up(clause, asked.words, document, self.min_coverage)

    def _verdict(self, told: Sequence[tuple[Clause, Finding]]) -> Verdict:
        gains: Counter[str] = Counter()
        is_held = True
        for clause, finding in told:
            if finding.conflict is not None:
                return Label.CONTRADICTORY, (finding.conflict.text,)
            is_held = is_held and bool(finding.used)
            for point in finding.used:
                gains[point.text] += len(held_by(clause, point))
        if not is_held:
            return Label.UNVERIFIABLE, ()
        used = sorted(gains, key=lambda text: -gains[text])
        return Label.NO_HALLUCINATION, tuple(used[: self.max_points])


def _is_news(clause: Clause, asked: _Asked) -> bool:
    """Tell whether a clause states something beside what the question says itself."""
    if clause.repeats_topic and clause.subject.head:
        return True
    return clause.states and bool(
        clause.words - asked.words
        or any(name.stems[-1] not in asked.words for name in clause.names)
        or any(number.value not in asked.numbers for number in clause.numbers)
    )


def _is_fragment(claim: Claim) -> bool:
    return not claim.has_verb and (claim.is_cut or claim.length <= _FRAGMENT_LENGTH)
