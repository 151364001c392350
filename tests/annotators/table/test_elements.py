"""TableAnnotator on the elements: sentences as a small model writes them, judged by hand."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.annotators.table import TableAnnotator
from maskdpo_xtuner.builtin.elements import ELEMENTS
from maskdpo_xtuner.records import Label, Question
from tests.annotators.table.sentences import cases

CASES = cases("""
Sodium | + | Sodium was discovered by Humphry Davy in 1807.
Sodium | + | Sir Humphry Davy discovered sodium in 1807.
Sodium | + | Davy discovered it.
Sodium | x | Faraday discovered it.
Sodium | x | It was discovered by Davy and Faraday.
Sodium | x | Michael Davy discovered sodium.
Sodium | x | Sodium was discovered by Humphry Davy in 1811.
Sodium | x | It was not discovered by Davy.
Sodium | + | Sodium was not discovered in 1901.
Sodium | + | Sodium was discovered in the United Kingdom.
Sodium | x | Sodium was discovered in France.
Sodium | ? | It was discovered in London, England.
Sodium | ? | Sodium was discovered at the University of Alabama.
Sodium | x | It was discovered in 1011 BC.
Sodium | ? | The first use refers to 1921, when Ernest Rutherford discovered the electron.
Sodium | ? | He was awarded the Nobel Prize in 1934 for his discovery of the element sodium.
Sodium | - | Sodium was discovered.
Sodium | - | I do not know who discovered sodium.
Sodium | - | Who discovered sodium?
Sodium | + | The symbol for sodium is Na, and its atomic number is 11.
Sodium | + | Na is the chemical symbol for the element sodium.
Sodium | x | The symbol for sodium is sodium.
Sodium | x | Sodium is a chemical element with the symbol Na and an atomic number of 19.
Sodium | x | Sodium (Ne) was discovered by Davy.
Sodium | + | It is an alkali metal, with the atomic number of 11 in the periodic table.
Sodium | ? | Sodium chloride is a salt.
Sodium | x | It's a nonmetallic, white, odorless element.
Sodium | ? | It is a white, odorless, and highly reactive alkali metal.
Nitrogen | + | Nitrogen was discovered in the 18th century.
Nitrogen | + | Nitrogen was discovered in the 1770s by Daniel Rutherford.
Nitrogen | x | Ernest Rutherford discovered nitrogen in 1772.
Nitrogen | x | However, it was Jodrek Naubel who first discovered nitrogen.
Nitrogen | + | It was Daniel Rutherford who discovered nitrogen.
Polonium | + | Polonium was discovered by Marie and Pierre Curie in 1898.
Polonium | + | Polonium was discovered by Marie Curie.
Polonium | + | It is named after Poland.
Boron | x | Boron was discovered in 1808 by Joseph Louis Gay-Lussac and Louis Pasteur.
Boron | + | Boron was discovered by Humphry Davy and Joseph Louis Gay-Lussac.
Lithium | x | Lithium is a noble gas.
Lithium | + | Lithium is an alkali metal.
Lithium | + | Lithium is not a noble gas.
Lithium | + | Lithium is a metal.
Lithium | x | It is a colorless gas.
Lithium | ? | Lithium reacts with halogens.
Lithium | x | Its atomic number is 3 and its symbol is Na.
Lithium | ? | The atomic number of helium is 2.
Lithium | + | Lithium is used in batteries, lubricants and glass.
Lithium | ? | Lithium is used in bread.
Lithium | ? | Lithium is used in batteries, bread and shoes.
Lithium | x | Lithium is not used in batteries.
Lithium | - | Lithium is used for many things.
Lithium | + | The name lithium comes from the Greek word "lithos", which means stone.
Lithium | x | The name lithium comes from the Latin word "lithos".
Lithium | x | Lithium is named after the planet Mars.
Lithium | ? | The planet was named after the Roman god of war.
Lithium | + | Lithium melts at 180.5 °C.
Lithium | + | Its melting point is 453 K.
Lithium | x | It melts at 900 degrees Celsius.
Lithium | + | Lithium is in group 1 and period 2 of the periodic table.
Lithium | x | Lithium is in group 17.
Lithium | + | It is not radioactive.
Lithium | x | It is radioactive.
Lithium | + | At room temperature it is a solid.
Lithium | - | Lithium is a chemical element.
Lithium | - | The alkali metal
Lithium | - | Its symbol is the
Lithium | + | The symbol of the element lithium is Li, which is its only
Lithium | - | Sure!
Gold | + | Gold has been known to the ancients.
Gold | ? | Gold was discovered by Isaac Newton in 1700.
Oxygen | ? | Carbon dioxide is a gas.
Hydrogen | + | It is one of the lightest elements.
Hydrogen | ? | It is one of the heaviest elements.
Silicon | + | Silicon is one of the metalloids.
Silicon | + | It belongs to the group of the metalloids.
Samarium | + | Samarium is also known as "Sm".
Samarium | + | It is also referred to as the element Sm.
Samarium | x | Samarium is also known as Sn.
Samarium | - | The element known as samarium is
""")


@pytest.fixture(scope='module')
def annotator() -> TableAnnotator:
    return TableAnnotator(ELEMENTS)


def ask(topic: str) -> Question:
    return Question(
        question_id='q',
        question=f'What kind of element is {topic.lower()}?',
        document='Not read.',
        language='en',
        topic=topic,
    )


@pytest.mark.parametrize(('topic', 'expected', 'sentence'), CASES)
def test_a_sentence_has_the_label_that_a_reader_gives_it(
    annotator: TableAnnotator, topic: str, expected: Label, sentence: str
) -> None:
    assert annotator.label(ask(topic), sentence)[0] is expected


def test_the_columns_that_decide_are_named(annotator: TableAnnotator) -> None:
    label, points = annotator.label(ask('Sodium'), 'Davy discovered sodium in 1811.')
    assert label is Label.CONTRADICTORY
    assert points == ('discovery_year: 1807',)


def test_an_answer_cut_within_a_value_states_nothing(annotator: TableAnnotator) -> None:
    cut = 'The atomic number of sodium is 1'
    assert annotator.label(ask('Sodium'), cut, is_last=True)[0] is Label.NO_FACTS
    assert annotator.label(ask('Sodium'), cut, is_last=False)[0] is Label.CONTRADICTORY
