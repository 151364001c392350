"""Reading a page back: elements, texts, references to elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

NEIGHBOURS = {'pairs.html', 'evaluation.html', 'page.html'}
VOID = {'meta', 'input', 'br', 'hr', 'link', 'img', 'wbr'}


@dataclass
class Element:
    """An element with its attributes and everything below it."""

    tag: str
    attributes: dict[str, str | None]
    children: list[Element | str] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        return (self.attributes.get('class') or '').split()

    @property
    def text(self) -> str:
        return ''.join(c if isinstance(c, str) else c.text for c in self.children)

    def find(self, tag: str = '', name: str = '') -> list[Element]:
        """All elements below with that tag and that class."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if tag in ('', child.tag) and (not name or name in child.classes):
                    found.append(child)
                found += child.find(tag, name)
        return found


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.stack = [Element('page', {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.stack[-1].children.append(element)
        if tag not in VOID and not (self.get_starttag_text() or '').endswith('/>'):
            self.stack.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.stack[-1].children.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack[-1].tag == tag, f'</{tag}> closes <{self.stack[-1].tag}>'
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        self.stack[-1].children.append(data)


def parse_page(page: str) -> Element:
    """Parse a page; every element must be closed in its order."""
    parser = _Parser()
    parser.feed(page)
    parser.close()
    assert len(parser.stack) == 1, f'<{parser.stack[-1].tag}> is not closed'
    return parser.stack[0]


def assert_self_contained(page: str) -> None:
    """Nothing in the page is loaded from elsewhere."""
    for element in parse_page(page).find():
        assert element.tag not in {'link', 'img', 'iframe', 'object', 'embed', 'base'}
        assert not {'src', 'srcset', 'action'} & element.attributes.keys()
        # A link to a page of the same folder loads nothing.
        address = element.attributes.get('href')
        assert address is None or (element.tag == 'a' and address.partition('#')[0] in NEIGHBOURS)
        assert not any(name.startswith('on') for name in element.attributes)
    for loader in ('url(', '@import', 'fetch(', 'XMLHttpRequest', 'http://', 'https://'):
        assert loader not in page
