"""JSON lines: read with errors that name file, line, field and remedy; written atomically."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.packed import DAMAGED, open_packed
from maskdpo_xtuner.records import Question, Record

AnyRecord = TypeVar('AnyRecord', bound=Record)

_LFS_POINTER = b'version https://git-lfs'
_SURROGATE = re.compile(rb'\\u[dD][89a-fA-F]')
_HALF = re.compile('[\ud800-\udfff]')


class RecordError(ValueError):
    """Bad input; the message says where it is and how to correct it."""

    def __init__(self, path: Path | str, line: int | None, problem: str) -> None:
        place = str(path) if line is None else f'{path}:{line}'
        super().__init__(f'{place}: {problem}')
        self.path = Path(path)
        self.line = line


def read_objects(path: Path | str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield ``(line number, object)`` of a JSON lines file; blank lines are passed over.

    The file may be compressed, see `maskdpo_xtuner.packed`.

    Raises:
        RecordError: when the file is missing, damaged or not UTF-8, when a line is not a JSON
            object of whole characters, and at the end when there was no record at all.
    """
    path = Path(path)
    if not path.is_file():
        raise RecordError(path, None, 'there is no such file; check the path')
    count = 0
    for number, raw in _lines(path):
        if not raw.strip():
            continue
        count += 1
        yield number, _parse_line(path, number, raw)
    if count == 0:
        raise RecordError(path, None, 'the file holds no records; expected one JSON object a line')


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        file = open_packed(path)
    except ValueError as error:
        raise RecordError(path, None, str(error)) from error
    number = 0
    with file:
        try:
            for number, raw in enumerate(file, start=1):
                yield number, raw
        except DAMAGED as error:
            problem = f'damaged behind this line ({error}); get the file anew'
            raise RecordError(path, number or None, problem) from error


def _parse_line(path: Path, number: int, raw: bytes) -> dict[str, Any]:
    try:
        # Without its end, a line that was cut is broken at its last column, not on the next line.
        value = json.loads(raw.decode('utf-8-sig' if number == 1 else 'utf-8').rstrip())
    except UnicodeDecodeError as error:
        raise RecordError(path, number, f'not UTF-8 ({error}); save the file as UTF-8') from error
    except json.JSONDecodeError as error:
        remedy = 'each line must be one whole JSON object'
        if raw.startswith(_LFS_POINTER):
            remedy = 'this is a pointer of Git LFS; get the file itself with `git lfs pull`'
        raise RecordError(
            path, number, f'broken JSON at column {error.colno} ({error.msg}); {remedy}'
        ) from error
    except RecursionError as error:
        raise RecordError(
            path, number, 'lists or objects are nested too deep; flatten them'
        ) from error
    except ValueError as error:  # The only other that it raises, above 4,300 digits.
        problem = 'an integer has too many digits to be read; write it as a string'
        raise RecordError(path, number, problem) from error
    _check_characters(path, number, raw, value)
    if not isinstance(value, dict):
        raise RecordError(path, number, f'expected a JSON object, found {type(value).__name__}')
    return value


def _check_characters(path: Path, number: int, raw: bytes, value: Any) -> None:
    """Refuse half of a character: JSON can write one, and no text can hold it."""
    if not _SURROGATE.search(raw):
        return
    fields = value.items() if isinstance(value, dict) else [('record', value)]
    for field, found in fields:
        half = _HALF.search(json.dumps([field, found], ensure_ascii=False))
        if half:
            problem = (
                f'"\\u{ord(half[0]):04x}" is one half of a character (a lone surrogate); write the '
                'whole character, or leave it out'
            )
            raise RecordError(path, number, f'field {json.dumps(field)}: {problem}')


def parse_record(
    model: type[AnyRecord], value: dict[str, Any], path: Path | str, line: int
) -> AnyRecord:
    """Validate one object, turning pydantic's report into one line a field.

    Raises:
        RecordError: naming file, line, field, what is wrong and what was found.
    """
    try:
        return model.model_validate(value)
    except RecursionError as error:
        raise RecordError(path, line, 'nested too deep; flatten it') from error
    except ValidationError as error:
        raise RecordError(path, line, '; '.join(map(_describe, error.errors()))) from error


def _describe(detail: Any) -> str:
    field = '.'.join(map(str, detail['loc'])) or 'record'
    if detail['type'] == 'missing':
        return f'field "{field}" is missing; add it'
    found = json.dumps(detail['input'], ensure_ascii=False, default=str)
    found = found if len(found) <= 80 else found[:77] + '...'
    return f'field "{field}": {detail["msg"]}; found {found}'


def read_records(path: Path | str, model: type[AnyRecord]) -> Iterator[AnyRecord]:
    """Stream the records of a file; errors as of `read_objects` and `parse_record`."""
    for line, value in read_objects(path):
        yield parse_record(model, value, path, line)


def read_questions(path: Path | str) -> list[Question]:
    """Read a question file, deriving what is absent.

    An absent ``question_id`` becomes a hash of question and document, an absent ``topic`` one of
    the document, which the questions on a topic share (as in ANAH-v2's
    ``question_document.jsonl``); neither depends on the order of the file. A record that stands
    twice is taken once, with a warning.

    Raises:
        RecordError: for a bad line, and for an id of two different records (both lines are named).
    """
    questions: dict[str, Question] = {}
    lines: dict[str, int] = {}
    repeated: list[int] = []
    for line, value in read_objects(path):
        question = read_question(value, path, line)
        earlier = questions.setdefault(question.question_id, question)
        if earlier is question:
            lines[question.question_id] = line
        elif earlier == question:
            repeated.append(line)
        else:
            raise RecordError(
                path,
                line,
                f'question_id "{question.question_id}" already stands in line '
                f'{lines[question.question_id]}; give it an id of its own',
            )
    if repeated:
        first = ', '.join(map(str, repeated[:3]))
        warnings.warn(
            f'{path}: {len(repeated)} records stand twice (lines {first}, ...) and are used once',
            stacklevel=2,
        )
    return list(questions.values())


def read_question(value: dict[str, Any], path: Path | str, line: int) -> Question:
    """Read one question, deriving what is absent as `read_questions` says; errors likewise."""
    return parse_record(Question, _with_derived(value), path, line)


def _with_derived(value: dict[str, Any]) -> dict[str, Any]:
    document = value.get('document')
    derived = {
        'question_id': 'q-' + _short_hash([value.get('question'), document]),
        'topic': 'document-' + _short_hash(document),
    }
    return derived | {key: found for key, found in value.items() if found is not None}


def _short_hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12]


def write_lines(path: Path | str, lines: Iterable[str]) -> int:
    """Write lines, atomically; returns how many."""
    count = 0
    with atomic_writer(path) as file:
        for line in lines:
            file.write(line + '\n')
            count += 1
    return count


def write_records(path: Path | str, records: Iterable[Record]) -> int:
    """Write records as JSON lines, atomically; returns how many."""
    return write_lines(path, (record.model_dump_json() for record in records))
