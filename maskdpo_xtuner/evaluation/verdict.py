"""Whether a model is better than another, in words that silence, repetition and babble cannot win.

"Better" takes three things: a higher precision outside the interval of the paired difference, no
fewer supported sentences per answer, and a text within the bounds. Whatever is missing is the
verdict instead, the most severe first: what a broken text says about its facts is of no interest.
"""

from __future__ import annotations

from collections.abc import Mapping

from maskdpo_xtuner.bounds import Bounds
from maskdpo_xtuner.evaluation.counts import Unit
from maskdpo_xtuner.evaluation.findings import (
    KINDS,
    Finding,
    Kind,
    Measures,
    direction,
    find,
    near_bounds,
)
from maskdpo_xtuner.evaluation.intervals import Interval
from maskdpo_xtuner.evaluation.ratios import Difference, Measure
from maskdpo_xtuner.evaluation.text_metrics import PERPLEXITY
from maskdpo_xtuner.records import Record


class Verdict(Record):
    """What is said of a model against the first one.

    ``label`` is the kind with its reasons, ``statement`` a line with the numbers behind it, and
    ``findings`` all that speaks against the model, the most severe first.
    """

    kind: Kind
    label: str
    statement: str
    findings: tuple[Finding, ...] = ()


def verdict(
    name: str,
    model: Measures,
    baseline_name: str,
    baseline: Measures,
    judge: str,
    bounds: Bounds,
    unit: Unit = 'sentences',
) -> Verdict:
    """Judge a model against a baseline by the metrics of both.

    Args:
        name: of the model.
        model: its metrics by name, those of `judged_tallies` and of `text_tallies`.
        baseline_name: of the model that it is compared with.
        baseline: that one's metrics.
        judge: name of the judge whose labels were counted.
        bounds: what the model may lose.
        unit: what the judge counted.
    """
    findings = find(model, baseline, bounds, unit)
    label, kind = _label(findings, 'better' if direction(model) == 'higher' else 'within noise')
    others = dict.fromkeys(f.kind for f in findings if f.kind not in (kind, 'unknown'))
    parts = [
        label,
        *([f'also: {", ".join(others)}'] if others else []),
        f'precision {_change(model["precision"], baseline["precision"], " %")}',
        *_between_trainings(model['precision']),
        f'supported {unit} per answer '
        + _change(model['supported_per_answer'], baseline['supported_per_answer']),
        'hallucinated '
        + _change(model['hallucinated_per_answer'], baseline['hallucinated_per_answer']),
    ]
    if near := near_bounds(model, baseline, bounds):
        parts.append(f'near the bounds: {", ".join(near)}')
    if not any(key.startswith(PERPLEXITY) for key in model):
        parts.append('perplexity was not checked')
    statement = f'{name} against {baseline_name}, judged by {judge}: ' + '; '.join(parts)
    return Verdict(kind=kind, label=label, statement=statement, findings=tuple(findings))


def _between_trainings(precision: Measure) -> list[str]:
    """Give the spread between trainings, which the interval does not have."""
    if precision.std is None:
        return []
    trainings = len(precision.trainings)
    spread = f'{precision.std:.1f}'
    return [f'standard deviation of the precision between {trainings} trainings {spread}']


def _label(findings: list[Finding], otherwise: Kind) -> tuple[str, Kind]:
    """Give the most severe kind with its reasons, and the kind alone."""
    kind = findings[0].kind if findings else otherwise
    reasons = ', '.join(f.detail for f in findings if f.kind == kind and f.detail)
    return (f'{kind} ({reasons})' if reasons else kind), kind


def _change(model: Measure, baseline: Measure, unit: str = '') -> str:
    """``9.3 % -> 23.9 % (+14.6 [+8.0, +20.1])``; two decimals where there is no unit."""
    decimals = 1 if unit else 2
    before, now = (
        'none' if value is None else f'{value:.{decimals}f}{unit}'
        for value in (baseline.value, model.value)
    )
    compared = format_difference(model.difference, decimals)
    return f'{before} -> {now}' + (f' ({compared})' if compared else '')


def overall(name: str, baseline_name: str, verdicts: Mapping[str, Verdict]) -> Verdict:
    """Sum up the verdicts of all judges: better only if every judge says so, else the most severe.

    Args:
        name: of the model.
        baseline_name: of the model that it is compared with.
        verdicts: name of the judge -> its verdict; at least one. The verdict of a single judge is
            the verdict.
    """
    if len(verdicts) == 1:
        return next(iter(verdicts.values()))
    severe = min(verdicts.values(), key=lambda verdict: KINDS.index(verdict.kind))
    if len({verdict.kind for verdict in verdicts.values()}) == 1:
        everyone = 'both judges' if len(verdicts) == 2 else f'all {len(verdicts)} judges'
        said = f'{severe.kind} by {everyone} ({", ".join(verdicts)})'
    else:
        each = (f'{verdict.label} by {judge}' for judge, verdict in verdicts.items())
        said = f'{severe.kind}, for the judges disagree: ' + ', '.join(each)
    return severe.model_copy(update={'statement': f'{name} against {baseline_name}: {said}'})


def format_difference(difference: Difference | None, decimals: int) -> str:
    """Give ``+14.6 [+8.0, +20.1]``, or nothing where there is none."""
    if difference is None or difference.points is None:
        return ''
    interval = format_interval(difference.interval, decimals, signed=True)
    return f'{difference.points:+.{decimals}f} {interval}'


def format_value(value: float | None, interval: Interval | None, decimals: int = 1) -> str:
    """Give ``75.8 [71.2, 80.4]``, or ``-`` where there is no value."""
    if value is None:
        return '-'
    return f'{value:.{decimals}f} {format_interval(interval, decimals)}'


def format_interval(interval: Interval | None, decimals: int = 1, *, signed: bool = False) -> str:
    """Give ``[71.2, 80.4]``, or ``-`` where there is none."""
    if interval is None:
        return '-'
    form = f'{"+" if signed else ""}.{decimals}f'
    return f'[{interval.low:{form}}, {interval.high:{form}}]'
