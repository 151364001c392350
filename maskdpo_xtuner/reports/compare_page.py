"""The page of compared runs: values, paired differences, and the paper's tables as printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.evaluation.paper import PaperTable
from maskdpo_xtuner.evaluation.side_by_side.differences import Compared
from maskdpo_xtuner.evaluation.side_by_side.table import (
    PAPERS,
    about,
    difference_tables,
    paper_lines,
    paper_remarks,
    value_tables,
)
from maskdpo_xtuner.evaluation.table import Row
from maskdpo_xtuner.reports.evaluation_plots import Comparison, comparisons_of
from maskdpo_xtuner.reports.links import PagePlace
from maskdpo_xtuner.reports.pages import render


@dataclass(frozen=True)
class GroupView:
    """What the page shows of results that may stand side by side."""

    title: str
    about: list[str]
    baseline: str
    values: list[list[Row]]
    differences: list[list[Row]]
    comparisons: list[Comparison]
    bootstrap: Bootstrap
    cluster: str


@dataclass(frozen=True)
class PaperView:
    """A table of the paper: lines of its head, and its rows."""

    heading: str
    heads: list[list[str]]
    rows: list[list[str]]
    remarks: list[str]


def compare_page(
    groups: Sequence[Compared], alone: Sequence[str] = (), tables: Sequence[PaperTable] = ()
) -> str:
    """Render the page as self-contained HTML.

    Args:
        groups: what stands side by side.
        alone: what only one run has, in words.
        tables: of the paper, shown as printed.
    """
    runs = dict.fromkeys(model.name.partition(': ')[0] for each in groups for model in each.models)
    return render(
        'compare.html.j2',
        PagePlace(3, 'Side by side'),
        title=f'{" and ".join(runs)} side by side',
        groups=[_group_view(_numbered(each)) for each in groups],
        alone=list(alone),
        papers=[_paper_view(table) for table in tables],
        note=PAPERS,
    )


def _numbered(compared: Compared) -> Compared:
    """With numbers before the names, by which the plots call the models."""
    numbers = {model.name: f'{n}. {model.name}' for n, model in enumerate(compared.models, 1)}
    models = tuple(replace(model, name=numbers[model.name]) for model in compared.models)
    return replace(compared, models=models, baseline=numbers[compared.baseline])


def _group_view(compared: Compared) -> GroupView:
    plotted = [
        replace(model, name=f'{model.name.partition(" ")[0]} {model.result.name}')
        for model in compared.models
    ]
    return GroupView(
        title=compared.title,
        about=about(compared),
        baseline=compared.baseline,
        values=value_tables(compared),
        differences=difference_tables(compared),
        comparisons=comparisons_of(plotted, compared.judge.unit, compared.evaluation.k),
        bootstrap=compared.evaluation.bootstrap,
        cluster=compared.evaluation.cluster,
    )


def _paper_view(table: PaperTable) -> PaperView:
    heads, rows = paper_lines(table)
    return PaperView(table.heading, heads, rows, paper_remarks(table))
