"""What a judge prefers, as text for a terminal."""

from __future__ import annotations

from maskdpo_xtuner.evaluation.intervals import Estimate
from maskdpo_xtuner.evaluation.preference.outcomes import OUTCOMES
from maskdpo_xtuner.evaluation.preference.summary import CriterionResult, PreferenceResult
from maskdpo_xtuner.evaluation.table import Row, format_table
from maskdpo_xtuner.evaluation.verdict import format_value


def format_preference(result: PreferenceResult) -> str:
    """Give the rates, the counts of outcomes, and a line on how to read them."""
    model = result.judge.get('engine.model', 'a judge')
    return '\n\n'.join(
        [
            f'{result.model} against {result.baseline}, judged by {model} in both orders',
            format_table([_rates(each) for each in result.criteria]),
            format_table([_counts(each) for each in result.criteria]),
            f'wins are those of {result.model}; a win rate counts ties, order-dependent verdicts '
            'and equal texts as half, "decided" leaves them out, "equal length" is what a '
            'regression on the lengths gives; pairs without two verdicts are in none',
        ]
    )


def _rates(found: CriterionResult) -> Row:
    place = '-' if found.first_place is None else f'{found.first_place:.0f}%'
    return {
        'criterion': found.criterion,
        'win rate %': _rate(found.win_rate),
        'decided %': _rate(found.decided),
        'equal length %': _rate(found.length_controlled),
        'characters': f'{found.length:.0f}',
        "baseline's": f'{found.baseline_length:.0f}',
        'for the first': place,
    }


def _counts(found: CriterionResult) -> Row:
    return {'criterion': found.criterion} | {name: str(found.counts[name]) for name in OUTCOMES}


def _rate(rate: Estimate) -> str:
    return format_value(rate.value, rate.interval)
