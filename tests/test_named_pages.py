"""Questions about the names of a list, with their pages as documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from maskdpo_xtuner.knowledge import PageRecord, build_knowledge
from maskdpo_xtuner.questions import NamedPages
from maskdpo_xtuner.records import Question
from maskdpo_xtuner.settings import load_settings

CONFIG = Path(__file__).parents[1] / 'configs' / 'evaluation' / 'llama3_8b_biography.py'


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    titles = ('Lise Meitner', 'Otto Hahn')
    build_knowledge(
        tmp_path / 'k.db', [PageRecord(title=name, text=f'About {name}.') for name in titles]
    )
    return tmp_path / 'k.db'


def load(pages: Path, names: str, **settings: Any) -> list[Question]:
    path = pages.parent / 'prompt_entities.txt'
    path.write_text(names)
    source = {'path': path, 'knowledge': pages, **settings}
    return NamedPages.model_validate(source).load()


def test_a_name_is_asked_about_with_its_page(pages: Path) -> None:
    first, second = load(pages, 'Otto Hahn\n\nLise Meitner \nOtto Hahn\n')
    assert first == Question(
        question_id='Otto Hahn',
        question='Tell me a bio of Otto Hahn.',
        document='About Otto Hahn.',
        language='en',
        topic='Otto Hahn',
    )
    assert second.topic == 'Lise Meitner'


def test_prompt_language_and_number_can_be_chosen(pages: Path) -> None:
    (question,) = load(
        pages, 'Otto Hahn\nLise Meitner\n', prompt='Wer ist {name}?', language='de', limit=1
    )
    assert (question.question, question.language) == ('Wer ist Otto Hahn?', 'de')


def test_topics_of_answers_of_the_release_are_names(pages: Path) -> None:
    path = pages.parent / 'InstructGPT.jsonl'
    lines = [{'topic': 'Otto Hahn', 'output': 'He ...', 'input': 'Question: ...'}] * 2
    path.write_text('\n'.join(map(json.dumps, lines)))
    assert [question.topic for question in load(pages, '', path=path)] == ['Otto Hahn']
    path.write_text('{"output": "He ..."}')
    with pytest.raises(ValueError, match=r'InstructGPT\.jsonl:1: field "topic" is no name'):
        load(pages, '', path=path)


def test_names_without_a_page_are_refused(pages: Path) -> None:
    with pytest.raises(ValueError, match=r'no page of 2 of 3 names \(Niels Bohr, otto hahn\)'):
        load(pages, 'Niels Bohr\nOtto Hahn\notto hahn')


def test_or_left_out_with_a_warning(pages: Path) -> None:
    with pytest.warns(UserWarning, match=r'1 of 2 names \(Niels Bohr\); they are left out'):
        (question,) = load(pages, 'Niels Bohr\nOtto Hahn', missing='leave_out')
    assert question.topic == 'Otto Hahn'
    with pytest.raises(ValueError, match='no page of 1 of 1 names'):
        load(pages, 'Niels Bohr', missing='leave_out')


def test_mistakes_are_named(pages: Path) -> None:
    with pytest.raises(ValueError, match=r'the prompt must have \{name\}'):
        load(pages, 'Otto Hahn', prompt='Tell me a bio.')
    with pytest.raises(ValueError, match=r'entities\.txt: the file holds no names'):
        load(pages, ' \n')
    with pytest.raises(ValueError, match=r'gone\.txt: there is no such file'):
        load(pages, '', path=pages.parent / 'gone.txt')
    with pytest.raises(ValueError, match=r'gone\.db: there is no such file'):
        load(pages, 'Otto Hahn', knowledge='gone.db')


def test_the_papers_biography_set_is_judged_with_the_pages_that_it_is_asked_about() -> None:
    assert load_settings(CONFIG).evaluation is not None
    said = Config.fromfile(CONFIG).evaluation
    (judge,) = said.judges
    assert (said.questions.type, judge.type) == ('names', 'factscore')
    assert said.questions.knowledge == judge.knowledge
    assert (said.num_runs, said.top_k) == (1, 1)
