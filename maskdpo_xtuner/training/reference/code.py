"""The code that a result comes from, found by following the imports of this package."""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def code_digest(files: Iterable[Path]) -> str:
    """Hash files, and those of this package that they import, directly or not."""
    contents = (path.read_bytes() for path in source_files(files))
    return hashlib.sha256(b''.join(contents)).hexdigest()


def source_files(files: Iterable[Path]) -> list[Path]:
    """List files, and those of this package that they import, directly or not, by name.

    A name that is imported from a package stands for the package's ``__init__``, and so for all
    that this imports; a module that is imported, for that module alone.
    """
    found: set[Path] = set()
    waiting = list(files)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported_files(path)
    return sorted(found)


def file_of(function: Callable[..., Any]) -> Path:
    """The file that defines a function, or the function of a ``partial``, or an object's class."""
    while isinstance(function, partial):
        function = function.func
    return Path(inspect.getfile(function if inspect.isroutine(function) else type(function)))


def _imported_files(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        names: list[tuple[str, ...]] = []
        if isinstance(node, ast.Import):
            names = [(alias.name,) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [(f'{node.module}.{alias.name}', node.module) for alias in node.names]
        for choices in names:
            yield from list(filter(None, map(_module_file, choices)))[:1]


def _module_file(name: str) -> Path | None:
    """The file of a module of this package; None for anything else."""
    package, *parts = name.split('.')
    if package != ROOT.name:
        return None
    place = ROOT.joinpath(*parts)
    candidates = (place.with_suffix('.py'), place / '__init__.py')
    return next((path for path in candidates if path.is_file()), None)
