"""Registries: what a config chooses by name, and what users add from a file of their own.

    from maskdpo_xtuner.registry import ANNOTATORS

    @ANNOTATORS.register_module('nli')
    class NliSettings(AnnotatorSettings): ...

A config names the file in ``custom_imports``, as in XTuner, and then ``type='nli'``. Without
registration ``type='my_package.judges.NliSettings'`` or ``type='path/to/judges.py:NliSettings'``
does. Registries work as those of mmengine and import nothing but the standard library: the modules
of what is built in are imported when a name is first looked up.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar

Item = TypeVar('Item')


class Registry(Generic[Item]):
    """Things of one kind by name.

    Args:
        kind: what one of them is called in messages.
        locations: modules that register what is built in.
    """

    def __init__(self, kind: str, locations: Sequence[str] = ()) -> None:
        self.kind = kind
        self._locations = locations
        self._items: dict[str, Item] = {}

    def register_module(
        self, name: str | None = None, force: bool = False, module: Item | None = None
    ) -> Callable[[Item], Item]:
        """Register what is decorated, or ``module``, under ``name`` (its own without one).

        Args:
            name: what configs call it.
            force: whether it may replace another of this name.
            module: for a call in place of a decorator.

        Raises:
            ValueError: when the name is taken by something else.
        """

        def register(item: Item) -> Item:
            key = name or _own_name(item)
            taken = self._items.get(key, item)
            if not force and _path_of(taken) != _path_of(item):
                raise ValueError(
                    f'the {self.kind} "{key}" is registered by {_path_of(taken)} already; choose '
                    'another name, or replace it with force=True'
                )
            self._items[key] = item
            return item

        if module is not None:
            register(module)
        return register

    def get(self, name: str) -> Item:
        """Give what is registered as ``name``, or stands at this dotted name or place in a file.

        Raises:
            ValueError: for a name that leads nowhere, with the nearest and all registered ones.
        """
        self._import_built_in()
        if name in self._items:
            return self._items[name]
        if '.' not in name and ':' not in name:
            near = difflib.get_close_matches(name, self._items, n=1)
            hint = f'did you mean "{near[0]}"? ' if near else ''
            raise ValueError(
                f'there is no {self.kind} "{name}"; {hint}registered are {", ".join(self)}; your '
                'own needs its module in custom_imports, or a name as module.NAME or file.py:NAME'
            )
        item: Item = load_object(name)
        return item

    def name_of(self, item: Item) -> str | None:
        """The name under which something is registered; None if it is not."""
        self._import_built_in()
        return next((name for name, other in self._items.items() if other is item), None)

    def is_built_in(self, name: str) -> bool:
        """Tell whether a name stands for something of this package."""
        self._import_built_in()
        item = self._items.get(name)
        return item is not None and _path_of(item).startswith(f'{__package__}.')

    def __iter__(self) -> Iterator[str]:
        self._import_built_in()
        return iter(self._items)

    def _import_built_in(self) -> None:
        # Emptied first: what is imported may look something up itself.
        locations, self._locations = self._locations, ()
        for location in locations:
            importlib.import_module(location)


def load_object(name: str) -> Any:
    """Import what stands at ``module.NAME``, ``module:NAME`` or ``path/to/file.py:NAME``.

    Raises:
        ValueError: when it is not there, saying which part of the name is wrong.
    """
    place, separator, attribute = name.rpartition(':' if ':' in name else '.')
    if not place or not attribute:
        raise ValueError(f'"{name}" is neither module.NAME nor path/to/file.py:NAME')
    module = _load_file(Path(place)) if place.endswith('.py') else _import(place)
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise ValueError(f'{place} holds nothing named {attribute}') from None


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ValueError(f'the module {name} cannot be imported: {error}') from error


def _load_file(path: Path) -> ModuleType:
    """Import a file once, whatever the directory is and whatever else has imported it."""
    path = path.resolve()
    for loaded in list(sys.modules.values()):
        if getattr(loaded, '__file__', None) == str(path):
            return loaded
    name = f'{path.stem}@{path}'
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ValueError(f'{path}: there is no such file')
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pydantic look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _own_name(item: Any) -> str:
    name: str = getattr(item, '__name__', type(item).__name__)
    return name


def _path_of(item: Any) -> str:
    """Module and name: the same for a module that is imported twice."""
    named = item if hasattr(item, '__qualname__') else type(item)
    return f'{named.__module__}.{named.__qualname__}'


ENGINES: Registry[Any] = Registry('engine', ['maskdpo_xtuner.engines.settings'])
ANNOTATORS: Registry[Any] = Registry(
    'annotator',
    [
        'maskdpo_xtuner.annotators.settings',
        'maskdpo_xtuner.annotators.llm.settings',
        'maskdpo_xtuner.annotators.classifier.settings',
        'maskdpo_xtuner.annotators.spans.settings',
        'maskdpo_xtuner.annotators.factscore.settings',
        'maskdpo_xtuner.annotators.agreement.settings',
    ],
)
QUESTIONS: Registry[Any] = Registry('source of questions', ['maskdpo_xtuner.questions'])
EMBEDDINGS: Registry[Any] = Registry('embedding', ['maskdpo_xtuner.embeddings.settings'])
SUBSETS: Registry[Any] = Registry('subset of questions', ['maskdpo_xtuner.subsets'])
PAIRINGS: Registry[Any] = Registry('rule of pairs', ['maskdpo_xtuner.pairing'])
LOSSES: Registry[Any] = Registry('loss', ['maskdpo_xtuner.objectives'])
METRICS: Registry[Any] = Registry('metric', ['maskdpo_xtuner.evaluation.metrics'])
SPLITTERS: Registry[Any] = Registry('splitter', ['maskdpo_xtuner.splitters'])
HUMAN_LABELS: Registry[Any] = Registry('form of human labels', ['maskdpo_xtuner.evaluation.human'])
ENTITIES: Registry[Any] = Registry('extractor of entities', ['maskdpo_xtuner.topics.entities'])
REFUSALS: Registry[Any] = Registry('list of refusals', ['maskdpo_xtuner.refusals'])
