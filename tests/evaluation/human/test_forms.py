"""Human labels in each form: what is read, what is left out and counted, what is refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.evaluation.human import HumanResponse
from maskdpo_xtuner.evaluation.human.anah import NO_TEXT, OTHER_COUNT, type_of
from maskdpo_xtuner.jsonl import RecordError
from maskdpo_xtuner.records import Label
from maskdpo_xtuner.registry import HUMAN_LABELS
from maskdpo_xtuner.splitters import find_splitter

YES, NO, OPEN, NONE = (
    *(Label.NO_HALLUCINATION, Label.CONTRADICTORY),
    *(Label.UNVERIFIABLE, Label.NO_FACTS),
)
ANAH: dict[str, Any] = {
    'name': 'Tin',
    'documents': ['Tin is a metal.', 'It melts at 505 K.'],
    'selected_questions': ['What is tin?', 'When does it melt?'],
    'language': 'en',
    'GPT3.5_answers_D': ['Sure. Tin is a gas.', 'It melts at 505 K. It is old.'],
    'human_GPT3.5_answers_D_ann': [
        [
            '<No Fact>\n<Reference> None\n<Correction> None',
            '<Hallucination> Contradictory\n<Reference> Tin is a metal.\n<Correction> "gas" to ...',
        ],
        ['<Hallucination> None\n<Reference> It melts', '<Hallucination> Unverifiable\n<Reference>'],
    ],
    'InternLM_answers': ['Tin.', ' '],
    'human_InternLM_answers_ann': [['<Hallucination> None', '<Hallucination> None'], ['<No Fact>']],
}
ZINN = {
    'name': '锡',
    'documents': ['锡是一种金属。'],
    'selected_questions': ['锡是什么？'],
    'language': 'zh',
    'GPT3.5_answers_D': ['锡是气体。它很旧。'],
    'human_GPT3.5_answers_D_ann': [
        ['<幻觉>矛盾\n<参考>锡是一种金属。', '<幻觉>无法验证\n<参考>无']
    ],
    'InternLM_answers': ['你好。锡是金属。它？'],
    'human_InternLM_answers_ann': [['<无事实>', '<幻觉>无\n<参考>锡是一种金属。', '<幻觉>？']],
}


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    return path


def read(form: str, source: Path) -> tuple[list[HumanResponse], Counter[str]]:
    left_out: Counter[str] = Counter()
    return list(
        HUMAN_LABELS.get(form)(source, find_splitter('english_chinese'), left_out)
    ), left_out


def labels(found: HumanResponse) -> list[tuple[str, Label | None]]:
    text = found.labelled.text
    return [(text[s.start : s.end].strip(), s.label) for s in found.labelled.sentences]


def test_annotations_of_anah_are_those_of_the_sentences_in_their_order(tmp_path: Path) -> None:
    found, left_out = read('anah', write(tmp_path / 'thing.jsonl', ANAH))
    assert [labels(each) for each in found] == [
        [('Sure.', NONE), ('Tin is a gas.', NO)],
        [('It melts at 505 K.', YES), ('It is old.', OPEN)],
    ]
    assert left_out == {OTHER_COUNT: 2, NO_TEXT: 1}
    question, labelled = found[1]
    assert (question.question, question.topic) == ('When does it melt?', 'Tin')
    assert question.document == 'Tin is a metal.\n\nIt melts at 505 K.'
    assert (labelled.model, labelled.with_document) == ('GPT3.5', True)
    assert labelled.annotator == {'name': 'human', 'source': 'ANAH'}


def test_the_chinese_part_of_anah_is_read_and_an_unknown_type_is_a_failure(tmp_path: Path) -> None:
    folder = write(tmp_path / 'anah' / 'event.jsonl', ZINN).parent
    found, left_out = read('anah', folder)
    assert [label for _, label in labels(found[0])] == [NO, OPEN]
    assert [label for _, label in labels(found[1])] == [NONE, YES, None]
    assert found[1].labelled.sentences[2].failure == "unparsed: no type in '<幻觉>？'"
    assert not left_out


@pytest.mark.parametrize(
    ('annotation', 'label'),
    [
        ('<Hallucination> None', YES),
        ('<hallucination>none.\n<Reference> x', YES),
        ('<Hallucination> Contradictory (the date)', NO),
        ('<幻觉>无法验证。', OPEN),
        ('<Hallucination> Contradictory, Unverifiable', None),
        ('<No Facts>', NONE),
        ('<幻觉>无事实', None),
        ('', None),
    ],
)
def test_a_type_is_read_whole_or_not_at_all(annotation: str, label: Label | None) -> None:
    assert type_of(annotation) == label


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'InternLM_answers': ['One.']}, '2 selected_questions, but 1 InternLM_answers and 2 '),
        ({'documents': 'Tin.'}, 'field "documents": Input should be a valid tuple'),
    ],
)
def test_a_line_of_anah_that_is_not_whole_is_named(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = write(tmp_path / 'thing.jsonl', ANAH, {**ANAH, **change})
    with pytest.raises(RecordError, match='thing.jsonl:2: ' + message):
        read('anah', path)


def test_a_key_of_anah_that_is_missing_is_named_as_the_file_has_it(tmp_path: Path) -> None:
    row = {key: value for key, value in ANAH.items() if key != 'human_InternLM_answers_ann'}
    with pytest.raises(RecordError, match='thing.jsonl:1: field "human_InternLM_answers_ann" is m'):
        read('anah', write(tmp_path / 'thing.jsonl', row))


def test_a_folder_without_files_of_anah_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match='there is none of event.jsonl, '):
        read('anah', tmp_path)


def ragtruth(folder: Path, **label: Any) -> Path:
    source = {
        'source_id': '7',
        'task_type': 'QA',
        'source_info': {'question': 'What is tin?', 'passages': 'Tin is a metal.'},
        'prompt': 'Answer: What is tin?',
    }
    labels = [
        {'start': 4, 'end': 12, 'label_type': 'Evident Baseless Info', 'implicit_true': True},
        {'start': 9, 'end': 15, 'label_type': 'Subtle Conflict'},
        {'start': 20, 'end': 22, 'label_type': 'Subtle Baseless Info', **label},
    ]
    response = {'source_id': '7', 'model': 'm', 'response': 'x' * 30, 'labels': labels}
    write(folder / 'source_info.jsonl', source)
    write(folder / 'response.jsonl', response, {**response, 'labels': []})
    return folder


def test_marks_of_ragtruth_that_overlap_are_one_of_the_graver_kind(tmp_path: Path) -> None:
    (first, second), left_out = read('ragtruth', ragtruth(tmp_path))
    assert [(s.start, s.end, s.label) for s in first.labelled.sentences] == [
        *((4, 15, NO), (20, 22, OPEN)),
    ]
    assert first.labelled.annotator['unmarked'] == 'no_hallucination'
    assert (second.labelled.sentences, second.labelled.sample_index) == ((), 1)
    assert first.question.question == 'What is tin?'
    assert first.question.document == 'Tin is a metal.'
    assert not left_out


def test_a_mark_outside_the_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r'response.jsonl:1: the span \[20, 31\) .* 30 char'):
        read('ragtruth', ragtruth(tmp_path, end=31))


def test_a_response_without_its_source_is_named(tmp_path: Path) -> None:
    folder = ragtruth(tmp_path)
    row = json.loads((folder / 'response.jsonl').read_text().splitlines()[0])
    write(folder / 'response.jsonl', {**row, 'source_id': '8'})
    with pytest.raises(RecordError, match='response.jsonl:1: source 8 is not in source_info'):
        read('ragtruth', folder)


def test_marks_in_one_file_may_lack_topic_and_kind(tmp_path: Path) -> None:
    response = {'text': 'Tin is a gas.', 'hallucination_spans': [{'start': 9, 'end': 12}]}
    row = {'question_id': 'q', 'question': 'Tin?', 'document': 'Tin.', 'language': 'en'}
    ((question, labelled),), _ = read(
        'marks', write(tmp_path / 'marks.jsonl', {**row, 'responses': [response]})
    )
    assert question.topic == 'q'
    assert [s.label for s in labelled.sentences] == [OPEN]


def test_our_own_form_is_an_annotated_response_with_its_question(tmp_path: Path) -> None:
    (found, _), _ = read('anah', write(tmp_path / 'thing.jsonl', ANAH))
    row = {**json.loads(found.labelled.model_dump_json()), **found.question.model_dump()}
    path = write(tmp_path / 'own.jsonl', row)
    assert read('records', path)[0] == [found]
    del row['document']
    with pytest.raises(RecordError, match='own.jsonl:1: field "document" is missing; add it'):
        read('records', write(path, row))
