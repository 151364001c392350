"""What the site does beyond plain Markdown: pages and files from outside docs/, nav, formulas."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
# Pages that GitHub wants elsewhere, by their names in the site.
ELSEWHERE = {
    'index.md': 'README.md',
    'contributing.md': 'CONTRIBUTING.md',
    'changelog.md': 'CHANGELOG.md',
    'security.md': 'SECURITY.md',
    'measured-how.md': 'benchmarks/README.md',
    'results.md': 'results/README.md',
}
NAMES = {path: name for name, path in ELSEWHERE.items()}
LINK = re.compile(r'(\]\()([^)\s#]+)')


def on_config(config: Any) -> Any:
    """Leave out pages that are not there, and name those last that no part of the nav names."""
    there = {path.relative_to(ROOT / 'docs').as_posix() for path in (ROOT / 'docs').rglob('*.md')}
    there |= ELSEWHERE.keys()
    named: set[str] = set()
    parts = []
    for part in config.nav:
        ((title, pages),) = part.items()
        if isinstance(pages, str):
            kept, paths = pages, {pages}
        else:
            kept = [page for page in pages if there.issuperset(page.values())]
            paths = {path for page in kept for path in page.values()}
        named |= paths
        parts.append({title: kept})
    if left := sorted(there - named):
        parts.append({'More': left})
    config.nav = parts
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages from elsewhere, and every file outside of docs/ that a page links to."""
    for name, path in ELSEWHERE.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / path)))
    linked = {
        target
        for page in files.documentation_pages()
        for target in (_target(page, link) for link in _links(page.content_string))
    }
    for target in sorted(linked):
        if (ROOT / target).is_file() and not _in_site(target):
            source = str(ROOT / target)
            files.append(File.generated(config, _shown(target), abs_src_path=source))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Point links at where things lie in the site."""
    return LINK.sub(lambda found: found[1] + _moved(page.file, found[2]), markdown)


def on_page_content(html: str, page: Any, config: Any, files: Files) -> str:
    """Write formulas as MathML, which needs no script."""
    html = re.sub(r'\\\[(.*?)\\\]', lambda f: convert(_plain(f[1]), 'block'), html, flags=re.S)
    return re.sub(r'\\\((.*?)\\\)', lambda f: convert(_plain(f[1])), html, flags=re.S)


def _plain(formula: str) -> str:
    for name, sign in (
        ('&lt;', '<'),
        ('&gt;', '>'),
        ('&amp;', '&'),
        (r'\bigl', ''),
        (r'\bigr', ''),
    ):
        formula = formula.replace(name, sign)
    return formula


def _links(markdown: str) -> list[str]:
    return [found[2] for found in LINK.finditer(markdown) if '://' not in found[2]]


def _target(page: Any, link: str) -> str:
    """The path below the repository that a link of a page means."""
    path = ELSEWHERE.get(page.src_uri, f'docs/{page.src_uri}')
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), link))


def _in_site(target: str) -> bool:
    return target in NAMES or target.startswith('docs/')


def _shown(target: str) -> str:
    """Where a file outside of docs/ lies in the site; as text, so that a browser shows it."""
    return f'source/{target}' + ('' if Path(target).suffix in ('.png', '.html') else '.txt')


def _moved(page: Any, link: str) -> str:
    if '://' in link or link.startswith(('mailto:', '#')):
        return link
    target = _target(page, link)
    if target in NAMES:
        moved = NAMES[target]
    elif target.startswith('docs/'):
        moved = target.removeprefix('docs/')
    else:
        moved = _shown(target)
    return posixpath.relpath(moved, posixpath.dirname(page.src_uri) or '.')
