"""build_questions: any table of facts, with gaps, as questions and documents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdpo_xtuner.builtin.tables import (
    QuestionTemplate,
    Row,
    Split,
    TableQuestions,
    build_questions,
    split_of,
)
from maskdpo_xtuner.records import Question

RIVERS = TableQuestions(
    name='rivers',
    topic='river',
    questions=(
        QuestionTemplate('length', 'How long is the {river}?', needs=('km',)),
        QuestionTemplate('mouth', 'Where does the {river} end?', needs=('mouth',)),
        QuestionTemplate('source', 'Where does the {river} rise?', needs=('source',)),
        QuestionTemplate('city', 'Does the {river} flow through {city}?'),
    ),
    facts=(
        'The {river} is {km} km long.',
        'It ends in the {mouth}.',
        'It rises in {source}.',
        'It flows through {city}.',
    ),
)
RHINE: Row = {
    'river': 'Rhine', 'km': 1233, 'mouth': 'North Sea', 'source': 'Grisons', 'city': 'Basel',
}  # fmt: skip
RIO: Row = {
    'river': 'Rio de la Plata', 'km': 290.0, 'mouth': 'Atlantic', 'source': 'Punta Gorda',
    'city': float('nan'),
}  # fmt: skip


def all_splits(table: TableQuestions, rows: list[Row]) -> list[Question]:
    splits = get_args(Split)
    return [question for split in splits for question in build_questions(table, rows, split)]


def test_a_row_gives_one_question_a_template_with_one_document() -> None:
    questions = all_splits(RIVERS, [RHINE])
    assert [q.question_id.rpartition('/')[2] for q in questions] == [
        'length', 'mouth', 'source', 'city',
    ]  # fmt: skip
    assert questions[0] == Question(
        question_id='rivers/rhine/length',
        question='How long is the Rhine?',
        document='The Rhine is 1233 km long. It ends in the North Sea. It rises in Grisons. '
        'It flows through Basel.',
        language='en',
        topic='Rhine',
    )
    assert {q.document for q in questions} == {questions[0].document}


@pytest.mark.parametrize('gap', [None, float('nan'), '', '  '])
def test_a_gap_takes_its_question_and_its_fact_with_it(gap: object) -> None:
    questions = all_splits(RIVERS, [RHINE, {**RIO, 'city': gap}])
    rio = [q for q in questions if q.topic == 'Rio de la Plata']
    assert [q.question_id for q in rio] == [
        f'rivers/rio-de-la-plata/{name}' for name in ('length', 'mouth', 'source')
    ]
    assert 'flows through' not in rio[0].document


def test_a_value_of_zero_is_no_gap() -> None:
    (question, *_) = all_splits(RIVERS, [{**RHINE, 'km': 0}])
    assert question.document.startswith('The Rhine is 0 km long.')


def test_a_chinese_document_has_no_blanks_between_sentences() -> None:
    table = replace(RIVERS, language='zh', facts=('{river}很长。', '它流入{mouth}。'))
    (question, *_) = all_splits(table, [{**RHINE, 'river': '莱茵河', 'mouth': '北海'}])
    assert question.document == '莱茵河很长。它流入北海。'
    assert question.question_id == 'rivers/莱茵河/length'


def test_an_id_does_not_depend_on_the_order_of_the_rows() -> None:
    forward, backward = all_splits(RIVERS, [RHINE, RIO]), all_splits(RIVERS, [RIO, RHINE])
    assert sorted(q.question_id for q in forward) == sorted(q.question_id for q in backward)


@given(st.lists(st.text('abcdefgh', min_size=1), unique=True, max_size=30))
def test_splits_share_no_topic_and_lose_none(names: list[str]) -> None:
    rows: list[Row] = [RHINE, *({**RHINE, 'river': name} for name in names)]
    topics = [q.topic for q in all_splits(RIVERS, rows)]
    questions = len(RIVERS.questions)
    assert sorted(topics) == sorted(name for name in ('Rhine', *names) for _ in range(questions))


def test_an_added_row_moves_no_topic() -> None:
    rows: list[Row] = [{**RHINE, 'river': f'river {n}'} for n in range(50)]
    before = build_questions(RIVERS, rows[:25], 'test')
    after = build_questions(RIVERS, rows, 'test')
    assert after[: len(before)] == before


def test_the_share_of_test_topics_is_about_the_one_asked_for() -> None:
    splits = [split_of(RIVERS, f'river {n}') for n in range(1000)]
    assert 250 < splits.count('test') < 350
    assert 110 < splits.count('validation') < 190


def test_the_share_for_validation_is_taken_from_the_training_topics() -> None:
    without = replace(RIVERS, validation_share=0.0)
    for name in (f'river {n}' for n in range(200)):
        before, now = split_of(without, name), split_of(RIVERS, name)
        assert now == before or (before, now) == ('train', 'validation')


@pytest.mark.parametrize('rows', [(RHINE, RIO), lambda: [RHINE, RIO]])
def test_rows_are_given_at_once_or_when_they_are_needed(rows: Any) -> None:
    loaded = replace(RIVERS, rows=rows).load_rows()
    assert [row['river'] for row in loaded] == ['Rhine', 'Rio de la Plata']
    assert 'city' not in loaded[1]


@pytest.mark.parametrize(
    ('table', 'rows', 'message'),
    [
        (replace(RIVERS, facts=('{lenght}',)), [RHINE], 'names lenght, which no row has.*km'),
        (replace(RIVERS, questions=(QuestionTemplate('x', 'X?', ('y',)),)), [RHINE], '"x" names y'),
        (RIVERS, [RHINE, {**RHINE, 'river': 'RHINE'}], 'row 2: the topic "RHINE".*in row 1'),
        (RIVERS, [RHINE, {**RHINE, 'river': ' '}], 'row 2: "river" is empty'),
        (RIVERS, [RHINE, {**RIO, 'km': None}], '"Rio de la Plata" has 2 questions'),
        (replace(RIVERS, facts=()), [RHINE], 'a document of 0 characters'),
    ],
)
def test_a_table_that_cannot_be_asked_about_is_refused(
    table: TableQuestions, rows: list[Row], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        all_splits(table, rows)
