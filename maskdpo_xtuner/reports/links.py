"""Links between the pages of a folder: whenever one is written, all of them know each other."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from maskdpo_xtuner.atomic import atomic_writer

# Both stand before anything of the user's, and what is the user's is escaped.
_PLACE = re.compile(r'<meta name="maskdpo-page" content="([^"]*)">')
_LINKS = re.compile(r'(?<=<!--pages-->).*?(?=<!--/pages-->)', re.DOTALL)


@dataclass(frozen=True)
class PagePlace:
    """What a page can be found by.

    Attributes:
        order: its place among the pages of a folder.
        title: what a link to it says.
        parts: title -> anchor, of parts that get a link of their own.
    """

    order: int
    title: str
    parts: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> str:
        """Give what stands in the page's head, and `place_of` reads back."""
        return json.dumps([self.order, self.title, self.parts])


def place_of(page: str) -> PagePlace | None:
    """Read back how a page is found; None for a page of somebody else's."""
    found = _PLACE.search(page)
    if not found or not _LINKS.search(page):
        return None
    order, title, parts = json.loads(html.unescape(found[1]))
    return PagePlace(order, title, tuple((title, anchor) for title, anchor in parts))


def link_pages(folder: Path) -> None:
    """Write the same links into all pages of a folder that this package made."""
    texts = {path: path.read_text(encoding='utf-8') for path in sorted(folder.glob('*.html'))}
    places = {path: place for path, text in texts.items() if (place := place_of(text))}
    for path in places:
        before, _, after = _divide(texts[path])
        linked = before + _links(places, path) + after
        if linked != texts[path]:
            with atomic_writer(path) as file:
                file.write(linked)


def _divide(page: str) -> tuple[str, str, str]:
    """The page before its links, the links, and the page behind them."""
    found = _LINKS.search(page)
    assert found is not None
    return page[: found.start()], found[0], page[found.end() :]


def _links(places: dict[Path, PagePlace], current: Path) -> str:
    """The links of a page; none where it would be the only one."""
    titles = Counter(place.title for place in places.values())
    links = []
    for path, place in sorted(places.items(), key=lambda item: (item[1].order, item[0])):
        title = place.title if titles[place.title] == 1 else f'{place.title} ({path.stem})'
        links.append(_link(title, quote(path.name), is_current=path == current))
        links += [_link(t, f'{quote(path.name)}#{anchor}') for t, anchor in place.parts]
    return '\n'.join(links) if len(links) > 1 else ''


def _link(title: str, address: str, is_current: bool = False) -> str:
    current = ' aria-current="page"' if is_current else ''
    return f'<a href="{html.escape(address)}"{current}>{html.escape(title)}</a>'
