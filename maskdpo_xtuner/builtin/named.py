"""Tables by the name that a config gives them."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

from maskdpo_xtuner.builtin.tables import TableQuestions

BUILT_IN = {
    'elements': 'maskdpo_xtuner.builtin.elements:ELEMENTS',
    'countries': 'maskdpo_xtuner.builtin.countries:COUNTRIES',
    'minerals': 'maskdpo_xtuner.builtin.minerals:MINERALS',
}


def find_table(name: str) -> TableQuestions:
    """Give a table: a built-in one, ``module:NAME`` or ``path/to/file.py:NAME``.

    Raises:
        ValueError: for a name that leads to no table, with what is wrong.
    """
    module_name, colon, attribute = BUILT_IN.get(name, name).rpartition(':')
    if not colon or not module_name:
        raise ValueError(
            f'there is no table "{name}"; the built-in ones are {", ".join(BUILT_IN)}, and your '
            'own is named as module:NAME or path/to/file.py:NAME'
        )
    table = getattr(_module(module_name), attribute, None)
    if not isinstance(table, TableQuestions):
        raise ValueError(f'{module_name} holds no TableQuestions named {attribute}')
    return table


def _module(name: str) -> ModuleType:
    if not name.endswith('.py'):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise ValueError(f'the module {name} cannot be imported: {error}') from error
    spec = importlib.util.spec_from_file_location(Path(name).stem, name)
    if spec is None or spec.loader is None or not Path(name).is_file():
        raise ValueError(f'{name}: there is no such file')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
