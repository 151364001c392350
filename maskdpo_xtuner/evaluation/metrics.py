"""The metrics of one judge: ratios of what is counted in its labels.

The paper's score: Mask-DPO, section 3.1 ("the ratio of non-hallucinated sentences to the total
number of sentences as the final score", "the mean value after five replications") and appendix A
(No Facts and No Hallucination are hallucination-free, Contradictory and Unverifiable are
hallucination). A model that says little, or nothing that can be checked, scores well by it.

Precision: supported / (supported + hallucinated) among checkable units, as FActScore (Min et al.
2023, arXiv 2305.14251) and SAFE (Wei et al. 2024, arXiv 2403.18802) have it for atomic facts.
Silence cannot win it and F1@K (SAFE; see `f1_at`) at once, whose recall is the supported units of
an answer against K, a number fixed beforehand.

Where we deviate: units without a verdict are in no count but their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from maskdpo_xtuner.evaluation.counts import Counts, count_response, f1_at
from maskdpo_xtuner.evaluation.ratios import Form, Part, Tally, tally
from maskdpo_xtuner.records import AnnotatedResponse, Label, Question
from maskdpo_xtuner.registry import METRICS

PERCENT = Form(scale=100)


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
    """Say how a metric is read; as it stands without a word about it."""
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


def judged_answers(counts: Counts) -> int:
    """Count an answer, but for one of which nothing has a verdict: it does not say nothing."""
    return 0 if counts.units and counts.without_verdict == counts.units else counts.answers


# The verdict is made of these, whatever else is registered under their names.
BUILT_IN: dict[str, Metric] = {
    'score': _of_counts(
        lambda c: c.correct, lambda c: c.correct + c.incorrect, Form(scale=100, by_run=True)
    ),
    'precision': _of_counts(lambda c: c.supported, lambda c: c.checkable, PERCENT),
    'supported_per_answer': _of_counts(lambda c: c.supported, judged_answers, Form()),
    'hallucinated_per_answer': _of_counts(lambda c: c.incorrect, judged_answers, Form()),
    'no_facts': _of_counts(lambda c: c.no_facts, lambda c: c.sentences, PERCENT),
    'uncheckable_answers': _of_counts(lambda c: c.uncheckable, lambda c: c.answers, PERCENT),
    'without_verdict': _of_counts(lambda c: c.without_verdict, lambda c: c.units, PERCENT),
    'response_ratio': _of_counts(
        lambda c: int(c.checkable > 0), lambda c: int(c.checkable > 0) + c.uncheckable, PERCENT
    ),
}
for _name, _metric in BUILT_IN.items():
    METRICS.register_module(_name, module=_metric)


def judged_tallies(
    responses: Sequence[AnnotatedResponse],
    questions: Mapping[str, Question],
    cluster_of: Mapping[str, str],
    metrics: Sequence[str] = (),
    k: int = 32,
) -> dict[str, Tally]:
    """Give the metrics of one model by one judge, ready for intervals.

    Those of the package; ``distinct_precision``: the precision with every different unit of a topic
    counted once a run; ``f1_at_k``: `f1_at` in percent, averaged over answers, those that say
    nothing checkable as 0; ``f1_at_k_responding``: the same without those. What is said again and
    again, in an answer or whatever is asked about the topic, counts once in ``distinct_precision``:
    repetition lifts a precision by facts (Jiang et al. 2024, "Core", arXiv 2407.03572).

    ``response_ratio``: answers with a checkable unit among those of which it is known whether they
    have one.

    Args:
        responses: its annotated answers.
        questions: by id.
        cluster_of: question id -> cluster.
        metrics: further ones by their names in `maskdpo_xtuner.registry.METRICS`.
        k: of F1@K.
    """
    asked = {name: METRICS.get(name) for name in metrics if name not in BUILT_IN}
    tallies = {}
    for name, metric in {**BUILT_IN, **asked}.items():
        parts = [
            Part(r.question_id, r.sample_index, *metric(r, questions[r.question_id]))
            for r in responses
        ]
        tallies[name] = tally(parts, cluster_of, form_of(metric))
    found = [(r, count_response(r)) for r in responses]
    own = {
        'distinct_precision': _distinct_units(responses, questions),
        'f1_at_k': _f1_parts(found, k),
        'f1_at_k_responding': _f1_parts([(r, c) for r, c in found if not c.uncheckable], k),
    }
    if taken := own.keys() & asked.keys():
        raise ValueError(f'{min(taken)} is a metric of ours; give yours another name')
    return {**tallies, **{name: tally(parts, cluster_of, PERCENT) for name, parts in own.items()}}


def _f1_parts(found: Iterable[tuple[AnnotatedResponse, Counts]], k: int) -> Iterator[Part]:
    for response, counts in found:
        value = f1_at(k, counts)
        if value is not None:
            yield Part(response.question_id, response.sample_index, value, 1)


def _distinct_units(
    responses: Sequence[AnnotatedResponse], questions: Mapping[str, Question]
) -> Iterator[Part]:
    """Give a part for each checkable unit that the topic did not have before in the run."""
    seen = set()
    for response in responses:
        for text, supported in _checkable_units(response):
            words = text.casefold().split()
            said = questions[response.question_id].topic, response.sample_index, ' '.join(words)
            if said not in seen:
                seen.add(said)
                yield Part(response.question_id, response.sample_index, supported, 1)


def _checkable_units(response: AnnotatedResponse) -> Iterator[tuple[str, bool]]:
    """Give the text of every checkable unit with a verdict, and whether it is supported."""
    for sentence in response.sentences:
        if sentence.facts is not None:
            yield from ((f.text, f.supported) for f in sentence.facts if f.supported is not None)
        elif sentence.label not in (None, Label.NO_FACTS):
            text = response.text[sentence.start : sentence.end]
            yield text, sentence.label is Label.NO_HALLUCINATION
