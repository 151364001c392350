"""The chemical elements as questions: the table of the package ``mendeleev`` (MIT).

The facts are the package's own, a few slips included; they are the reference that answers are
checked against here, not the last word on chemistry.
"""

from __future__ import annotations

import math
import re
from typing import Any

from maskdpo_xtuner.builtin.checks import (
    COUNTRY_WORDS,
    Category,
    Names,
    Number,
    Origin,
    Persons,
    Symbol,
    Words,
    Year,
)
from maskdpo_xtuner.builtin.remembering import rows_of_package
from maskdpo_xtuner.builtin.tables import (
    QuestionTemplate,
    Row,
    Split,
    TableQuestions,
    build_questions,
)
from maskdpo_xtuner.records import Question

_ROOM_TEMPERATURE = 298.15  # K
_ZERO_CELSIUS = 273.15  # K
_TEXTS = ('description', 'name_origin', 'sources', 'uses')
_SPELLINGS = {'Aluminum': 'Aluminium', 'Sulfur': 'Sulphur', 'Cesium': 'Caesium'}
_DISCOVERY = ('discover', 'isolat', 'identif', 'synthesi')
# With these a year or a name is about something else than the discovery.
_OTHER_EVENTS = ('award', 'prize', 'born', 'died', 'publish', 'patent')
_TEMPERATURES = {
    **dict.fromkeys(('k', 'kelvin'), (1.0, 0.0)),
    **dict.fromkeys(('°c', 'c', 'celsius', 'centigrade'), (1.0, _ZERO_CELSIUS)),
    **dict.fromkeys(('°f', 'f', 'fahrenheit'), (5 / 9, _ZERO_CELSIUS - 32 * 5 / 9)),
}
_DENSITIES = {
    **dict.fromkeys(('g/cm3', 'g/cm³', 'grams per cubic centimeter'), (1.0, 0.0)),
    **dict.fromkeys(('kg/m3', 'kg/m³', 'g/l', 'kilograms per cubic meter'), (0.001, 0.0)),
}
# What else is true of the elements of a series.
_ALSO = {
    **dict.fromkeys(('alkali metals', 'alkaline earth metals', 'transition metals'), ('metals',)),
    'poor metals': ('metals', 'post-transition metals'),
    'lanthanides': ('metals', 'rare earths', 'rare earth metals', 'lanthanoids'),
    'actinides': ('metals', 'actinoids'),
    'halogens': ('nonmetals',),
    'noble gases': ('nonmetals', 'inert gases', 'rare gases'),
    'metalloids': ('semimetals',),
}


@rows_of_package('mendeleev')
def element_rows() -> list[Row]:
    """Make one row per element, the package's columns made ready for prose.

    Raises:
        ModuleNotFoundError: when ``mendeleev`` is not installed, with the command that does it.
    """
    try:
        from mendeleev.fetch import fetch_table
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'the built-in questions need the package mendeleev; pip install mendeleev'
        ) from error
    elements, series = fetch_table('elements'), fetch_table('series').set_index('id')['name']
    # An element with several allotropes has several melting points, so no fact is stated.
    phases = fetch_table('phasetransitions').drop_duplicates('atomic_number', keep=False)
    joined = elements.merge(
        phases[['atomic_number', 'melting_point', 'boiling_point']], on='atomic_number', how='left'
    )
    joined['series'] = joined['series_id'].map(series)
    return [_readable(record) for record in joined.to_dict('records')]


def _readable(record: dict[str, Any]) -> Row:
    known_always = record['discoverers'].startswith('Known to the ancients')
    row = {
        **record,
        'element': record['name'].lower(),
        'series': record['series'].lower(),
        'radioactivity': 'radioactive' if record['is_radioactive'] else 'not radioactive',
        'group': _whole(record['group_id']),
        'state': _state(record['melting_point'], record['boiling_point']),
        'spelling': _SPELLINGS.get(record['name']),
        'antiquity': 'the ancients' if known_always else None,
        'discoverers': None if known_always else _spaced_initials(record['discoverers']),
        'discovery_year': _whole(record['discovery_year']),
    }
    row |= {name: _prose(record[name]) for name in _TEXTS}
    for name in ('melting', 'boiling'):
        row |= _temperatures(name, record[f'{name}_point'])
    return row


def _whole(value: float) -> str | None:
    """Write ``1940.0`` as ``1940``: columns with gaps are read as floats."""
    return None if math.isnan(value) else str(int(value))


def _state(melting_point: float, boiling_point: float) -> str | None:
    """State of matter at room temperature from two temperatures in K, either of them NaN."""
    if boiling_point < _ROOM_TEMPERATURE:
        return 'gas'
    if melting_point >= _ROOM_TEMPERATURE:
        return 'solid'
    return 'liquid' if melting_point < _ROOM_TEMPERATURE <= boiling_point else None


def _temperatures(name: str, kelvin: float) -> dict[str, str]:
    if math.isnan(kelvin):
        return {}
    return {f'{name}_kelvin': f'{kelvin:g}', f'{name}_celsius': f'{kelvin - _ZERO_CELSIUS:.2f}'}


def _prose(text: object) -> str | None:
    """Make one line that ends in a full stop; None for a gap."""
    if not isinstance(text, str):
        return None
    line = ' '.join(text.split())
    return line if line.endswith(('.', '!', '?')) else f'{line}.'


def _spaced_initials(names: str) -> str:
    """Write ``E.M.McMillan`` as ``E. M. McMillan``, which is how others write the name."""
    return re.sub(r'(?<=[A-Z]\.)(?=[A-Z])', ' ', names)


ELEMENTS = TableQuestions(
    name='elements',
    topic='name',
    questions=(
        QuestionTemplate(
            'discovery',
            'Who discovered the element {element}, and when was it discovered?',
            needs=('discoverers', 'discovery_year'),
        ),
        QuestionTemplate(
            'place',
            'In which country was the element {element} discovered?',
            needs=('discovery_location',),
        ),
        QuestionTemplate(
            'origin',
            'Where does the name of the element {element} come from?',
            needs=('name_origin',),
        ),
        QuestionTemplate('uses', 'What is the element {element} used for?', needs=('uses',)),
        QuestionTemplate(
            'sources',
            'Where is the element {element} found, or how is it made?',
            needs=('sources',),
        ),
        QuestionTemplate(
            'symbol', 'What are the symbol and the atomic number of the element {element}?'
        ),
        QuestionTemplate('kind', 'What kind of element is {element}?', needs=('series',)),
    ),
    facts=(
        '{name} is a chemical element.',
        'Its symbol is {symbol} and its atomic number is {atomic_number}.',
        '{name} is one of the {series}.',
        'It stands in period {period} of the periodic table.',
        'It stands in group {group} of the periodic table.',
        'It is {radioactivity}.',
        'At room temperature it is a {state}.',
        'Its atomic weight is {atomic_weight}.',
        'Its density is {density} g/cm3.',
        'It melts at {melting_kelvin} K, which is {melting_celsius} °C.',
        'It boils at {boiling_kelvin} K, which is {boiling_celsius} °C.',
        '{name} was known to {antiquity}.',
        '{name} was discovered by {discoverers} in {discovery_year} ({discovery_location}).',
        'The origin of the name {element}: {name_origin}',
        '{description}',
        'How {element} is found or made: {sources}',
        'What {element} is used for: {uses}',
    ),
    rows=element_rows,
    checks=(
        Year('discovery_year', _DISCOVERY, blockers=_OTHER_EVENTS),
        Persons('discoverers', _DISCOVERY, blockers=_OTHER_EVENTS),
        Names('discovery_location', _DISCOVERY, known=COUNTRY_WORDS, blockers=_OTHER_EVENTS),
        Words('antiquity', ('known to',)),
        Symbol('symbol', ('symbol',)),
        Number('atomic_number', ('atomic number',), near=5),
        Number('atomic_number', ('proton',), near=0),
        Number('period', ('period',), near=2),
        Number('group', ('group',), near=2),
        Number('atomic_weight', ('atomic weight', 'atomic mass'), tolerance=0.005),
        Number('density', ('density', 'dense'), tolerance=0.05, units=_DENSITIES),
        Number('melting_kelvin', ('melt',), tolerance=0.01, units=_TEMPERATURES),
        Number('boiling_kelvin', ('boil',), tolerance=0.01, units=_TEMPERATURES),
        Category('series', also=_ALSO),
        Category('state'),
        Category('radioactivity'),
        Origin('name_origin', ('name', 'origin', 'originat', 'deriv', 'comes from', 'word')),
        Words('uses', ('use', 'application', 'employ', 'utiliz')),
        Words(
            'sources',
            ('found', 'occur', 'obtain', 'produce', 'product', 'extract', 'made', 'source'),
        ),
        Words('description'),
    ),
    plain=(
        *('chemical', 'element', 'substance', 'atom', 'material', 'science', 'scientist'),
        *('chemist', 'physicist', 'periodic', 'table', 'number', 'symbol', 'group', 'period'),
        *('family', 'series', 'member', 'belong', 'room', 'temperature', 'point', 'atomic'),
    ),
    aliases=('spelling', 'symbol'),
    nouns=('element', 'metal', 'gas'),
    not_topics=(r'\w*(?:ide|ate|ite|ium|acid|oxides?|ides|ates|compounds?)', r'-?\d+'),
)


def element_questions(split: Split) -> list[Question]:
    """The questions about the elements of one split, five to seven per element.

    Raises:
        ModuleNotFoundError: when ``mendeleev`` is not installed, with the command that does it.
    """
    return build_questions(ELEMENTS, element_rows(), split)
