"""How well judges meet human labels, as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from maskdpo_xtuner.columns import align
from maskdpo_xtuner.evaluation.human.matching import COMPARED
from maskdpo_xtuner.evaluation.human.scores import (
    HALLUCINATION,
    LABELS,
    Classification,
    HumanAgreement,
    Report,
    describe,
)
from maskdpo_xtuner.evaluation.intervals import Estimate
from maskdpo_xtuner.evaluation.shortfalls import TOO_FEW
from maskdpo_xtuner.evaluation.verdict import format_value


def format_agreement(found: HumanAgreement) -> str:
    """Give the counts, the confusion, and the measures of one judge."""
    others = {reason: n for reason, n in found.counts.items() if reason != COMPARED}
    blocks = [
        f'judge: {found.judge}; {found.counts[COMPARED]} sentences on {found.topics} topics '
        f'have both labels; not compared: {describe(others)}',
        _confusion(found),
        _classes(found.classes),
        '\n'.join(_lines(found)),
    ]
    if found.is_doubtful:
        blocks.append(f'{found.judge}: {found.unjudged:.0%} of the sentences {TOO_FEW}')
    return '\n\n'.join(blocks)


def format_report(report: Report) -> str:
    """Say which human labels belong to no sentence, and give what was found of every judge."""
    blocks = [format_agreement(found) for found in report.judges]
    if report.left_out:
        blocks.insert(0, f'human labels that are left out: {describe(report.left_out)}')
    return '\n\n'.join(blocks)


def _confusion(found: HumanAgreement) -> str:
    names = [label.value for label in LABELS]
    rows = [
        [name, *map(str, row)] for name, row in zip(names, found.table, strict=True) if sum(row)
    ]
    return align([['human \\ judge', *names], *rows], right=True)


def _classes(classes: Mapping[str, Classification]) -> str:
    head = ['class', 'human', 'judge', 'precision', 'recall', 'F1']
    rows = [
        [name, str(c.human), str(c.judge), *map(_number, (c.precision, c.recall, c.f1))]
        for name, c in classes.items()
    ]
    return align([head, *rows], right=True)


def _lines(found: HumanAgreement) -> list[str]:
    compared = found.counts[COMPARED]
    rate = found.classes[HALLUCINATION].human / compared
    lines = [
        f'hallucinated or not: {_number(found.accuracy)} alike, kappa {_number(found.kappa)}; '
        f'kappa of the four labels {_number(found.kappa_labels)}',
        f'{rate:.1%} are hallucinated by the human labels: to call all so has an F1 of '
        f'{2 * rate / (1 + rate):.3f}, to call none so is alike in {1 - rate:.3f}',
    ]
    if found.scored:
        lines.append(f'AUROC of the scores of {found.scored} sentences: {_number(found.auroc)}')
    return lines


def _number(estimate: Estimate) -> str:
    return format_value(estimate.value, estimate.interval, 3)
