"""The passages that a fact is verified with: of the page of its topic, the most relevant ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from maskdpo_xtuner.annotators.factscore.cutting import Cutter
from maskdpo_xtuner.annotators.factscore.relevance import Ranked, Relevance
from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.knowledge import Knowledge, Page
from maskdpo_xtuner.records import Question

# The answers to a question, and the questions on a topic, come one after another.
_PAGES_IN_MEMORY = 64
_DOCUMENT = 'document of the question'


@dataclass(frozen=True)
class TopicPassages:
    """The passages of one page.

    Attributes:
        title: of the page.
        passages: in their order.
        index: what ranks them.
    """

    title: str
    passages: Sequence[str]
    index: Ranked

    def best(self, fact: str, count: int) -> list[str]:
        """Give the passages most relevant to title and fact, the most relevant first."""
        places = self.index.ranked(f'{self.title} {fact}')[:count]
        return [self.passages[place] for place in places]


@dataclass
class Retriever:
    """Looks up pages.

    Attributes:
        knowledge: the file of pages, whose titles are the topics; None for the document of each
            question as the page of its topic.
        cut: makes passages of a text that is not cut yet.
        relevance: ranks them.
        identity: all of the above.
    """

    knowledge: Knowledge | None
    cut: Cutter
    relevance: Relevance
    identity: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        source = identity_of(self.knowledge) or {'knowledge': _DOCUMENT}
        self.identity = {**source, **self.cut.identity, **self.relevance.identity}
        self._passages_of = lru_cache(maxsize=_PAGES_IN_MEMORY)(self._prepare)

    def find(self, question: Question) -> TopicPassages | None:
        """Give the passages of the topic of a question; None where there is no page of it."""
        document = question.document if self.knowledge is None else None
        return self._passages_of(question.topic, document)

    def _prepare(self, topic: str, document: str | None) -> TopicPassages | None:
        if self.knowledge is not None:
            page = self.knowledge.page(topic)
        else:
            page = Page(topic, (document or '',))
        if page is None:
            return None
        # What the file has cut already stays as it is.
        passages = list(page.parts) if len(page.parts) > 1 else self.cut(page.text)
        return TopicPassages(topic, passages, self.relevance(topic, passages)) if passages else None
