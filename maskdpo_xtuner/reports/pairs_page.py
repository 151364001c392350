"""The page of preference pairs: answers with coloured sentences, scores, drops, token masks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from statistics import fmean
from typing import Any

from maskdpo_xtuner.masking import PairConverter
from maskdpo_xtuner.reports.links import PagePlace
from maskdpo_xtuner.reports.pages import render
from maskdpo_xtuner.reports.pair_files import PairFiles
from maskdpo_xtuner.reports.pair_views import PairView, no_facts_of, view_pair
from maskdpo_xtuner.reports.segments import NOT_ASKED, Kind, all_kinds, kind_of

MANY = 400
"""From so many pairs on, a browser lays out only those in view, and prints or captures no others:
an image of a page ends after some forty of them anyway."""


def pairs_page(files: PairFiles, converter: PairConverter | None = None) -> str:
    """Render the page as self-contained HTML.

    Args:
        files: pairs, and what is known beside them (`read_pair_files`).
        converter: to show token masks as it makes them; None shows none.

    Raises:
        ValueError: naming the pair whose sentences or tokens do not fit its response.
    """
    views = list(_views(files, converter))
    provenance = next((pair.provenance for pair in files.pairs if pair.provenance), {})
    return render(
        'pairs.html.j2',
        PagePlace(1, 'Pairs'),
        title='Preference pairs',
        source=files.source,
        tiles=_tiles(files),
        provenance=provenance,
        tables=_tables(files),
        pairs=views,
        documents=any(view.document for view in views),
        passages=any(view.document and view.document.numbers for view in views),
        many=len(views) > MANY,
        total=files.total,
        dropped=files.dropped,
        dropped_total=files.reasons.total(),
        kinds=_kinds(files),
    )


def _kinds(files: PairFiles) -> tuple[Kind, ...]:
    kinds = all_kinds(no_facts_of(files.pairs[0]))
    return (*kinds, NOT_ASKED) if files.not_needed else kinds


def _views(files: PairFiles, converter: PairConverter | None) -> Iterable[PairView]:
    for number, pair in enumerate(files.pairs, start=1):
        responses = files.responses.get(pair.question_id, []) if pair.question_id else []
        try:
            yield view_pair(pair, responses, converter, files.document(pair))
        except ValueError as error:
            raise ValueError(f'{files.source}, pair {number}: {error}') from error


def _tiles(files: PairFiles) -> dict[str, str]:
    tiles = {'pairs': f'{files.total:,}'}
    if files.refusals_unknown < files.total:
        tiles['refusals chosen'] = f'{files.refusals:,}'
    if files.refusals_unknown:
        tiles['chosen, refusal or not unknown'] = f'{files.refusals_unknown:,}'
    if files.unsupported is not None:
        tiles['chosen, nothing supported'] = f'{files.unsupported:,}'
    if files.questions:
        tiles['questions annotated'] = f'{files.questions:,}'
    if files.not_needed:
        tiles['sentences not asked'] = f'{files.not_needed:,}'
    if files.reasons:
        tiles['questions dropped'] = f'{files.reasons.total():,}'
    for side, scores in files.scores.items():
        if scores:
            tiles[f'mean score, {side}'] = f'{100 * fmean(scores):.0f} %'
    return tiles


def _tables(files: PairFiles) -> list[dict[str, Any]]:
    """Counts with their shares: labels of sentences, reasons of drops."""
    scope = 'all answers' if files.questions else 'both sides of all pairs'
    labels = Counter({kind_of(label).name: count for label, count in files.labels.items()})
    counted = [(f'Sentences of {scope}', labels), ('Dropped questions', files.reasons)]
    return [{'title': title, 'rows': _rows(counts)} for title, counts in counted if counts]


def _rows(counts: Counter[str]) -> list[dict[str, Any]]:
    total = counts.total()
    return [
        {'name': name, 'count': f'{count:,}', 'percent': 100 * count / total}
        for name, count in counts.most_common()
    ]
