"""country_table: the file's records in prose, the largest country first."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from maskdpo_xtuner.builtin.countries import COUNTRIES, country_table
from maskdpo_xtuner.builtin.tables import Split, build_questions, split_of
from maskdpo_xtuner.records import Question
from tests.builtin.country_records import RECORDS


@pytest.fixture(scope='module')
def questions() -> dict[str, Question]:
    table = replace(COUNTRIES, rows=country_table(RECORDS))
    splits = [build_questions(table, table.load_rows(), split) for split in get_args(Split)]
    return {question.question_id: question for split in splits for question in split}


def test_the_document_is_a_few_plain_sentences(questions: dict[str, Question]) -> None:
    assert questions['countries/norway/capital'].document == (
        'Norway is a country in Europe. The capital of Norway is Oslo. It has an area of about '
        '324,000 square kilometres. About 5.31 million people live in Norway. Its currency is the '
        'krone (NOK). Norway borders Finland, Russia and Sweden. Its telephone code is +47. '
        'Its internet domain is .no.'
    )


def test_an_article_stands_where_english_has_one(questions: dict[str, Question]) -> None:
    question = questions['countries/united-states/capital']
    assert question.question == 'What is the capital of the United States?'
    assert question.document.startswith('The United States is a country in North America.')


def test_an_island_is_not_asked_for_its_neighbours(questions: dict[str, Question]) -> None:
    assert 'countries/japan/neighbours' not in questions
    assert 'Japan borders on no other country.' in questions['countries/japan/area'].document


def test_the_largest_come_first_and_the_smallest_not_at_all() -> None:
    names = [row['name'] for row in country_table(RECORDS)]
    assert names[:2] == ['China', 'United States']
    assert 'Monaco' not in names  # 38,682 people
    assert 'Puerto Rico' not in names  # a part of the United States


@pytest.mark.parametrize(
    ('country', 'split'),
    [
        ('China', 'train'),
        ('Norway', 'test'),
        ('Germany', 'test'),
        ('United Kingdom', 'validation'),
    ],
)
def test_the_splits_stay_as_they_are(country: str, split: Split) -> None:
    assert split_of(COUNTRIES, country) == split
