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
from maskdpo_xtuner.records import AnnotatedResponse, Label, Question
from maskdpo_xtuner.registry import METRICS

PERCENT = Form(scale=100)


@dataclasses.dataclass(frozen=True)
class Counts:
    """What is counted over a set of answers; sums of two sets are the counts of their union.

    Attributes:
        answers: answers in the set.
        empty: answers without any sentence.
        truncated: answers cut at the token limit.
        tokens: completion tokens of all answers whose tokens were counted.
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
        tokens=response.completion_tokens or 0,
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


Metric = Callable[[AnnotatedResponse, Question], tuple[float, float]]
"""What an annotated answer adds to a numerator and to a denominator.

The metric is the ratio of their sums over a set of answers; `ratio` says how it is read.
"""


def ratio(form: Form) -> Callable[[Metric], Metric]:
    """Say how a metric is read: ``@ratio(Form(scale=100))`` for percent."""

    def with_form(metric: Metric) -> Metric:
        metric.form = form  # type: ignore[attr-defined]
        return metric

    return with_form


def form_of(metric: Metric) -> Form:
    """How a metric is read; as it stands without a word about it."""
    form: Form = getattr(metric, 'form', Form())
    return form


def _of_counts(
    numerator: Callable[[Counts], int], denominator: Callable[[Counts], int], form: Form
) -> Metric:
    @ratio(form)
    def of_counts(response: AnnotatedResponse, question: Question) -> tuple[float, float]:
        counts = count_response(response)
        return numerator(counts), denominator(counts)

    return of_counts


# The verdict is made of these, whatever else is registered under their names.
BUILT_IN: dict[str, Metric] = {
    'score': _of_counts(
        lambda c: c.correct, lambda c: c.correct + c.incorrect, Form(scale=100, by_run=True)
    ),
    'precision': _of_counts(lambda c: c.supported, lambda c: c.supported + c.incorrect, PERCENT),
    'supported_per_answer': _of_counts(lambda c: c.supported, lambda c: c.answers, Form()),
    'hallucinated_per_answer': _of_counts(lambda c: c.incorrect, lambda c: c.answers, Form()),
    'no_facts': _of_counts(lambda c: c.no_facts, lambda c: c.sentences, PERCENT),
    'uncheckable_answers': _of_counts(lambda c: c.uncheckable, lambda c: c.answers, PERCENT),
    'without_verdict': _of_counts(lambda c: c.without_verdict, lambda c: c.sentences, PERCENT),
}
for _name, _metric in BUILT_IN.items():
    METRICS.register_module(_name, module=_metric)


def judged_tallies(
    responses: Sequence[AnnotatedResponse],
    questions: Mapping[str, Question],
    cluster_of: Mapping[str, str],
    metrics: Sequence[str] = (),
) -> dict[str, Tally]:
    """The metrics of one model by one judge, ready for intervals.

    Those of the package, and ``distinct_precision``: the precision with every different sentence of
    a topic counted once a run. What is said again and again, in an answer or whatever is asked
    about the topic, counts once in it: repetition lifts a precision by facts (Jiang et al. 2024,
    "Core", arXiv 2407.03572).

    Args:
        responses: its annotated answers.
        questions: by id.
        cluster_of: question id -> cluster.
        metrics: further ones by their names in `maskdpo_xtuner.registry.METRICS`.
    """
    asked = {name: METRICS.get(name) for name in metrics if name not in BUILT_IN}
    tallies = {}
    for name, metric in {**BUILT_IN, **asked}.items():
        parts = [
            Part(r.question_id, r.sample_index, *metric(r, questions[r.question_id]))
            for r in responses
        ]
        tallies[name] = tally(parts, cluster_of, form_of(metric))
    distinct = tally(_distinct_sentences(responses, questions), cluster_of, PERCENT)
    return {**tallies, 'distinct_precision': distinct}


def _distinct_sentences(
    responses: Sequence[AnnotatedResponse], questions: Mapping[str, Question]
) -> Iterator[Part]:
    """A part for each checkable sentence that the topic did not have before in the run."""
    seen = set()
    for response in responses:
        for sentence in response.sentences:
            words = response.text[sentence.start : sentence.end].casefold().split()
            said = questions[response.question_id].topic, response.sample_index, ' '.join(words)
            checkable = sentence.label not in (None, Label.NO_FACTS)
            if checkable and said not in seen:
                seen.add(said)
                supported = sentence.label is Label.NO_HALLUCINATION
                yield Part(response.question_id, response.sample_index, supported, 1)
