"""JSON lines: errors that name the place, files that are whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.jsonl import (
    RecordError,
    read_objects,
    read_records,
    write_records,
)
from maskdpo_xtuner.records import Message

ONE = Message(role='user', content='金\u2028"\n')
TWO = Message(role='assistant', content='')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'messages.jsonl'


def test_records_are_read_as_they_were_written(path: Path) -> None:
    assert write_records(path, [ONE, TWO]) == 2
    assert list(read_records(path, Message)) == [ONE, TWO]
    assert path.read_bytes().count(b'\n') == 2


def test_blank_lines_count_as_lines_and_hold_nothing(path: Path) -> None:
    path.write_text('\n{"a": 1}\n \n{"a": 2}')
    assert list(read_objects(path)) == [(2, {'a': 1}), (4, {'a': 2})]


def test_a_byte_order_mark_is_passed_over(path: Path) -> None:
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n')
    assert list(read_objects(path)) == [(1, {'a': 1})]


@pytest.mark.parametrize(
    ('second_line', 'problem'),
    [
        (b'{"role": "user"', r':2: broken JSON at column 16 .*; each line must be one whole JSON'),
        (b'[1]', ':2: expected a JSON object, found list'),
        (b'{"role": "\xff"}', ':2: not UTF-8 .*; save the file as UTF-8'),
        (b'{"role": "user"}', ':2: field "content" is missing; add it'),
        (b'{"role": "me", "content": ""}', ':2: field "role": .*; found "me"'),
        (b'{"role": "user", "content": 3}', ':2: field "content": .* string; found 3'),
    ],
)
def test_a_bad_line_is_named_after_the_good_ones_were_given(
    path: Path, second_line: bytes, problem: str
) -> None:
    path.write_bytes(b'{"role": "user", "content": "a"}\n' + second_line + b'\n')
    messages = read_records(path, Message)
    assert next(messages).content == 'a'
    with pytest.raises(RecordError, match=problem) as caught:
        next(messages)
    assert (caught.value.path, caught.value.line) == (path, 2)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize('text', ['', '\n \n'])
def test_a_file_without_records_is_refused(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(RecordError, match='the file holds no records'):
        list(read_objects(path))


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(RecordError, match=r'messages\.jsonl: there is no such file'):
        list(read_objects(path))


def test_a_long_value_is_shortened_in_the_message(path: Path) -> None:
    path.write_text('{"role": "%s", "content": ""}' % ('x' * 9999))
    with pytest.raises(RecordError) as caught:
        list(read_records(path, Message))
    assert len(str(caught.value)) < 300 + len(str(path))


# -- writing


class Stopped(BaseException):
    """Stands for Ctrl-C: not an `Exception`."""


def stop_after(records: list[Message]) -> Iterator[Message]:
    yield from records
    raise Stopped


@pytest.mark.parametrize('before', [None, 'the old file'])
def test_a_write_that_does_not_end_leaves_what_was_there(path: Path, before: str | None) -> None:
    if before:
        path.write_text(before)
    with pytest.raises(Stopped):
        write_records(path, stop_after([ONE] * 100_000))
    assert [(p.name, p.read_text()) for p in path.parent.iterdir()] == (
        [(path.name, before)] if before else []
    )


def test_the_old_file_stands_until_the_new_one_is_whole(path: Path) -> None:
    path.write_text('old')
    with atomic_writer(path) as file:
        file.write('new')
        file.flush()
        assert path.read_text() == 'old'
    assert path.read_text() == 'new'
    assert list(path.parent.iterdir()) == [path]


def test_folders_are_made_on_the_way(tmp_path: Path) -> None:
    write_records(tmp_path / 'a' / 'b' / 'c.jsonl', [ONE])
    assert list(read_records(tmp_path / 'a/b/c.jsonl', Message)) == [ONE]


def test_the_file_has_the_mode_of_any_new_file(path: Path) -> None:
    previous = os.umask(0o027)
    try:
        write_records(path, [ONE])
        assert os.umask(0o027) == 0o027  # and the umask is as it was
    finally:
        os.umask(previous)
    assert path.stat().st_mode & 0o777 == 0o640


def test_what_is_not_unicode_is_not_written(path: Path) -> None:
    with pytest.raises(ValueError, match='surrogate'):
        write_records(path, [Message.model_construct(role='user', content='\ud800')])
    assert list(path.parent.iterdir()) == []
