"""TableAnnotator on countries: names that are topics themselves, round numbers, any case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from maskdpo_xtuner.annotators.table import TableAnnotator
from maskdpo_xtuner.builtin.countries import COUNTRIES, country_table
from maskdpo_xtuner.records import Label, Question
from tests.annotators.table.sentences import cases
from tests.builtin.country_records import RECORDS

CASES = cases("""
Norway | + | Norway borders Finland, Russia and Sweden.
Norway | + | Its capital is Oslo.
Norway | + | Oslo is the capital of Norway.
Norway | + | The capital of Norway is Ósló.
Norway | x | The capital of Norway is not Oslo.
Norway | x | The capital of Norway is Bergen.
Norway | x | The capital of Norway is Stockholm.
Norway | ? | Stockholm is the capital of Sweden.
Norway | ? | Oslo is the capital of Sweden.
Norway | ? | The capital of Norway is located in the south of the country.
Norway | ? | The official languages of Norway are Russian and Sami.
Norway | ? | Finland has about 5.4 million inhabitants.
Norway | - | The capital city of
Norway | - | Its capital is the
Norway | - | 8. Sweden
Norway | - | Norwegian
Norway | - | Norway is a country.
Norway | + | Norway is a country located in Northern Europe.
Norway | x | Norway is located in Asia.
Norway | + | Norway lies on the European continent.
Norway | x | Norway lies on the African continent.
Norway | ? | Norway is a beautiful country.
Norway | + | The country has a population of 5.4 million.
Norway | + | About 5.3 million people live in Norway.
Norway | x | Norway has a population of 12 million people.
Norway | x | Norway borders Denmark.
Norway | x | Norway shares a border with Sweden and Germany.
Norway | + | It is bordered by Sweden to the east.
Norway | ? | Sweden borders Norway.
Norway | x | The currency of Norway is the euro.
Norway | x | Norway pays in euros.
Norway | + | Norway uses the Norwegian krone (NOK).
Norway | + | The Norwegian krone is the currency of Norway.
Norway | + | The area of Norway is 324,220 square kilometers.
Norway | + | Norway covers 125,000 square miles.
Norway | x | Norway covers 900,000 km2.
Norway | + | The telephone code of Norway is +47.
Norway | x | The country code is +46.
Norway | + | Its internet domain is .no.
Norway | x | Its internet domain is .se.
United States | + | The capital of the USA is Washington, D.C.
United States | + | The United States borders Canada and Mexico.
United Kingdom | + | London is the capital of the UK.
Mexico | + | The capital of Mexico is Mexico City.
Japan | x | Japan borders China.
Japan | + | Japan does not border China.
Canada | + | The currency is the Canadian dollar.
Canada | ? | The currency is the US dollar.
Guinea | + | Guinea borders Guinea-Bissau.
Guinea | ? | Equatorial Guinea is in Africa.
South Africa | + | South Africa is a country in Africa.
Croatia | + | Croatia borders Bosnia and Herzegovina.
""")


@pytest.fixture(scope='module')
def annotator() -> TableAnnotator:
    return TableAnnotator(replace(COUNTRIES, rows=country_table(RECORDS)))


@pytest.mark.parametrize(('topic', 'expected', 'sentence'), CASES)
def test_a_sentence_has_the_label_that_a_reader_gives_it(
    annotator: TableAnnotator, topic: str, expected: Label, sentence: str
) -> None:
    question = Question(
        question_id='q', question='?', document='Not read.', language='en', topic=topic
    )
    assert annotator.label(question, sentence)[0] is expected
