"""What speaks against a model: its metrics held against another's and against the bounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, get_args

from maskdpo_xtuner.bounds import Bounds
from maskdpo_xtuner.evaluation.counts import Unit
from maskdpo_xtuner.evaluation.ratios import Direction, Measure
from maskdpo_xtuner.evaluation.text_metrics import PERPLEXITY
from maskdpo_xtuner.records import Record

# In the order of their severity.
Kind = Literal[
    'text broken',
    'avoids checkable statements',
    'answers alike',
    'worse',
    'says less',
    'unknown',
    'within noise',
    'better',
]
KINDS: tuple[Kind, ...] = get_args(Kind)


Measures = Mapping[str, Measure]


class Share(NamedTuple):
    """A share that may not grow, or fall where ``sign`` is -1, by more than a bound.

    Attributes:
        key: of the metric.
        bound: its name in `Bounds`.
        kind: what a model is called that passes it.
        said: with the model's share in place of ``{}``.
    """

    key: str
    bound: str
    kind: Kind
    said: str
    sign: int = 1


SHARES = (
    Share('rep_4', 'more_repeated', 'text broken', '{} repeated'),
    Share('truncated', 'more_truncated', 'text broken', '{} of answers cut at the token limit'),
    Share(
        'uncheckable_answers',
        'more_uncheckable',
        'avoids checkable statements',
        'none in {} of answers',
    ),
    Share('refusals', 'more_refusals', 'avoids checkable statements', '{} refusals'),
    Share('shared_4', 'more_shared', 'answers alike', '{} shared with other answers'),
    Share('distinct_answers', 'fewer_distinct', 'answers alike', '{} distinct among runs', -1),
)


class Finding(Record):
    """Something that speaks against a model; ``detail`` is the number that shows it."""

    kind: Kind
    detail: str = ''


def find(
    model: Measures, baseline: Measures, bounds: Bounds, unit: Unit = 'sentences'
) -> list[Finding]:
    """Give all that speaks against a model, the most severe first.

    Args:
        model: its metrics by name, those of `judged_tallies` and of `text_tallies`.
        baseline: the metrics of the model that it is compared with.
        bounds: what the model may lose.
        unit: what the judge counted.
    """
    found = [
        *_perplexity(model, baseline, bounds),
        *(
            Finding(kind=share.kind, detail=_said(share, model))
            for share in SHARES
            if _added(model, baseline, share) > getattr(bounds, share.bound)
        ),
        *(_unjudged(model, baseline, bounds, unit) or _facts(model, baseline, bounds, unit)),
    ]
    return sorted(found, key=lambda finding: KINDS.index(finding.kind))


def direction(model: Measures, key: str = 'precision') -> Direction:
    """Tell where the model's precision, or another metric of it, lies against the first model's."""
    difference = model[key].difference
    assert difference is not None, 'the first model is compared with none'
    return difference.direction


def near_bounds(model: Measures, baseline: Measures, bounds: Bounds) -> list[str]:
    """Name the shares that have come more than half of the way to their bounds, and not over them.

    A training that repeats itself more and more stays within the bounds for a while.
    """
    near = []
    for share in SHARES:
        bound: float = getattr(bounds, share.bound)
        if bound < 1 and bound / 2 < _added(model, baseline, share) <= bound:  # 1 is off.
            near.append(_said(share, model))
    return near


def _said(share: Share, model: Measures) -> str:
    return share.said.format(_percent(model, share.key))


def _perplexity(model: Measures, baseline: Measures, bounds: Bounds) -> Iterator[Finding]:
    for key in model:
        mine, theirs = model[key].value, baseline[key].value
        if key.startswith(PERPLEXITY) and mine and theirs and mine > bounds.perplexity * theirs:
            factor = f'{mine / theirs:.0f}' if mine > 10 * theirs else f'{mine / theirs:.1f}'
            yield Finding(kind='text broken', detail=f'perplexity x{factor} {_under(key)}')


def _under(key: str) -> str:
    return f'under {key.removeprefix(PERPLEXITY)}'


def _repeated_facts(model: Measures, baseline: Measures, bounds: Bounds) -> Iterator[Finding]:
    """Give a gain that is none with each sentence once: made by repetition, or small as it is."""
    if not bounds.distinct or direction(model) != 'higher':
        return
    if direction(model, 'distinct_precision') != 'higher':
        before, now = baseline['distinct_precision'].value, model['distinct_precision'].value
        detail = f'precision {before:.0f} -> {now:.0f} % with each sentence of a topic once'
        kept = _change(model, baseline, 'distinct_precision')
        repeated = kept <= _change(model, baseline, 'precision') / 2
        yield Finding(kind='answers alike' if repeated else 'within noise', detail=detail)


def _unjudged(model: Measures, baseline: Measures, bounds: Bounds, unit: Unit) -> list[Finding]:
    """Give what was lost on the way, of either model: nothing can be said about it."""
    found = []
    for key, lost in (
        ('without_verdict', f'{unit} without a verdict'),
        ('no_answer', 'questions without an answer'),
    ):
        known = [each[key].value or 0.0 for each in (model, baseline) if key in each]
        share = max(known, default=0.0)
        if share > 100 * bounds.without_verdict:
            found.append(Finding(kind='unknown', detail=f'{share:.0f} % of {lost}'))
    return found


def _facts(model: Measures, baseline: Measures, bounds: Bounds, unit: Unit) -> Iterator[Finding]:
    yield from _repeated_facts(model, baseline, bounds)
    if direction(model) == 'unknown':
        nothing = None in (model['precision'].value, baseline['precision'].value)
        detail = f'no checkable {unit} to compare' if nothing else 'one cluster alone'
        yield Finding(kind='unknown', detail=detail)
    if direction(model) == 'lower':
        yield Finding(kind='worse')
    before, now = (each['supported_per_answer'].value or 0.0 for each in (baseline, model))
    lower = direction(model, 'supported_per_answer') == 'lower'
    if lower or (direction(model) == 'higher' and now < bounds.least_supported * before):
        detail = f'{now:.2f} supported {unit} per answer, was {before:.2f}'
        yield Finding(kind='says less', detail=detail)


def _added(model: Measures, baseline: Measures, share: Share) -> float:
    return share.sign * _change(model, baseline, share.key)


def _change(model: Measures, baseline: Measures, key: str) -> float:
    """Say how far the model's share lies above the baseline's; 0 where one of them has none."""
    mine, theirs = model[key].value, baseline[key].value
    return 0.0 if mine is None or theirs is None else (mine - theirs) / 100


def _percent(model: Measures, key: str) -> str:
    return f'{model[key].value:.0f} %'
