"""Imports put off until something is used, for packages that import more than they need."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any


@contextmanager
def deferred(name: str) -> Iterator[None]:
    """Make ``import name`` give a stand-in, which imports the module when it is used.

    Whoever imported it inside keeps the stand-in; outside of the block ``import name`` is what it
    always is. Nothing is deferred when the module is loaded already or not installed. Submodules
    cannot be imported inside.
    """
    spec = None if name in sys.modules else find_spec(name)
    if spec is None:
        yield
        return
    stand_in = _StandIn(name)
    # `inspect` looks at the file of every module that is loaded.
    stand_in.__spec__, stand_in.__file__ = spec, spec.origin
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]


class _StandIn(ModuleType):
    """Gives what the module of its name has."""

    def __getattr__(self, attribute: str) -> Any:
        name = self.__name__
        if attribute == '__path__':
            raise AttributeError(f'{name} is deferred: its submodules cannot be imported yet')
        if sys.modules.get(name) is self:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)
