"""Question files: ANAH-v2's, ours, and what is wrong with others."""

from __future__ import annotations

import gzip
import io
import json
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
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


@pytest.mark.parametrize('field', ['question', 'document'])
@pytest.mark.parametrize('blank', ['', ' ', '\n\u3000\t'])
def test_a_blank_text_is_refused_with_its_line(path: Path, field: str, blank: str) -> None:
    write(path, A, {**B, field: blank})
    with pytest.raises(RecordError, match=rf':2: field "{field}": is blank; write a text'):
        read_questions(path)


def test_an_integer_is_taken_as_an_id(path: Path) -> None:
    a, b = read_questions(write(path, {**A, 'question_id': 7}, {**B, 'question_id': '07'}))
    assert (a.question_id, b.question_id) == ('7', '07')


def test_an_integer_and_its_digits_are_the_same_id(path: Path) -> None:
    write(path, {**A, 'question_id': 7}, {**B, 'question_id': '7'})
    with pytest.raises(RecordError, match=r':2: question_id "7" already stands in line 1'):
        read_questions(path)


@pytest.mark.parametrize('odd', [True, 1.5, ['7'], {}])
def test_nothing_else_is_taken_as_an_id(path: Path, odd: Any) -> None:
    with pytest.raises(RecordError, match=':1: field "question_id": .*valid string'):
        read_questions(write(path, {**A, 'question_id': odd}))


@pytest.mark.parametrize('depth', [300, 2000, 100_000])
@pytest.mark.parametrize('field', ['question', 'question_id', 'more'])
def test_deep_nesting_ends_in_a_line_or_is_passed_over(path: Path, field: str, depth: int) -> None:
    nested = json.dumps({**A, field: '@'}).replace('"@"', '[' * depth + ']' * depth)
    path.write_text(nested + '\n')
    if depth == 300 and field == 'more':
        assert len(read_questions(path)) == 1
        return
    with pytest.raises(RecordError, match=r':1: (lists or objects are nested|field "question)'):
        read_questions(path)


def test_an_integer_of_many_digits_ends_in_a_line(path: Path) -> None:
    path.write_text(json.dumps({**A, 'more': '@'}).replace('"@"', '9' * 5000) + '\n')
    with pytest.raises(RecordError, match=':1: an integer has too many digits .*; write it as'):
        read_questions(path)


def test_a_pointer_of_git_lfs_is_recognised(path: Path) -> None:
    path.write_text('version https://git-lfs.github.com/spec/v1\noid sha256:7f\nsize 140579760\n')
    with pytest.raises(RecordError, match=r':1: .*pointer of Git LFS; .*git lfs pull'):
        read_questions(path)


@pytest.mark.parametrize('name', ['questions.jsonl.gz', 'questions.jsonl'])
def test_gzip_is_read_whatever_the_name_of_the_file(path: Path, name: str) -> None:
    plain = read_questions(write(path, A, B))
    packed = path.with_name(name)
    packed.write_bytes(
        gzip.compress(path.read_bytes()[:80]) + gzip.compress(path.read_bytes()[80:])
    )
    assert read_questions(packed) == plain


@pytest.mark.parametrize('damage', [slice(0, -20), slice(0, 12)])
def test_a_damaged_gzip_file_is_named(path: Path, damage: slice) -> None:
    path.write_bytes(gzip.compress(json.dumps(A).encode())[damage])
    with pytest.raises(RecordError, match=r'question_document\.jsonl: damaged .*; get the file'):
        read_questions(path)


def test_a_flipped_bit_in_a_gzip_file_is_found(path: Path) -> None:
    packed = bytearray(gzip.compress(json.dumps(A).encode() + b'\n'))
    packed[-6] ^= 1  # of the checksum
    path.write_bytes(packed)
    with pytest.raises(RecordError, match=':1: damaged behind this line'):
        read_questions(path)


def test_zstandard_is_read_by_its_package(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b'\x28\xb5\x2f\xfd')
    lines = io.BytesIO(json.dumps(A).encode())
    package = SimpleNamespace(open=lambda path, mode: lines)
    monkeypatch.setitem(sys.modules, 'zstandard', package)
    assert len(read_questions(path)) == 1


def test_zstandard_without_its_package_names_the_mend(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b'\x28\xb5\x2f\xfd...')
    monkeypatch.setitem(sys.modules, 'zstandard', None)
    with pytest.raises(RecordError, match='pip install zstandard.* or unpack it with `zstd -d'):
        read_questions(path)
