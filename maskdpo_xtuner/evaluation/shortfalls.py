"""What is missing from the numbers of an evaluation, by name and count; each ends in exit status 1.

A failure is in no numerator and in no denominator: not a label, not a zero, and not silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal

from maskdpo_xtuner.evaluation.counts import Counts, count_response
from maskdpo_xtuner.records import AnnotatedResponse, Record

TOO_FEW = 'have no verdict: too few were judged for numbers to be trusted'

Kind = Literal[
    'no answer', 'failed verdicts', 'refused verdicts', 'silent judge', 'too few verdicts'
]


class Shortfall(Record):
    """``count`` of ``of`` are missing.

    Attributes:
        kind: ``no answer``: questions that the model's engine did not answer, in one of the runs.
            ``failed verdicts``: units whose judge could not be asked. ``refused verdicts``: units
            of which it will never be (longer than its context). ``silent judge``: no unit has a
            verdict. ``too few verdicts``: units without one, for whatever reason, or
            sentences whose facts are not known, are as many as
            `evaluation.most_without_verdict` says.
        model: key of the training whose answers they are.
        judge: name of the judge; None where none is to blame.
        count: how many are missing.
        of: how many there should be.
    """

    kind: Kind
    model: str
    judge: str | None = None
    count: int
    of: int

    def describe(self) -> str:
        """Say it in a line, with what to do."""
        if self.kind == 'no answer':
            return (
                f'{self.model}: {self.count} of {self.of} questions have no answer and are not '
                'scored; see failures.jsonl, and run again to ask for those that are not final'
            )
        about = f'{self.model}, judged by {self.judge}: {self.count} of {self.of}'
        if self.kind == 'failed verdicts':
            return f'{about} have no verdict, for the judge could not be asked; run again'
        if self.kind == 'refused verdicts':
            return f'{about} have no verdict for good; see failures.jsonl for the reasons'
        if self.kind == 'silent judge':
            return f'{about} have no verdict: the judge never gave one'
        return f'{about} {TOO_FEW}'


def find_shortfalls(
    responses: Mapping[str, Mapping[str, Sequence[AnnotatedResponse]]],
    missing: Mapping[str, Collection[tuple[str, int]]],
    most_without_verdict: float,
) -> list[Shortfall]:
    """Give what is missing from the numbers of one set.

    Args:
        responses: name of a judge -> key of a training -> its annotated responses.
        missing: key of a training -> question and run that were not answered.
        most_without_verdict: see `Shortfall`.
    """
    found = []
    first = next(iter(responses.values()))
    for key, gone in missing.items():
        if gone:
            of = len(first[key]) + len(gone)
            found.append(Shortfall(kind='no answer', model=key, count=len(gone), of=of))
    for judge, by_key in responses.items():
        for key, own in by_key.items():
            found += _of_judge(judge, key, own, most_without_verdict)
    return found


def _of_judge(
    judge: str, key: str, responses: Sequence[AnnotatedResponse], most: float
) -> Iterator[Shortfall]:
    counts = sum(map(count_response, responses), Counts())
    lost = counts.without_verdict
    place: dict[str, Any] = {'model': key, 'judge': judge, 'of': counts.units}
    ends = Counter(chain.from_iterable(map(_ends, responses)))
    if failed := ends['failed']:
        yield Shortfall(kind='failed verdicts', count=failed, **place)
    if refused := ends['no_answer']:
        yield Shortfall(kind='refused verdicts', count=refused, **place)
    if lost and lost == counts.units:
        yield Shortfall(kind='silent judge', count=lost, **place)
    elif short := _too_few(responses, counts, most):
        yield Shortfall(kind='too few verdicts', **{**place, **short})


def _too_few(
    responses: Sequence[AnnotatedResponse], counts: Counts, most: float
) -> dict[str, int] | None:
    """Units without a verdict, or sentences whose facts are not known, where they are too many.

    A sentence of unknown facts is a single unit beside the several of one that was read: among
    units alone, half of the lists of facts could be missing and would be a fifth.
    """
    unread = sum(s.label is None and not s.facts for r in responses for s in r.sentences)
    left_out = sum(s.is_left_out for r in responses for s in r.sentences)
    found = ((counts.without_verdict, counts.units), (unread - left_out, counts.sentences))
    for lost, of in found:
        if lost and lost >= most * of:
            return {'count': lost, 'of': of}
    return None


def _ends(response: AnnotatedResponse) -> Iterator[str]:
    """Give the kind of failure of each unit that has one."""
    for sentence in response.sentences:
        for unit in sentence.facts or (sentence,):
            if unit.failure is not None:
                yield unit.failure.partition(':')[0]
