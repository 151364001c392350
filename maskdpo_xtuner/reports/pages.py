"""Rendering of the templates into self-contained HTML: nothing is loaded from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from maskdpo_xtuner.atomic import atomic_writer
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
    return environment


def render(template: str, **values: Any) -> str:
    """Fill a template of ``reports/templates``; all values are escaped."""
    return _environment().get_template(template).render(**values)


def write_page(path: Path | str, page: str) -> None:
    """Write a page atomically."""
    with atomic_writer(path) as file:
        file.write(page)
