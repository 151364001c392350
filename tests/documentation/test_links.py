"""Links lead to files and headings that are there, and messages are those of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documentation.blocks import PAGES, ROOT

LINKED = [*PAGES, ROOT / 'benchmarks/README.md', ROOT / 'results/README.md']
LINK = re.compile(r'\]\(([^)\s]+)\)')
TROUBLE = (ROOT / 'docs' / 'troubleshooting.md').read_text(encoding='utf-8')
MESSAGES = re.findall(r'^\| `(.+?)` \|', TROUBLE, re.M)


def prose(page: Path) -> str:
    return re.sub(r'^```.*?^```$', '', page.read_text(encoding='utf-8'), flags=re.S | re.M)


def anchors(page: Path) -> set[str]:
    """What GitHub and the site make of the headings."""
    titles = re.findall(r'^#+ (.+)$', prose(page), re.M)
    given = set(re.findall(r'(?: id="|{#)([\w-]+)', prose(page)))
    return given | {
        re.sub(r'[^\w\- ]', '', title.lower()).strip().replace(' ', '-') for title in titles
    }


@pytest.mark.parametrize('page', LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if '://' in link:
            continue
        name, _, anchor = link.partition('#')
        target = (page.parent / name).resolve() if name else page
        assert target.is_file(), f'{page.name}: {link}'
        if anchor:
            assert anchor in anchors(target), f'{page.name}: {link}'


@pytest.fixture(scope='module')
def messages() -> list[str]:
    """Every text of the code; what is put in when it runs is an ellipsis."""
    files = [*(ROOT / 'maskdpo_xtuner').rglob('*.py')]
    found = [text for file in files for text in texts(ast.parse(file.read_text()))]
    return [*found, (ROOT / 'Makefile').read_text(), 'python: command not found']


def texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else '…' for part in node.values)
            yield ''.join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize('message', MESSAGES)
def test_a_message_is_one_of_the_code(message: str, messages: list[str]) -> None:
    parts = [re.escape(part.strip()) for part in message.split('…') if part.strip(' .')]
    pattern = re.compile('.*'.join(parts), re.S)
    assert any(pattern.search(text) for text in messages)


def test_there_are_messages_of_every_part() -> None:
    assert len(MESSAGES) > 40
