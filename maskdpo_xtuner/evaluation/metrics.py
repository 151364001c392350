"""Sentence counts of one judge, and the metrics that are ratios of them.

The paper's score: Mask-DPO, section 3.1 ("the ratio of non-hallucinated sentences to the total
number of sentences as the final score", "the mean value after five replications") and appendix A
(No Facts and No Hallucination are hallucination-free, Contradictory and Unverifiable are
hallucination). A model that says little, or nothing that can be checked, scores well by it.

Precision: supported / (supported + hallucinated) among checkable sentences, as FActScore (Min et
al. 2023, arXiv 2305.14251) and SAFE (Wei et al. 2024, arXiv 2403.18802) have it for atomic facts.
Silence cannot win it and the supported sentences per answer, SAFE's ground for its recall, at once.

Where we deviate: sentences without a verdict are in no count but their own.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import fmean

from maskdpo_xtuner.evaluation.ratios import Form, Part, Tally, tally
from maskdpo_xtuner.records import AnnotatedResponse, Label

PERCENT = Form(scale=100)


@dataclasses.dataclass(frozen=True)
class Counts:
    """What is counted over a set of answers; sums of two sets are the counts of their union.

    Attributes:
        answers: answers in the set.
        empty: answers without any sentence.
        truncated: answers cut at the token limit.
        tokens: completion tokens of all answers.
        sentences: sentences of all answers, with and without a verdict.
        correct: hallucination-free sentences, ``no_facts`` among them.
        incorrect: hallucinated sentences.
        no_facts: sentences without a checkable fact.
        without_verdict: sentences whose annotation failed or could not be read.
        uncheckable: answers, the empty ones among them, of which every sentence has a verdict and
            all are without a checkable fact.
    """

    answers: int = 0
    empty: int = 0
    truncated: int = 0
    tokens: int = 0
    sentences: int = 0
    correct: int = 0
    incorrect: int = 0
    no_facts: int = 0
    without_verdict: int = 0
    uncheckable: int = 0

    def __add__(self, other: Counts) -> Counts:
        mine, theirs = dataclasses.astuple(self), dataclasses.astuple(other)
        return Counts(*(a + b for a, b in zip(mine, theirs, strict=True)))

    @property
    def supported(self) -> int:
        """Sentences with the label No Hallucination: their facts are those of the document."""
        return self.correct - self.no_facts

    @property
    def score(self) -> float | None:
        """100 * correct / (correct + incorrect), in percent; None when nothing was judged."""
        judged = self.correct + self.incorrect
        return 100 * self.correct / judged if judged else None

    @property
    def precision(self) -> float | None:
        """100 * supported / checkable sentences, in percent; None where none is checkable."""
        checkable = self.supported + self.incorrect
        return 100 * self.supported / checkable if checkable else None


def count_response(response: AnnotatedResponse) -> Counts:
    """Count one answer."""
    labels = Counter(sentence.label for sentence in response.sentences)
    incorrect = sum(n for label, n in labels.items() if label and label.is_hallucination)
    sentences = len(response.sentences)
    return Counts(
        answers=1,
        empty=int(sentences == 0),
        truncated=int(response.finish_reason == 'length'),
        tokens=response.completion_tokens,
        sentences=sentences,
        correct=sentences - incorrect - labels[None],
        incorrect=incorrect,
        no_facts=labels[Label.NO_FACTS],
        without_verdict=labels[None],
        uncheckable=int(labels[Label.NO_FACTS] == sentences),
    )


def count_runs(responses: Iterable[AnnotatedResponse]) -> list[Counts]:
    """Counts of every run in order; run r is made of the answers with ``sample_index`` r."""
    totals: dict[int, Counts] = defaultdict(Counts)
    for response in responses:
        totals[response.sample_index] += count_response(response)
    return [totals[run] for run in sorted(totals)]


def mean_counts(runs: Sequence[Counts]) -> dict[str, float]:
    """Totals over the set, each averaged over the runs: the columns of the paper's tables."""
    names = [field.name for field in dataclasses.fields(Counts)]
    return {name: fmean(getattr(run, name) for run in runs) for name in names}


# Name of the metric -> numerator and denominator over a set of answers, and how to read them.
RATIOS: dict[str, tuple[Callable[[Counts], int], Callable[[Counts], int], Form]] = {
    'score': (
        lambda c: c.correct,
        lambda c: c.correct + c.incorrect,
        Form(scale=100, by_run=True),
    ),
    'precision': (lambda c: c.supported, lambda c: c.supported + c.incorrect, PERCENT),
    'supported_per_answer': (lambda c: c.supported, lambda c: c.answers, Form()),
    'hallucinated_per_answer': (lambda c: c.incorrect, lambda c: c.answers, Form()),
    'no_facts': (lambda c: c.no_facts, lambda c: c.sentences, PERCENT),
    'uncheckable_answers': (lambda c: c.uncheckable, lambda c: c.answers, PERCENT),
    'without_verdict': (lambda c: c.without_verdict, lambda c: c.sentences, PERCENT),
}


def judged_tallies(
    responses: Sequence[AnnotatedResponse],
    topic_of: Mapping[str, str],
    cluster_of: Mapping[str, str],
) -> dict[str, Tally]:
    """The metrics of one model by one judge, ready for intervals.

    Those of `RATIOS`, and ``distinct_precision``: the precision with every different sentence of a
    topic counted once a run. What is said again and again, in an answer or whatever is asked about
    the topic, counts once in it: repetition lifts a precision by facts (Jiang et al. 2024, "Core",
    arXiv 2407.03572).

    Args:
        responses: its annotated answers.
        topic_of: question id -> topic.
        cluster_of: question id -> cluster.
    """
    counted = [(r.question_id, r.sample_index, count_response(r)) for r in responses]
    ratios = {
        name: tally(
            (Part(q, run, numerator(counts), denominator(counts)) for q, run, counts in counted),
            cluster_of,
            form,
        )
        for name, (numerator, denominator, form) in RATIOS.items()
    }
    distinct = tally(_distinct_sentences(responses, topic_of), cluster_of, PERCENT)
    return {**ratios, 'distinct_precision': distinct}


def _distinct_sentences(
    responses: Sequence[AnnotatedResponse], topic_of: Mapping[str, str]
) -> Iterator[Part]:
    """A part for each checkable sentence that the topic did not have before in the run."""
    seen = set()
    for response in responses:
        for sentence in response.sentences:
            words = response.text[sentence.start : sentence.end].casefold().split()
            said = topic_of[response.question_id], response.sample_index, ' '.join(words)
            checkable = sentence.label not in (None, Label.NO_FACTS)
            if checkable and said not in seen:
                seen.add(said)
                supported = sentence.label is Label.NO_HALLUCINATION
                yield Part(response.question_id, response.sample_index, supported, 1)
