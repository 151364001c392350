"""The judge by marked spans, of a token classifier and of a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.annotators.base import Annotator
from maskdpo_xtuner.annotators.prompt_files import Prompt
from maskdpo_xtuner.annotators.spans import SpanAnnotator
from maskdpo_xtuner.annotators.spans.settings import OWN_PROMPT, SpanSettings
from maskdpo_xtuner.engines.base import Failure
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.records import Label
from tests.annotators.judging import TIN, judge, verdicts
from tests.classifiers import tiny_bert

YES, OPEN = Label.NO_HALLUCINATION, Label.UNVERIFIABLE
TEXT = 'Tin is a metal. It melts at 12 K. It is old.'


def span(part: str, confidence: float = 0.9) -> dict[str, Any]:
    start = TEXT.index(part)
    return {'start': start, 'end': start + len(part), 'text': part, 'confidence': confidence}


def write(folder: Path, *lines: dict[str, Any]) -> Path:
    path = folder / 'spans.jsonl'
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return path


def line(*spans: dict[str, Any], text: str = TEXT) -> dict[str, Any]:
    """A line of responses.jsonl with spans added."""
    return {'question_id': 'q', 'sample_index': 3, 'text': text, 'model': 'm', 'spans': spans}


def by_file(path: Path, **settings: Any) -> Annotator:
    annotator, engine = SpanSettings(file=path, **settings).build()
    assert engine is None
    return annotator


@pytest.mark.parametrize(
    ('spans', 'labels'),
    [
        ([], [YES, YES, YES]),
        ([span('12 K')], [YES, OPEN, YES]),
        ([span('metal. It melts')], [OPEN, OPEN, YES]),
        ([span('. It melts')], [YES, OPEN, YES]),
        ([span('melts at 12 K. ')], [YES, OPEN, YES]),
        ([span('12 K', 0.5), span('old', 0.49)], [YES, OPEN, YES]),
    ],
    ids=['none', 'one', 'over two sentences', 'full stop before', 'blank behind', 'threshold'],
)
def test_a_sentence_with_a_letter_in_a_span_is_unverifiable(
    tmp_path: Path, spans: list[dict[str, Any]], labels: list[Label]
) -> None:
    annotator = by_file(write(tmp_path, line(*spans)))
    (response,) = judge(tmp_path, annotator, None, [TEXT], TIN)
    assert verdicts(response) == labels


def test_spans_are_notes_of_their_sentences(tmp_path: Path) -> None:
    annotator = by_file(write(tmp_path, line(span(' 12 K'))), threshold=0.8)
    (response,) = judge(tmp_path, annotator, None, [TEXT], TIN)
    assert [s.notes for s in response.sentences] == [(), ("marked: '12 K' (0.90)",), ()]


def test_an_answer_that_the_file_lacks_is_a_failure(tmp_path: Path) -> None:
    path = write(tmp_path, line())
    first, second, blank = judge(tmp_path, by_file(path), None, [TEXT, 'Tin.', ' '], TIN)
    assert verdicts(first) == [YES, YES, YES]
    assert verdicts(second) == [f'failed: {path} does not have this answer']
    assert verdicts(blank) == []


@pytest.mark.parametrize(
    ('lines', 'said'),
    [
        ([line({**span('12 K'), 'start': 0})], r"spans\.jsonl:1: .*'12 K' does not stand at \[0, "),
        ([line(), line(span('old'))], r'spans\.jsonl:2: this answer stands above with other spans'),
        ([{'question_id': 'q', 'text': 't'}], r'spans\.jsonl:1: field "spans" is missing'),
        ([line(span('old', 2.0))], r'spans\.jsonl:1: field "spans\.0\.confidence"'),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_line(
    tmp_path: Path, lines: list[dict[str, Any]], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        by_file(write(tmp_path, *lines))


def test_the_identity_is_that_of_the_files_content(tmp_path: Path) -> None:
    path = write(tmp_path, line())
    before = by_file(path).identity
    assert by_file(path.rename(tmp_path / 'moved.jsonl')).identity == before
    assert by_file(write(tmp_path, line(span('old')))).identity != before
    assert by_file(tmp_path / 'moved.jsonl', threshold=0.7).identity != before


def by_model(folder: Path, engine: ScriptedEngine, texts: list[str]) -> list[Any]:
    annotator = SpanAnnotator(engine.identity, Prompt(OWN_PROMPT, ('question', 'document')))
    return judge(folder, annotator, engine, texts, TIN)


def test_one_request_marks_an_answer(tmp_path: Path) -> None:
    said = json.dumps({'spans': [span('12 K')], 'left_out': 8, 'tokens': 99})
    engine = ScriptedEngine(lambda request: said)
    (response,) = by_model(tmp_path, engine, [TEXT])
    assert verdicts(response) == [YES, OPEN, YES]
    cut = 'document_cut: by 8 of 99 tokens'
    assert response.sentences[1].notes == (cut, "marked: '12 K' (0.90)")
    ((request,),) = engine.calls
    assert [m.content for m in request.messages] == [f'{TIN.question}\n\n{TIN.document}', TEXT]


def test_a_failed_request_leaves_every_sentence_without_a_label(tmp_path: Path) -> None:
    (response,) = by_model(tmp_path, ScriptedEngine(lambda request: Failure('no room')), [TEXT])
    assert verdicts(response) == ['no_answer: no room'] * 3


def test_a_model_folder_judges_with_a_prompt_of_the_users(tmp_path: Path) -> None:
    model = tiny_bert(tmp_path / 'spans', 'Token', ('LABEL_0', 'LABEL_1'))
    prompt = tmp_path / 'mine.j2'
    prompt.write_text('{{ question }} {{ document }}')
    settings = SpanSettings(model=str(model), prompt=prompt, max_length=64)
    annotator, engine = settings.build()
    (response,) = judge(tmp_path, annotator, engine, [TEXT], TIN)
    assert set(verdicts(response)) <= {YES, OPEN}
    assert response.annotator['engine.model'] == 'spans'
    assert response.annotator['prompt'] == 'mine.j2'


@pytest.mark.parametrize(
    ('settings', 'said'),
    [
        ({}, 'either the model of the spans'),
        ({'model': 'm', 'file': 'f'}, 'either the model of the spans'),
        ({'model': 'm', 'prompt': 'gone.j2'}, r'gone\.j2: there is no such file'),
        ({'file': 'gone.jsonl'}, r'gone\.jsonl: there is no such file'),
        ({'file': 'f', 'threshold': 2}, 'less than or equal to 1'),
    ],
)
def test_mistakes_are_named(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SpanSettings.model_validate(settings).build()
