"""Tables by the name that a config gives them."""

from __future__ import annotations

from maskdpo_xtuner.builtin.tables import TableQuestions
from maskdpo_xtuner.registry import load_object

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
    place = BUILT_IN.get(name, name)
    if ':' not in place.strip(':'):
        raise ValueError(
            f'there is no table "{name}"; the built-in ones are {", ".join(BUILT_IN)}, and your '
            'own is named as module:NAME or path/to/file.py:NAME'
        )
    table = load_object(place)
    if not isinstance(table, TableQuestions):
        raise ValueError(f'{name} is no TableQuestions, but {type(table).__name__}')
    return table
