"""mineral_table: the package's database in prose."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.annotators.table import TableAnnotator
from maskdpo_xtuner.builtin.minerals import MINERALS, mineral_table
from maskdpo_xtuner.builtin.tables import TableQuestions, build_questions, split_of
from maskdpo_xtuner.records import Label
from tests.annotators.table.sentences import cases

QUARTZ = {
    'name': 'Quartz', 'crystal_system': 'trigonal', 'chemistry': 'SiO2',
    'category': 'Tectosilicates', 'mineral_group': 'Quartz Group', 'hardness_min': 7.0,
    'hardness_max': 7.0, 'sg_min': 2.65, 'sg_max': 2.65, 'ri_min': 1.544, 'ri_max': 1.553,
    'lustre': 'Vitreous', 'fracture': 'Conchoidal', 'origin': 'natural',
    'localities_json': json.dumps(['Brazil', 'USA']),
    'colors_json': json.dumps(['Colourless (rock crystal)', 'White (milky)']),
}  # fmt: skip
AZURITE = {
    **QUARTZ, 'name': 'Azurite', 'crystal_system': 'monoclinic', 'category': 'Carbonates',
    'chemistry': 'Cu3(CO3)2(OH)2', 'mineral_group': None, 'hardness_min': 3.5, 'hardness_max': 4.0,
    'lustre': 'Vitreous to earthy', 'colors_json': json.dumps(['Deep blue', 'Light blue']),
}  # fmt: skip
PYRITE = {
    **QUARTZ, 'name': 'Pyrite', 'crystal_system': 'cubic', 'chemistry': 'FeS2',
    'category': 'Sulfides', 'lustre': 'Metallic (brilliant when fresh)',
}  # fmt: skip
GALENA = {**PYRITE, 'name': 'Galena', 'chemistry': 'PbS'}
OPAL = {**QUARTZ, 'name': 'Opal', 'crystal_system': 'amorphous', 'ri_min': None, 'ri_max': None}
GLASS = {**QUARTZ, 'name': 'Lead glass', 'origin': 'simulant'}


@pytest.fixture(scope='module')
def minerals(tmp_path_factory: pytest.TempPathFactory) -> TableQuestions:
    path = tmp_path_factory.mktemp('minerals') / 'minerals.db'
    write_database(path, [QUARTZ, AZURITE, PYRITE, GALENA, OPAL, GLASS])
    return replace(MINERALS, rows=mineral_table(path))


def write_database(path: Path, records: list[dict[str, Any]]) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(f'CREATE TABLE mineral_families ({", ".join(QUARTZ)})')
        marks = ', '.join('?' * len(QUARTZ))
        values = [tuple(record.values()) for record in records]
        database.executemany(f'INSERT INTO mineral_families VALUES ({marks})', values)
        database.commit()


def test_the_document_is_a_few_plain_sentences(minerals: TableQuestions) -> None:
    everything = build_questions(minerals, minerals.load_rows(), 'validation')
    (question,) = (q for q in everything if q.question_id == 'minerals/quartz/hardness')
    assert question.document == (
        'Quartz is one of the tectosilicates. Quartz belongs to the quartz group. Its chemical '
        'formula is SiO2. It crystallizes in the trigonal system. It has a Mohs hardness of 7. '
        'Its specific gravity is 2.65. Its refractive index is 1.544 to 1.553. Its lustre is '
        'vitreous, and its fracture is conchoidal. It can be colourless and white. '
        'Quartz is found in Brazil and United States.'
    )


def test_only_what_nature_makes_is_taken(minerals: TableQuestions) -> None:
    names = [row['name'] for row in minerals.load_rows()]
    assert names == ['Azurite', 'Galena', 'Opal', 'Pyrite', 'Quartz']


@pytest.mark.parametrize(
    ('topic', 'expected', 'sentence'),
    cases("""
Quartz | + | Quartz has a Mohs hardness of 7.
Quartz | x | Quartz has a hardness of 5 on the Mohs scale.
Quartz | + | Its chemical formula is SiO2.
Quartz | + | Quartz is found in Brazil.
Quartz | ? | Quartz is found in Norway.
Quartz | x | Quartz has a pearly luster.
Quartz | - | Quartz is a mineral.
Azurite | + | The chemical formula of azurite is Cu3(CO3)2(OH)2.
Azurite | x | The chemical formula of azurite is FeS2.
Azurite | + | Azurite is a carbonate mineral.
Azurite | x | Azurite is a silicate.
Azurite | + | It can be deep blue or light blue.
Azurite | ? | It is red.
Azurite | + | Azurite crystallizes in the monoclinic system.
Azurite | x | Azurite has a cubic crystal system.
Azurite | + | It has a vitreous lustre.
Azurite | + | Azurite has a hardness of 3.5 to 4.
Azurite | x | Azurite has a hardness of 3.5 to 9.
Pyrite | + | Pyrite crystallizes in the isometric system.
Pyrite | + | Pyrite has a metallic luster.
Galena | + | The chemical formula of galena is PbS.
Galena | x | The chemical formula of galena is FeS2.
"""),
)
def test_a_sentence_has_the_label_that_a_reader_gives_it(
    minerals: TableQuestions, topic: str, expected: Label, sentence: str
) -> None:
    questions = [
        question
        for split in ('train', 'validation', 'test')
        for question in build_questions(minerals, minerals.load_rows(), split)
    ]
    question = next(question for question in questions if question.topic == topic)
    assert TableAnnotator(minerals).label(question, sentence)[0] is expected


def test_the_splits_stay_as_they_are() -> None:
    names = ['Calcite', 'Quartz', 'Diamond', 'Topaz', 'Ruby', 'Opal']
    found = [split_of(MINERALS, name) for name in names]
    assert found == ['train', 'validation', 'test', 'test', 'train', 'validation']
