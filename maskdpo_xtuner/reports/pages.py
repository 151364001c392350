"""Rendering of the templates into self-contained HTML: nothing is loaded from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.reports.documents import numbers_of
from maskdpo_xtuner.reports.links import PagePlace, link_pages
from maskdpo_xtuner.reports.segments import cut_long


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader('maskdpo_xtuner.reports'),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters['cut_long'] = cut_long
    environment.filters['numbers_of'] = numbers_of
    return environment


def render(template: str, place: PagePlace, **values: Any) -> str:
    """Fill a template of ``reports/templates``; all values are escaped.

    ``place`` is how other pages of its folder link to it.
    """
    return _environment().get_template(template).render(place=place.as_json(), **values)


def write_page(path: Path | str, page: str) -> None:
    """Write a page atomically, and link it with the other pages of its folder."""
    with atomic_writer(path) as file:
        file.write(page)
    link_pages(Path(path).parent)
