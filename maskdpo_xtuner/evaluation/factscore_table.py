"""Both countings of answers that the judge ``factscore`` annotated: ours, and the release's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from maskdpo_xtuner.evaluation.counts import count_response
from maskdpo_xtuner.evaluation.metrics import judged_answers
from maskdpo_xtuner.evaluation.official_factscore import GAMMA, Abstain, official_scores
from maskdpo_xtuner.records import AnnotatedResponse, Fact, Record, Sentence

Row = dict[str, str]


class FactCounts(Record):
    """Our counting: every fact once, what has no verdict in no other count.

    Attributes:
        responses: answers.
        judged: answers of which something is known; the others, on a topic without a page say, are
            in no number per answer.
        silent: answers of which all was read and that state no fact.
        supported: facts that the knowledge supports.
        unsupported: facts that it does not.
        without_verdict: facts without a verdict.
        failures: sentences whose facts are not known, by the kind of the failure (``unparsed``,
            ``no_page``, ``failed``).
    """

    responses: int
    judged: int
    silent: int
    supported: int
    unsupported: int
    without_verdict: int
    failures: dict[str, int]

    @property
    def precision(self) -> float | None:
        """Share of supported facts among those with a verdict; None without any."""
        judged = self.supported + self.unsupported
        return self.supported / judged if judged else None

    @property
    def unjudged(self) -> float:
        """Share of facts without a verdict, a sentence whose facts are not known being one."""
        lacking = self.without_verdict + sum(self.failures.values())
        pieces = self.supported + self.unsupported + lacking
        return lacking / pieces if pieces else 0.0


def count_facts(responses: Iterable[AnnotatedResponse]) -> FactCounts:
    """Count the facts of answers."""
    responses = list(responses)
    facts = Counter(fact.supported for response in responses for fact in _facts(response))
    failures = Counter(
        kind for response in responses for kind in map(_failure, response.sentences) if kind
    )
    return FactCounts(
        responses=len(responses),
        judged=sum(judged_answers(count_response(response)) for response in responses),
        silent=sum(map(_is_silent, responses)),
        supported=facts[True],
        unsupported=facts[False],
        without_verdict=facts[None],
        failures=dict(sorted(failures.items())),
    )


def own_rows(answers: Mapping[str, Sequence[AnnotatedResponse]]) -> list[Row]:
    """Give the table of our counting, a row a model."""
    return [_own_row(model, count_facts(some)) for model, some in answers.items()]


def official_rows(
    answers: Mapping[str, Sequence[AnnotatedResponse]],
    gamma: float = GAMMA,
    abstain: Abstain = 'off',
) -> list[Row]:
    """Give the table of the release's counting, a row a model; see `official_scores`."""
    return [_official_row(model, some, gamma, abstain) for model, some in answers.items()]


def _own_row(model: str, counts: FactCounts) -> Row:
    return {
        'model': model,
        'precision %': _percent(counts.precision),
        'supported/answer': _each(counts.supported, counts.judged),
        'not supported/answer': _each(counts.unsupported, counts.judged),
        'answers without facts': str(counts.silent),
        'not judged': str(counts.responses - counts.judged),
        'facts without verdict': str(counts.without_verdict),
        'sentences without facts read': _listed(counts.failures),
    }


def _official_row(
    model: str, responses: Sequence[AnnotatedResponse], gamma: float, abstain: Abstain
) -> Row:
    scores = official_scores(responses, gamma, abstain)
    facts = scores.facts_per_response
    return {
        'model': model,
        f'FActScore % (gamma {gamma:g})': _percent(scores.score),
        'without penalty %': _percent(scores.init_score),
        'respond ratio %': _percent(scores.respond_ratio),
        'facts/response': '-' if facts is None else f'{facts:.1f}',
        f'abstained ({abstain})': str(scores.abstained),
        'unreadable but counted': str(scores.unreadable_verdicts + scores.unreadable_facts),
        'left out': str(scores.left_out),
    }


def _facts(response: AnnotatedResponse) -> list[Fact]:
    return [fact for sentence in response.sentences for fact in sentence.facts or ()]


def _failure(sentence: Sentence) -> str | None:
    """The kind of failure of a sentence whose facts are not known."""
    if sentence.failure is None or sentence.facts is not None:
        return None
    return sentence.failure.partition(':')[0]


def _is_silent(response: AnnotatedResponse) -> bool:
    return not _facts(response) and not any(map(_failure, response.sentences))


def _listed(failures: Mapping[str, int]) -> str:
    return ', '.join(f'{count} {kind}' for kind, count in failures.items()) or '0'


def _percent(share: float | None) -> str:
    return '-' if share is None else f'{100 * share:.1f}'


def _each(count: int, responses: int) -> str:
    return f'{count / responses:.2f}' if responses else '-'
