"""Question files: ANAH-v2's, ours, and what is wrong with others."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.jsonl import RecordError, read_questions

A = {'question': 'What is a hei-tiki?', 'document': 'A pendant.', 'language': 'en'}
B = {'question': 'Who wears a hei-tiki?', 'document': 'A pendant.', 'language': 'en'}
C = {'question': 'What is a hei-tiki?', 'document': 'An ornament.', 'language': 'en'}
ZH = {'question': '什么是提基？', 'document': '一种吊坠。', 'language': 'zh'}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'question_document.jsonl'


def write(path: Path, *records: dict[str, Any]) -> Path:
    lines = (json.dumps(record, ensure_ascii=False) for record in records)
    path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
    return path


def test_question_document_and_language_are_enough(path: Path) -> None:
    questions = read_questions(write(path, A, B, C, ZH))
    assert [q.model_dump(include={'question', 'document', 'language'}) for q in questions] == [
        *(A, B, C, ZH)
    ]


def test_questions_on_one_document_share_a_topic(path: Path) -> None:
    a, b, c, _ = read_questions(write(path, A, B, C, ZH))
    assert a.topic == b.topic != c.topic


def test_the_same_question_on_two_documents_is_two_questions(path: Path) -> None:
    a, c = read_questions(write(path, A, C))
    assert a.question_id != c.question_id


def test_derived_ids_do_not_depend_on_the_order(path: Path) -> None:
    assert read_questions(write(path, A, B, ZH)) == read_questions(write(path, ZH, B, A))[::-1]


def test_what_the_file_says_is_kept(path: Path) -> None:
    (question,) = read_questions(write(path, {**A, 'topic': 'Hei-tiki', 'question_id': 'x'}))
    assert (question.topic, question.question_id) == ('Hei-tiki', 'x')


def test_other_fields_are_passed_over(path: Path) -> None:
    assert len(read_questions(write(path, {**A, 'annotations': [1], 'topic': None}))) == 1


def test_a_record_that_stands_twice_is_used_once_and_reported(path: Path) -> None:
    with pytest.warns(UserWarning, match=r'2 records stand twice \(lines 3, 4, \.\.\.\)'):
        questions = read_questions(write(path, A, B, A, A))
    assert len(questions) == 2


def test_different_records_make_no_warning(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        read_questions(write(path, A, B, C))


def test_an_id_of_two_different_records_is_refused(path: Path) -> None:
    write(path, {**A, 'question_id': 'x'}, B, {**C, 'question_id': 'x'})
    with pytest.raises(RecordError, match=r':3: question_id "x" already stands in line 1'):
        read_questions(path)


@pytest.mark.parametrize('field', ['question', 'document', 'language'])
def test_a_missing_field_is_named(path: Path, field: str) -> None:
    write(path, A, {key: value for key, value in B.items() if key != field})
    with pytest.raises(RecordError, match=rf':2: field "{field}" is missing'):
        read_questions(path)


def test_text_that_is_not_unicode_is_reported_with_its_line(path: Path) -> None:
    path.write_text('{"question": "\\ud800", "document": "A", "language": "en"}')
    with pytest.raises(RecordError, match=':1: field "question"'):
        read_questions(path)


def test_a_pointer_of_git_lfs_is_recognised(path: Path) -> None:
    path.write_text('version https://git-lfs.github.com/spec/v1\noid sha256:7f\nsize 140579760\n')
    with pytest.raises(RecordError, match=r':1: .*pointer of Git LFS; .*git lfs pull'):
        read_questions(path)
