"""The blocks of code of README.md and docs/, and the commands in them.

A comment above a block says why it is not run: ``<!-- needs: gpu -->``. It is checked for form.
Where that holds for all of a page, the page says ``<!-- every block needs: gpu -->``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').glob('*.md'))]
SHELL = ('sh', 'shell', 'bash', 'console')
_BLOCK = re.compile(r'(?:^ *<!-- needs: ([^>]+) -->\n)?^( *)```(\w*)\n(.*?)^\2```$', re.S | re.M)
_INDENTED = re.compile(r'\n\n((?: {4}(?:python|maskdpo|xtuner|lmdeploy|make) .*\n)+)')
_OPERATORS = {';', '&', '&&', '|', '||'}
_WORDS = {'do', 'done', 'then', 'fi', 'wait'}


@dataclass(frozen=True)
class Block:
    """A block of a page; ``needs`` is None for one that is run."""

    page: Path
    line: int
    language: str
    text: str
    needs: str | None

    def __str__(self) -> str:
        return f'{self.page.name}:{self.line}'


def blocks(page: Path) -> list[Block]:
    """All blocks of a page, those of indented commands too, in their order."""
    text = page.read_text(encoding='utf-8')
    every = re.search('<!-- every block needs: ([^>]+) -->', text)
    needs = every[1] if every else None
    found = [
        _block(page, text, m.start(4), m[3], dedent(m[4]), m[1] or needs)
        for m in _BLOCK.finditer(text)
    ]
    blank = _BLOCK.sub(lambda m: re.sub(r'[^\n]', '-', m[0]), text)
    for m in _INDENTED.finditer(blank):
        found.append(
            _block(page, text, m.start(1), 'sh', re.sub('(?m)^ {4}', '', m[1]), 'indented')
        )
    return sorted(found, key=lambda block: block.line)


def _block(page: Path, text: str, at: int, language: str, code: str, needs: str | None) -> Block:
    language = language or ('sh' if needs or _looks_typed(code) else '')
    return Block(page, text.count('\n', 0, at) + 1, language, code, needs)


def _looks_typed(code: str) -> bool:
    return re.match(r'(\w+=\S+ )*(python|maskdpo|xtuner|lmdeploy|make|for) ', code) is not None


def commands(page: Path) -> Iterator[tuple[Block, list[str]]]:
    """Each command of a page as its words; what ``export`` says is put in for ``$NAME``."""
    known: dict[str, str] = {}
    for block in blocks(page):
        if block.language in SHELL:
            for line in re.sub(r'\\\n\s*', '', block.text).splitlines():
                exported = re.fullmatch(r"export (\w+)='(.*)'", line.strip())
                if exported:
                    known[exported[1]] = exported[2]
                yield from ((block, words) for words in words_of_line(line, known))


def words_of_line(line: str, known: dict[str, str]) -> Iterator[list[str]]:
    """The commands of a line without their variables, loops and redirections."""
    for pattern, word in (
        (r'\$\(\(.*?\)\)', '1'),
        (r'"?\$\(.*?\)"?', 'TEXT'),
        (r'<\(.*?\)', 'FILE'),
    ):
        line = re.sub(pattern, word, line)
    line = re.sub(r'\$(\w+)', lambda m: known.get(m[1], m[0]), line)
    lexer = shlex.shlex(line, posix=True, punctuation_chars=';&|<>')
    lexer.whitespace_split = True
    words: list[str] = []
    for word in [*lexer, ';']:
        if word not in _OPERATORS:
            words.append(word)
            continue
        while words and (words[0] in _WORDS or re.match(r'\w+=', words[0])):
            words.pop(0)
        if words and words[0] not in ('for', 'export', 'unset'):
            yield words
        words = []
