"""How far the lexical annotator holds on paraphrases of the table of countries.

Every statement is made from a row in other words than its document's: as it is (true), with a
value of another row, with another country as its subject, denied, or cut (fragments).

    python benchmarks/lexical_paraphrases.py
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import get_args

from maskdpo_xtuner.annotators import LexicalAnnotator
from maskdpo_xtuner.builtin.countries import COUNTRIES
from maskdpo_xtuner.builtin.tables import Split, build_questions
from maskdpo_xtuner.records import Label, Question

Row = Mapping[str, str]
COLUMNS = ('capital', 'continent', 'area', 'population', 'currency_name', 'bordering', 'phone')
STATEMENTS = (
    'The capital of {country} is {capital}.',
    "{name}'s capital city is {capital}.",
    '{capital} is the capital city of {country}.',
    '{Country} is a country located in {continent}.',
    '{Country} is a country on the continent of {continent}.',
    '{Country} has an area of {area} square kilometers.',
    'The total area of {country} is about {area} km2.',
    '{Country} has a population of {population}.',
    'There are about {population} people living in {country}.',
    'The currency of {country} is the {currency_name}.',
    'The {currency_name} is the currency of {country}.',
    '{Country} uses the {currency_name} as its currency.',
    '{Country} shares borders with {bordering}.',
    'The neighbours of {country} are {bordering}.',
    '{Country} is a neighbor of {bordering}.',
    'The phone code for {country} is {phone}.',
    '{Country} is a country in {continent}, and its capital is {capital}.',
    '{Country}, whose capital is {capital}, is located in {continent}.',
)
FRAGMENTS = (
    'The capital city of',
    'Its capital is the',
    '8. {continent}',
    '- {capital}',
    'The population of {country} is',
    '{Country} is a country that',
    '{Country} shares borders with',
)


def main() -> None:
    """Print the labels of each kind of statement."""
    annotator, counts = LexicalAnnotator(), Counter[tuple[str, Label]]()
    for kind, sentence, question in statements(random.Random(0)):
        counts[kind, annotator.label(question, sentence)[0]] += 1
    print(f'{"":12}' + ' '.join(f'{label.value:>16}' for label in Label))
    for kind in dict.fromkeys(kind for kind, _ in counts):
        print(f'{kind:12}' + ' '.join(f'{counts[kind, label]:16}' for label in Label))


def statements(draw: random.Random) -> Iterator[tuple[str, str, Question]]:
    """Give kind, sentence and the question whose document it is judged by."""
    rows: list[Row] = [{k: str(v) for k, v in r.items() if v} for r in COUNTRIES.load_rows()]
    questions = [q for split in get_args(Split) for q in build_questions(COUNTRIES, rows, split)]
    by_topic = {question.topic: question for question in questions}
    for row in rows:
        for kind, sentence in _about(row, rows, draw):
            yield kind, sentence, by_topic[row['name']]


def _about(row: Row, rows: list[Row], draw: random.Random) -> Iterator[tuple[str, str]]:
    for template in STATEMENTS:
        columns = [column for column in COLUMNS if f'{{{column}}}' in template]
        if not row.keys() >= set(columns):
            continue
        yield 'true', template.format(**row)
        other = draw.choice(rows)
        column = draw.choice(columns)
        if other.keys() >= set(columns) and all(_differ(row, other, c) for c in columns):
            yield 'other value', template.format(**{**row, column: other[column]})
            subject = {key: other[key] for key in ('name', 'country', 'Country')}
            yield 'subject', template.format(**{**row, **subject})
        denied = re.sub(r' (is|are) ', r' \1 not ', template, count=1)
        if denied != template:
            yield 'denied', denied.format(**row)
    for template in FRAGMENTS:
        yield 'fragment', template.format(**row)


def _differ(row: Row, other: Row, column: str) -> bool:
    if column == 'bordering':
        near = row['neighbours'].split('; ')
        return not {*near, row['name']} & {*other['neighbours'].split('; '), other['name']}
    return row[column] != other[column]


if __name__ == '__main__':
    main()
