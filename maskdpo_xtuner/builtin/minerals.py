"""Minerals and gems as questions: the ``gemmology-mineral-database`` package's table (MIT).

One file of its wheel is read with sqlite; the package is not installed and none of its code is
run. No setting of this project is chosen on this table: it is there to measure judges with.
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from maskdpo_xtuner.builtin.checks import COUNTRY_WORDS, Category, Names, Number, Symbol, Words
from maskdpo_xtuner.builtin.tables import QuestionTemplate, Row, TableQuestions
from maskdpo_xtuner.builtin.wheels import wheel_file

_QUERY = "SELECT * FROM mineral_families WHERE origin = 'natural' ORDER BY name"
_SILICATES = (
    *('nesosilicates', 'tectosilicates', 'inosilicates', 'cyclosilicates', 'phyllosilicates'),
    *('sorosilicates', 'boroaluminosilicates'),
)
# What else is true of the minerals of a class.
_ALSO = {
    **dict.fromkeys(_SILICATES, ('silicates',)),
    'sulfides': ('sulphides',),
    'sulfates': ('sulphates',),
}
_LUSTRES = {'vitreous': ('glassy',), 'adamantine': (), 'pearly': (), 'silky': (), 'metallic': ()}
_AMERICA = {'USA': 'United States'}


def mineral_rows() -> list[Row]:
    """Make one row per mineral found in nature, by name, the columns made ready for prose.

    Raises:
        WheelError: when the file cannot be downloaded or is not the one expected.
    """
    path = wheel_file(
        package='gemmology-mineral-database',
        version='2.3.0',
        sha256='a29a7b69679892ee7e6f04132196e490cb96d66871cf4de07a3e785ec5e0c5d6',
        member='mineral_database/data/minerals.db',
    )
    return mineral_table(path)


def mineral_table(path: Path) -> list[Row]:
    """The rows of the package's database file."""
    return [_readable(record) for record in _records(path)]


def _records(path: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(f'{path.resolve().as_uri()}?mode=ro', uri=True)) as database:
        database.row_factory = sqlite3.Row
        return [dict(record) for record in database.execute(_QUERY)]


def _readable(record: dict[str, Any]) -> Row:
    name, _, other = record['name'].partition(' (')
    places = [_plain(place) for place in json.loads(record['localities_json'])]
    colours = [_plain(colour).lower() for colour in json.loads(record['colors_json'])]
    group = re.sub(r' \(.*|/.*', '', record['mineral_group'] or '').lower()
    return {
        'name': name,
        'other_name': other.removesuffix(')'),
        'mineral': name.lower(),
        'crystal_system': record['crystal_system'],
        'system': f'{record["crystal_system"]} system' if _is_crystal(record) else None,
        'amorphous': None if _is_crystal(record) else 'no crystals',
        'formula': record['chemistry'],
        'kind': record['category'].lower().removesuffix('s') + 's',
        'group': group if group.endswith(' group') else None,
        'hardness': _range(record['hardness_min'], record['hardness_max']),
        'gravity': _range(record['sg_min'], record['sg_max']),
        'refraction': _range(record['ri_min'], record['ri_max']),
        'lustre': _plain(record['lustre']).lower(),
        'lustres': _kinds(record['lustre']),
        'fractures': _kinds(record['fracture']),
        'fracture': _plain(record['fracture']).lower(),
        'colours': _listed(colours),
        'places': _listed([_AMERICA.get(place, place) for place in places]),
    }


def _plain(text: str) -> str:
    """The text without what stands in brackets."""
    return re.sub(r'\s*\(.*?\)', '', text).strip()


def _kinds(text: str) -> str:
    """Write ``vitreous to resinous`` as a column of two."""
    return '; '.join(re.split(r' to |[,;] ?', _plain(text).lower()))


def _is_crystal(record: dict[str, Any]) -> bool:
    return bool(record['crystal_system'] != 'amorphous')


def _range(least: float | None, most: float | None) -> str | None:
    if least is None:
        return None
    return f'{least:g}' if most is None or most == least else f'{least:g} to {most:g}'


def _listed(names: list[str]) -> str:
    names = list(dict.fromkeys(names))
    return names[0] if len(names) == 1 else f'{", ".join(names[:-1])} and {names[-1]}'


MINERALS = TableQuestions(
    name='minerals',
    topic='name',
    questions=(
        QuestionTemplate('hardness', 'How hard is the mineral {mineral}?', needs=('hardness',)),
        QuestionTemplate(
            'formula', 'What is the chemical formula of the mineral {mineral}?', needs=('formula',)
        ),
        QuestionTemplate(
            'system', 'What crystal system does the mineral {mineral} have?', needs=('system',)
        ),
        QuestionTemplate(
            'colours', 'What colours can the mineral {mineral} have?', needs=('colours',)
        ),
        QuestionTemplate('places', 'Where is the mineral {mineral} found?', needs=('places',)),
        QuestionTemplate('kind', 'What kind of mineral is {mineral}?', needs=('kind',)),
        QuestionTemplate('lustre', 'What lustre does the mineral {mineral} have?', ('lustre',)),
    ),
    facts=(
        '{name} is one of the {kind}.',
        '{name} belongs to the {group}.',
        'Its chemical formula is {formula}.',
        'It crystallizes in the {system}.',
        'It is amorphous and has {amorphous}.',
        'It has a Mohs hardness of {hardness}.',
        'Its specific gravity is {gravity}.',
        'Its refractive index is {refraction}.',
        'Its lustre is {lustre}, and its fracture is {fracture}.',
        'It can be {colours}.',
        '{name} is found in {places}.',
    ),
    rows=mineral_rows,
    checks=(
        Number('hardness', ('hardness', 'mohs'), tolerance=0.02),
        Number('gravity', ('specific gravity', 'density'), tolerance=0.02),
        Number('refraction', ('refractive index', 'refractive indices'), tolerance=0.005),
        Symbol('formula', ('formula', 'composition')),
        Names(
            'crystal_system',
            ('crystal', 'system'),
            known={'isometric': ('cubic',), 'cubic': ('isometric',)},
            any_case=True,
        ),
        Category('kind', also=_ALSO),
        Category('group'),
        Names(
            'places',
            ('found', 'mined', 'occur', 'deposit', 'locat'),
            known=COUNTRY_WORDS,
            complete=False,
        ),
        Names('lustres', ('lustre', 'luster'), known=_LUSTRES, any_case=True),
        Names('fractures', ('fracture',), any_case=True),
        Words('colours', ('color', 'colour', 'ranging', 'range', 'shade', 'is', 'can be')),
    ),
    aliases=('other_name',),
    nouns=('mineral', 'gem', 'gemstone', 'stone', 'crystal', 'rock'),
    plain=(
        *('mineral', 'gem', 'stone', 'crystal', 'system', 'chemical', 'formula', 'group', 'color'),
        *('colour', 'hardness', 'mohs', 'scale', 'lustre', 'luster', 'rock', 'specific', 'gravity'),
        *('index', 'fracture', 'natural', 'belong', 'member', 'composition', 'structure'),
    ),
)
