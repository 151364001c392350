"""The command line of the comparison with human labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.judge_agreement import main

QUESTION = {
    'question_id': 'q',
    'question': 'What is tin?',
    'document': 'Tin is a soft metal. Tin melts at 505 K.',
    'language': 'en',
    'topic': 'tin',
}
TEXT = 'Tin is a soft metal. Tin melts at 12 K.'


def marks(folder: Path, **changes: Any) -> str:
    response = {'text': TEXT, 'hallucination_spans': [{'start': 34, 'end': 38}]}
    path = folder / 'marks.jsonl'
    path.write_text(json.dumps({**QUESTION, 'responses': [response], **changes}) + '\n')
    return str(path)


def test_a_judge_is_asked_by_its_type_and_its_file_can_be_taken_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = marks(tmp_path), tmp_path / 'out.json'
    options = ['--form', 'marks', '--work-dir', str(tmp_path / 'work'), '--quiet']
    assert main([source, *options, '--judge', 'lexical', '--out', str(out)]) == 0
    said = capsys.readouterr().out
    assert 'judge: lexical; 2 sentences on 1 topics have both labels' in said
    (found,) = json.loads(out.read_text())['judges']
    assert found['classes']['hallucination']['f1']['value'] == 1
    file = tmp_path / 'work' / 'human' / 'annotated-lexical.jsonl'
    assert main([source, '--form', 'marks', '--annotated', str(file)]) == 0
    assert capsys.readouterr().out == said


def test_the_store_that_the_settings_name_is_used(tmp_path: Path) -> None:
    work, store = tmp_path / 'work', tmp_path / 'all.sqlite'
    options = ['--form', 'marks', '--work-dir', str(work), '--quiet', '--judge', 'lexical']
    assert main([marks(tmp_path), *options, '--cfg-options', f'store={store}']) == 0
    assert store.is_file()
    assert not list(work.rglob('*.sqlite'))


def test_a_judge_that_needs_settings_is_refused_with_their_names(tmp_path: Path) -> None:
    options = ['--form', 'marks', '--work-dir', str(tmp_path / 'work')]
    with pytest.raises(ValueError, match=r'--judge table: it needs more settings \(table\)'):
        main([marks(tmp_path), *options, '--judge', 'table'])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--form', 'mark'], 'no form of human labels "mark"; did you mean "marks"'),
        (['--form', 'marks', '--language', 'zh'], 'no labelled response is left; languages: en'),
    ],
)
def test_nothing_to_compare_is_an_error(options: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        main([marks(tmp_path), *options])


def test_a_language_that_the_judge_does_not_speak_is_refused(tmp_path: Path) -> None:
    options = ['--form', 'marks', '--judge', 'lexical', '--work-dir', str(tmp_path / 'work')]
    with pytest.raises(ValueError, match='q is in the language "fr"'):
        main([marks(tmp_path, language='fr'), *options])


def test_half_of_the_sentences_without_a_verdict_end_in_exit_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = marks(tmp_path)
    file = tmp_path / 'annotated-mine.jsonl'
    judged = {'start': 0, 'end': 21, 'label': 'no_hallucination'}
    unread = {'start': 21, 'end': len(TEXT), 'failure': 'unparsed: hm'}
    about = {'question_id': 'q', 'sample_index': 0, 'seed': 1, 'model': 'm', 'text': TEXT}
    made = {'finish_reason': 'stop', 'prompt_tokens': None, 'completion_tokens': None}
    record = {**about, **made, 'annotator': {'name': 'mine'}, 'sentences': [judged, unread]}
    file.write_text(json.dumps(record) + '\n')
    assert main([source, '--form', 'marks', '--annotated', str(file)]) == 1
    assert 'mine: 50% of the sentences have no verdict: too few' in capsys.readouterr().out
