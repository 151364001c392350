"""element_questions: the package's table, in prose, split by element."""

from __future__ import annotations

import re
import sys
from collections import Counter
from typing import get_args

import pytest

from maskdpo_xtuner.builtin.elements import element_questions
from maskdpo_xtuner.builtin.tables import Split
from maskdpo_xtuner.records import Question


@pytest.fixture(scope='module')
def questions() -> dict[str, Question]:
    everything = [q for split in get_args(Split) for q in element_questions(split)]
    return {question.question_id: question for question in everything}


def test_every_element_is_asked_about_at_least_three_times(questions: dict[str, Question]) -> None:
    counts = Counter(question.topic for question in questions.values())
    assert len(counts) == 118
    assert min(counts.values()) >= 3


def test_no_element_is_in_two_splits(questions: dict[str, Question]) -> None:
    topics = {split: {q.topic for q in element_questions(split)} for split in get_args(Split)}
    assert all(topics.values())
    assert sum(map(len, topics.values())) == 118


def test_the_splits_stay_as_they_are() -> None:
    first = {
        split: list(dict.fromkeys(q.topic for q in element_questions(split)))[:6]
        for split in get_args(Split)
    }
    assert first == {
        'train': ['Helium', 'Nitrogen', 'Oxygen', 'Fluorine', 'Sodium', 'Magnesium'],
        'validation': ['Hydrogen', 'Boron', 'Sulfur', 'Titanium', 'Krypton', 'Strontium'],
        'test': ['Lithium', 'Beryllium', 'Carbon', 'Neon', 'Argon', 'Selenium'],
    }


def test_the_document_holds_what_the_questions_ask_for(questions: dict[str, Question]) -> None:
    question = questions['elements/astatine/discovery']
    assert question.question == 'Who discovered the element astatine, and when was it discovered?'
    for fact in (
        'Astatine is a chemical element. Its symbol is At and its atomic number is 85.',
        'Astatine is one of the halogens.',
        'It is radioactive.',
        'It melts at 575.15 K, which is 302.00 °C.',
        'D. R. Corson, K. R. MacKenzie, E. Segré in 1940 (United States).',
        'The origin of the name astatine: Greek: astatos (unstable).',
    ):
        assert fact in question.document


def test_an_element_known_since_antiquity_has_no_discoverer(
    questions: dict[str, Question],
) -> None:
    assert 'elements/gold/discovery' not in questions
    assert 'Gold was known to the ancients.' in questions['elements/gold/kind'].document
    assert 'Gold was discovered' not in questions['elements/gold/kind'].document


@pytest.mark.parametrize(
    ('element', 'state'), [('oxygen', 'gas'), ('mercury', 'liquid'), ('iron', 'solid')]
)
def test_the_state_follows_from_the_temperatures(
    questions: dict[str, Question], element: str, state: str
) -> None:
    document = questions[f'elements/{element}/kind'].document
    assert f'At room temperature it is a {state}.' in document


def test_what_is_not_known_is_not_stated(questions: dict[str, Question]) -> None:
    document = questions['elements/oganesson/kind'].document
    assert 'melts' not in document
    gap = re.compile(r'\bnan\b|\bNone\b|[{}]')
    assert [q.question_id for q in questions.values() if gap.search(q.document)] == []


def test_a_missing_package_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'mendeleev.fetch', None)
    with pytest.raises(ModuleNotFoundError, match='pip install mendeleev'):
        element_questions('train')
