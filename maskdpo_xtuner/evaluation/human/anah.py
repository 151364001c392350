"""The human labels of ANAH (Ji et al. 2024, arXiv 2405.20315), Apache-2.0.

Its files ``event``, ``location``, ``person`` and ``thing.jsonl`` have one topic a line: ``name``,
``documents``, ``selected_questions``, ``language``, and of two models one response a question
(``GPT3.5_answers_D``, written with the documents at hand, and ``InternLM_answers``) with one
annotation a sentence (``human_..._ann``). An annotation says the type, but not which sentence it is
about: they are in the order of the sentences. So a response whose sentences, as our splitter finds
them, are not as many as its annotations is left out, and its annotations are counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from maskdpo_xtuner.evaluation.human.forms import HumanResponse, labelled_response
from maskdpo_xtuner.jsonl import RecordError, parse_record, read_objects
from maskdpo_xtuner.records import Label, Language, Question, Record, Sentence
from maskdpo_xtuner.splitters import Splitter

FILES = ('event.jsonl', 'location.jsonl', 'person.jsonl', 'thing.jsonl')
OTHER_COUNT = 'as many sentences as annotations were not found in the response'
NO_TEXT = 'the response is empty'

_NO_FACTS = re.compile(r'<(?:no ?facts?|无事实)>', re.IGNORECASE)
_TYPE = re.compile(r'<(?:hallucination|幻觉)>[ \t]*([^\n<]*)', re.IGNORECASE)
_TYPES = {
    'none': Label.NO_HALLUCINATION,
    '无': Label.NO_HALLUCINATION,
    'contradictory': Label.CONTRADICTORY,
    '矛盾': Label.CONTRADICTORY,
    'unverifiable': Label.UNVERIFIABLE,
    '无法验证': Label.UNVERIFIABLE,
}
# The longer name first: 无 begins that of another, and stands in 无事实, which is no type.
_NAMES = re.compile(r'\b(?:none|contradictory|unverifiable)\b|无法验证|矛盾|无(?!事实)')


class _Written(NamedTuple):
    """The keys of one model in a line."""

    model: str
    with_document: bool
    responses: str
    annotations: str


MODELS = (
    _Written('GPT3.5', True, 'GPT3.5_answers_D', 'human_GPT3.5_answers_D_ann'),
    _Written('InternLM', False, 'InternLM_answers', 'human_InternLM_answers_ann'),
)


class _Topic(Record):
    """A line of the files."""

    name: str = Field(min_length=1)
    documents: tuple[str, ...] = Field(min_length=1)
    selected_questions: tuple[str, ...] = Field(min_length=1)
    language: Language


class _Texts(Record):
    """What the models wrote and what people said of it, one entry a question."""

    responses: tuple[str, ...]
    annotations: tuple[tuple[str, ...], ...]


def read_anah(source: Path, splitter: Splitter, left_out: Counter[str]) -> Iterator[HumanResponse]:
    """Read a file of the data set, or the folder of all four.

    Raises:
        RecordError: naming file, line, field and remedy.
    """
    source = Path(source)
    paths = [source / name for name in FILES if (source / name).is_file()]
    if source.is_dir() and not paths:
        raise RecordError(source, None, f'there is none of {", ".join(FILES)}; check the path')
    for path in paths or [source]:
        for line, row in read_objects(path):
            yield from _read_topic(row, path, line, splitter, left_out)


def _read_topic(
    row: dict[str, Any], path: Path, line: int, splitter: Splitter, left_out: Counter[str]
) -> Iterator[HumanResponse]:
    topic = parse_record(_Topic, row, path, line)
    for index, written in enumerate(MODELS):
        names = {'responses': written.responses, 'annotations': written.annotations}
        texts = _parse(row, names, path, line)
        count = len(topic.selected_questions)
        if not count == len(texts.responses) == len(texts.annotations):
            raise RecordError(
                path,
                line,
                f'{count} selected_questions, but {len(texts.responses)} {written.responses} and '
                f'{len(texts.annotations)} {written.annotations}; there is one for each question',
            )
        for number, (text, said) in enumerate(zip(texts.responses, texts.annotations, strict=True)):
            sentences = _sentences(text, said, topic.language, splitter, left_out)
            if sentences:
                yield labelled_response(
                    _question(topic, number, f'{path.stem}-{line}-{number}'),
                    text,
                    sentences,
                    {'source': 'ANAH'},
                    sample_index=index,
                    model=written.model,
                    with_document=written.with_document,
                )


def _parse(row: dict[str, Any], names: dict[str, str], path: Path, line: int) -> _Texts:
    """Read the texts of one model; the keys in an error are those of the file."""
    absent = next((key for key in names.values() if key not in row), None)
    if absent:
        raise RecordError(path, line, f'field "{absent}" is missing; add it')
    found = {field: row[key] for field, key in names.items()}
    return parse_record(_Texts, found, path, line)


def _question(topic: _Topic, number: int, question_id: str) -> Question:
    return Question(
        question_id=f'anah-{question_id}',
        question=topic.selected_questions[number],
        document='\n\n'.join(topic.documents),
        language=topic.language,
        topic=topic.name,
    )


def _sentences(
    text: str,
    annotations: tuple[str, ...],
    language: str,
    splitter: Splitter,
    left_out: Counter[str],
) -> tuple[Sentence, ...]:
    """Give one sentence an annotation; none, and the annotations counted, where they do not fit."""
    spans = splitter(text, language) if text.strip() else []
    if len(spans) != len(annotations):
        left_out[OTHER_COUNT if spans else NO_TEXT] += len(annotations)
        return ()
    return tuple(
        _sentence(span, annotation) for span, annotation in zip(spans, annotations, strict=True)
    )


def _sentence(span: tuple[int, int], annotation: str) -> Sentence:
    start, end = span
    label = type_of(annotation)
    failure = None if label else f'unparsed: no type in {annotation[:60]!r}'
    return Sentence(start=start, end=end, label=label, failure=failure)


def type_of(annotation: str) -> Label | None:
    """Read what an annotation says; None where it says no type, or one that there is not."""
    if _NO_FACTS.search(annotation):
        return Label.NO_FACTS
    found = _TYPE.search(annotation)
    types = _NAMES.findall(found[1].lower()) if found else []
    return _TYPES[types[0]] if len(types) == 1 else None
