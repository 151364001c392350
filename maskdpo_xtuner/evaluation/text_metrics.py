"""The metrics of the answers' texts, which no judge decides: length, refusals, repetition, fluency.

A judge that looks at sentences one by one cannot see that an answer says the same thing twice,
that all questions of a topic get one answer, or that the words stand in no order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from maskdpo_xtuner.evaluation.metrics import PERCENT
from maskdpo_xtuner.evaluation.perplexity import ResponseNll
from maskdpo_xtuner.evaluation.ratios import Form, Part, Tally, tally
from maskdpo_xtuner.evaluation.text import distinct_share, ngrams, repetition
from maskdpo_xtuner.records import Question, Response
from maskdpo_xtuner.refusals import is_refusal

PERPLEXITY = 'perplexity under '
MEAN_PERPLEXITY = 'mean perplexity under '
_PLAIN = Form()


def text_tallies(
    responses: Sequence[Response],
    questions: Mapping[str, Question],
    cluster_of: Mapping[str, str],
    nlls: Mapping[str, Sequence[ResponseNll]],
    missing: Iterable[tuple[str, int]] = (),
) -> dict[str, Tally]:
    """Give the text metrics of one model, ready for intervals.

    ``no_answer`` in percent of what was asked; all others are of the answers that came:
    ``tokens_per_answer``; ``truncated``, ``empty`` and ``refusals`` in percent of the answers;
    ``rep_4`` (`repetition`, mean over answers), ``shared_4`` (`shared_ngrams`, mean over answers,
    among the questions of a topic in a run) and ``distinct_answers`` (`distinct_share` of the runs,
    mean over questions) in percent; for every scorer the perplexity pooled over tokens and the mean
    of the answers' own.

    Args:
        responses: its answers in all runs.
        questions: by id.
        cluster_of: question id -> cluster.
        nlls: name of the scorer -> what it found for each of ``responses``, in their order.
        missing: questions and runs that were not answered.
    """

    def of_responses(values: Sequence[float | None], form: Form) -> Tally:
        parts = [
            Part(r.question_id, r.sample_index, value, 1)
            for r, value in zip(responses, values, strict=True)
            if value is not None
        ]
        return tally(parts, cluster_of, form)

    refusals = [is_refusal(r.text, questions[r.question_id].language) for r in responses]
    asked = [Part(r.question_id, r.sample_index, 0, 1) for r in responses]
    asked += [Part(question_id, run, 1, 1) for question_id, run in missing]
    found = {
        'no_answer': tally(asked, cluster_of, PERCENT),
        'tokens_per_answer': of_responses([r.completion_tokens for r in responses], _PLAIN),
        'truncated': of_responses([r.finish_reason == 'length' for r in responses], PERCENT),
        'empty': of_responses([not r.text.strip() for r in responses], PERCENT),
        'refusals': of_responses(refusals, PERCENT),
        'rep_4': of_responses([repetition(r.text) for r in responses], PERCENT),
        'shared_4': of_responses(_shared_within_topics(responses, questions), PERCENT),
        'distinct_answers': tally(_distinct_runs(responses), cluster_of, PERCENT),
    }
    for scorer, scored in nlls.items():
        pooled = [
            Part(r.question_id, r.sample_index, nll.total, nll.tokens)
            for r, nll in zip(responses, scored, strict=True)
        ]
        found[PERPLEXITY + scorer] = tally(pooled, cluster_of, Form(exponential=True))
        found[MEAN_PERPLEXITY + scorer] = of_responses([n.perplexity for n in scored], _PLAIN)
    return found


def shared_ngrams(texts: Sequence[str], n: int = 4) -> list[float | None]:
    """For each of several answers the share of its different n-grams that another one has too.

    The n-gram precision of Self-BLEU (Zhu et al. 2018, "Texygen", arXiv 1802.01886) with the
    answers to a topic's other questions as references: 1 for a model that says the same whatever
    is asked about a topic, 0 for answers that have no n tokens in common. A text of fewer tokens
    is one n-gram as it stands. None for a blank text, and where there is no other text.
    """
    found = [
        set(ngrams(text, n)) or {(text.casefold().strip(),)} if text.strip() else set()
        for text in texts
    ]
    times = Counter(ngram for own in found for ngram in own)
    if len(texts) < 2:
        return [None]
    return [sum(times[ngram] > 1 for ngram in own) / len(own) if own else None for own in found]


def _shared_within_topics(
    responses: Sequence[Response], questions: Mapping[str, Question]
) -> list[float | None]:
    """`shared_ngrams` among the answers of the same run to the questions of the same topic."""
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    for index, response in enumerate(responses):
        groups[questions[response.question_id].topic, response.sample_index].append(index)
    shares: list[float | None] = [None] * len(responses)
    for group in groups.values():
        found = shared_ngrams([responses[index].text for index in group])
        for index, share in zip(group, found, strict=True):
            shares[index] = share
    return shares


def _distinct_runs(responses: Sequence[Response]) -> Iterator[Part]:
    """Give one part a question: of a single run nothing can be said."""
    texts: dict[str, list[str]] = defaultdict(list)
    for response in responses:
        texts[response.question_id].append(response.text)
    for question_id, runs in texts.items():
        if len(runs) > 1:
            yield Part(question_id, 0, distinct_share(runs), 1)
