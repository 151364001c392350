"""A user's own table, from a file of their own: a dozen lines make questions and a judge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from maskdpo_xtuner.annotators.settings import TableSettings
from maskdpo_xtuner.annotators.table import TableAnnotator
from maskdpo_xtuner.builtin.checks import Names, Number
from maskdpo_xtuner.builtin.tables import QuestionTemplate, TableQuestions
from maskdpo_xtuner.questions import TableSplit
from maskdpo_xtuner.records import Label, Question

RIVERS = """
from maskdpo_xtuner.builtin.checks import Names, Number
from maskdpo_xtuner.builtin.tables import QuestionTemplate, TableQuestions

RIVERS = TableQuestions(
    name='rivers',
    topic='river',
    questions=(
        QuestionTemplate('length', 'How long is the {river}?', needs=('km',)),
        QuestionTemplate('mouth', 'Where does the {river} end?', needs=('mouth',)),
        QuestionTemplate('source', 'Where does the {river} rise?', needs=('source',)),
    ),
    facts=('The {river} is {km} km long.', 'It ends in the {mouth} and rises in {source}.'),
    rows=(
        {'river': 'Rhine', 'km': 1233, 'mouth': 'North Sea', 'source': 'Switzerland'},
        {'river': 'Danube', 'km': 2850, 'mouth': 'Black Sea', 'source': 'Germany'},
    ),
    checks=(
        Number('km', ('long', 'length'), tolerance=0.02, units={'km': (1, 0), 'miles': (1.609, 0)}),
        Names('mouth', ('flows', 'ends', 'mouth')),
        Names('source', ('rises', 'source')),
    ),
    nouns=('river',),
    plain=('river', 'long', 'length'),
)
"""


@pytest.fixture
def named(tmp_path: Path) -> str:
    (tmp_path / 'own_table.py').write_text(RIVERS)
    return f'{tmp_path / "own_table.py"}:RIVERS'


def rhine() -> Question:
    return Question(
        question_id='q', question='?', document='Not read.', language='en', topic='Rhine'
    )


@pytest.mark.parametrize(
    ('sentence', 'expected'),
    [
        ('The Rhine is 1,230 km long.', Label.NO_HALLUCINATION),
        ('The Rhine is about 766 miles long.', Label.NO_HALLUCINATION),
        ('The Rhine is 900 km long.', Label.CONTRADICTORY),
        ('The Rhine flows into the Black Sea.', Label.CONTRADICTORY),
        ('It ends in the North Sea.', Label.NO_HALLUCINATION),
        ('The Danube ends in the Black Sea.', Label.UNVERIFIABLE),
        ('The Rhine is a dangerous river.', Label.UNVERIFIABLE),
    ],
)
def test_it_judges(named: str, sentence: str, expected: Label) -> None:
    annotator, engine = TableSettings(type='table', table=named).build()
    assert isinstance(annotator, TableAnnotator)
    assert engine is None
    assert annotator.label(rhine(), sentence)[0] is expected


def test_it_asks(named: str) -> None:
    splits = [TableSplit(type='table', table=named, split=s).load() for s in ('train', 'test')]
    assert {q.question for split in splits for q in split} >= {'How long is the Rhine?'}


def test_a_module_is_named_by_its_dotted_path(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    dotted, _ = TableSettings(type='table', table='own_table:RIVERS').build()
    from_file, _ = TableSettings(type='table', table=named).build()
    assert dotted.identity == from_file.identity


@pytest.mark.parametrize(
    ('table', 'message'),
    [
        ('rivers', 'no table "rivers"; the built-in ones are elements, countries, minerals'),
        ('nowhere.py:RIVERS', 'nowhere.py: there is no such file'),
        ('no_such_module:RIVERS', 'no_such_module cannot be imported'),
        ('maskdpo_xtuner.builtin.elements:Split', 'elements:Split is no TableQuestions, but'),
    ],
)
def test_a_table_that_is_not_there_is_named(table: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TableSettings(type='table', table=table).build()


TABLE = TableQuestions(
    name='rivers',
    topic='river',
    questions=(QuestionTemplate('length', 'How long is the {river}?'),),
    facts=('The {river} is {km} km long.',),
    rows=({'river': 'Rhine', 'km': 1233},),
    checks=(Number('km', ('long',)),),
)


def judged(annotator: TableAnnotator, question: Question) -> None:
    with pytest.raises(StopIteration):
        next(annotator.judge(question, 'It is long.', (0, 11)))


def test_a_topic_that_is_not_in_the_table_is_named() -> None:
    annotator = TableAnnotator(TABLE)
    judged(annotator, rhine())
    with pytest.raises(ValueError, match='the topic "Po" is not in the table rivers'):
        judged(annotator, rhine().model_copy(update={'topic': 'Po'}))


@pytest.mark.parametrize(
    ('table', 'message'),
    [
        (replace(TABLE, checks=()), 'rivers has no checks'),
        (replace(TABLE, checks=(Names('mouth'),)), 'no row has mouth'),
        (replace(TABLE, language='zh'), 'English'),
    ],
)
def test_a_table_that_cannot_be_judged_by_is_refused(table: TableQuestions, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TableAnnotator(table)


def test_the_identity_changes_with_the_rows_and_the_checks() -> None:
    others = [
        replace(TABLE, rows=({'river': 'Rhine', 'km': 1234},)),
        replace(TABLE, checks=(Number('km', ('long', 'length')),)),
        replace(TABLE, plain=('river',)),
    ]
    identities = [dict(TableAnnotator(table).identity) for table in (TABLE, *others)]
    assert len({identity['content'] for identity in identities}) == 4
    assert identities[0] == dict(TableAnnotator(TABLE).identity)
