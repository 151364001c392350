"""The annotator that asks for the atomic facts of a sentence, and about each of them."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field

from maskdpo_xtuner.annotators.asking import NoVerdict, Retries, ask, whole
from maskdpo_xtuner.annotators.base import SentenceAnnotator
from maskdpo_xtuner.annotators.factscore.demonstrations import Demonstrations
from maskdpo_xtuner.annotators.factscore.reading import read_facts, read_verdict
from maskdpo_xtuner.annotators.factscore.retrieval import Retriever, TopicPassages
from maskdpo_xtuner.annotators.factscore.two_engines import to_verifier
from maskdpo_xtuner.annotators.prompt_files import Prompt
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.records import Fact, Label, Message, Question, Sentence

Asking = Generator[Request, Completion | Failure, Fact]


@dataclass(frozen=True)
class Wording:
    """What a model is asked with.

    Attributes:
        facts: template of the question for the facts of a sentence.
        verdict: template of the question about a fact.
        demonstrations: sentences with their facts, to be shown.
        fixed: how many of them are always shown; None for all.
        similar: how many more, chosen by their likeness to the sentence.
    """

    facts: Prompt
    verdict: Prompt
    demonstrations: Demonstrations
    fixed: int | None = None
    similar: int = 0

    @property
    def identity(self) -> Mapping[str, str]:
        """All of it, with hashes of the texts."""
        shown = 'all' if self.fixed is None else str(self.fixed)
        return {
            'facts_prompt': self.facts.source,
            'facts_prompt_sha256': self.facts.sha256,
            'verdict_prompt': self.verdict.source,
            'verdict_prompt_sha256': self.verdict.sha256,
            'demonstrations': self.demonstrations.source,
            'demonstrations_sha256': self.demonstrations.sha256,
            'shown': f'{shown} fixed, {self.similar} similar',
        }


@dataclass
class FactScoreAnnotator(SentenceAnnotator):
    """Verifies every atomic fact of a sentence with passages of the page of the topic.

    The label of a sentence follows from its facts: none, No Facts; all supported, No
    Hallucination; any that is not, Unverifiable. A topic without a page, facts that cannot be
    read, and a request that failed are failures of the sentence; a verdict that cannot be read is
    one of the fact, and of the sentence unless another fact decides.

    Attributes:
        engine: identity of the engine that answers, or of both (`TwoEngines`).
        wording: what it is asked with.
        retriever: where passages come from.
        retrying: how often an unreadable answer is asked for again.
        passages: how many a fact is verified with.
        max_new_tokens: limit of what the model writes.
        identity: all of the above.
    """

    engine: Mapping[str, str]
    wording: Wording
    retriever: Retriever
    retrying: Retries
    passages: int = 5
    max_new_tokens: int = 512
    identity: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.identity = {
            'name': 'factscore',
            'version': '2',
            **{f'engine.{name}': value for name, value in self.engine.items()},
            **self.wording.identity,
            **self.retriever.identity,
            'passages': str(self.passages),
            **self.retrying.describe(self.max_new_tokens),
        }

    def judge(
        self, question: Question, text: str, span: tuple[int, int]
    ) -> Generator[Request, Completion | Failure, Sentence]:
        """Ask for the facts of ``text[span[0]:span[1]]``, then about each of them."""
        start, end = span
        known = self.retriever.find(question)
        if known is None:
            reason = f'no_page: the knowledge has no page "{question.topic}"'
            return Sentence(start=start, end=end, failure=reason)
        prompt = self._facts_prompt(question, text, text[start:end].strip())
        try:
            said = yield from ask(
                prompt,
                self.max_new_tokens,
                self.retrying,
                _facts_of,
                'facts: ',
            )
        except NoVerdict as stop:
            return Sentence(start=start, end=end, failure=str(stop))
        facts: list[Fact] = []
        for fact in said.meaning:
            facts.append((yield from self._verify(question, known, fact)))
        label, failure = outcome_of(facts)
        notes = (f'retried: {"; ".join(said.unreadable)}',) if said.unreadable else ()
        return Sentence(
            start=start, end=end, label=label, failure=failure, notes=notes, facts=tuple(facts)
        )

    def _verify(self, question: Question, known: TopicPassages, fact: str) -> Asking:
        replies: list[str] = []

        def read(answer: Completion) -> bool:
            replies.append(answer.text)
            return read_verdict(whole(answer))

        supported: bool | None = None
        failure: str | None = None
        prompt = self._verdict_prompt(question, known, fact)
        try:
            asking = ask(prompt, self.max_new_tokens, self.retrying, read, 'verdict: ')
            said = yield from to_verifier(asking)
            supported = said.meaning
        except NoVerdict as stop:
            failure = str(stop)
        reply = replies[-1] if replies else None
        return Fact(text=fact, supported=supported, failure=failure, reply=reply)

    def _facts_prompt(self, question: Question, response: str, sentence: str) -> list[Message]:
        wording = self.wording
        content = wording.facts.render(
            question=question.question,
            topic=question.topic,
            language=question.language,
            response=response,
            sentence=sentence,
            demonstrations=wording.demonstrations.chosen(sentence, wording.fixed, wording.similar),
        )
        return [Message(role='user', content=content)]

    def _verdict_prompt(self, question: Question, known: TopicPassages, fact: str) -> list[Message]:
        content = self.wording.verdict.render(
            question=question.question,
            topic=question.topic,
            language=question.language,
            title=known.title,
            passages=known.best(fact, self.passages),
            fact=fact,
        )
        return [Message(role='user', content=content)]


def _facts_of(answer: Completion) -> tuple[str, ...]:
    return read_facts(whole(answer))


def outcome_of(facts: Sequence[Fact]) -> tuple[Label | None, str | None]:
    """Derive the label of a sentence from its facts, or the failure for which it has none.

    A request that failed comes first, since the next run may answer it. Then any fact that is not
    supported decides, then any without a verdict.
    """
    failures = [fact.failure for fact in facts if fact.failure is not None]
    for failure in failures:
        if failure.startswith('failed:'):
            return None, failure
    if any(fact.supported is False for fact in facts):
        return Label.UNVERIFIABLE, None
    if failures:
        return None, failures[0]
    return (Label.NO_HALLUCINATION if facts else Label.NO_FACTS), None
