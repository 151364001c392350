from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from maskdpo_xtuner.command_line import run_tool
from maskdpo_xtuner.jsonl import write_records
from maskdpo_xtuner.records import Question
from tests.evaluation.answers import answer
from tests.reports.pages import parse_page
from tests.reports.pair_records import pair
from tools.inspect_pairs import main


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / 'pairs.jsonl'
    write_records(path, [pair(answer(f'q{n}', 0, '+'), answer(f'q{n}', 1, 'c')) for n in range(3)])
    return path


def error_of(*argv: object) -> str:
    with pytest.raises(SystemExit) as caught:
        run_tool(lambda: main([str(argument) for argument in argv]))
    assert isinstance(caught.value.code, str)
    return caught.value.code


def test_a_work_dir_gets_its_page_beside_the_pairs(
    pairs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(pairs.parent)])
    page = pairs.with_name('pairs.html')
    assert capsys.readouterr().out == f'3 of 3 pairs: {page}\n'
    assert len(parse_page(page.read_text(encoding='utf-8')).find('article')) == 3


def test_the_limit_and_the_place_of_the_page_can_be_chosen(pairs: Path, tmp_path: Path) -> None:
    out = tmp_path / 'new' / 'page.html'
    main([str(pairs), '--limit', '1', '--out', str(out)])
    assert len(parse_page(out.read_text(encoding='utf-8')).find('article')) == 1
    main([str(pairs), '--limit', '0', '--out', str(out)])
    assert len(parse_page(out.read_text(encoding='utf-8')).find('article')) == 3


def test_a_missing_file_is_named(pairs: Path, tmp_path: Path) -> None:
    missing = tmp_path / 'nowhere.jsonl'
    assert str(missing) in error_of(missing)
    assert str(missing) in error_of(pairs, '--annotated', missing)
    assert str(missing) in error_of(pairs, '--dropped', missing)
    assert 'no tokenizer can be read there' in error_of(pairs, '--tokenizer', tmp_path)
    assert 'there is no such config' in error_of(pairs, '--training', tmp_path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'pairs.jsonl').write_text('')
    assert 'the file holds no records' in error_of(tmp_path)


def test_a_label_that_does_not_exist_is_reported_with_its_line(pairs: Path) -> None:
    value = json.loads(pairs.read_text().splitlines()[0])
    value['chosen_item']['labels'] = ['true']
    with pairs.open('a') as file:
        file.write(json.dumps(value) + '\n')
    message = error_of(pairs)
    assert message.startswith(f'error: {pairs}:4: field "chosen_item.labels.0"')
    assert 'found "true"' in message


def test_a_negative_limit_is_refused(pairs: Path) -> None:
    assert '--limit must be 0 or more' in error_of(pairs, '--limit', '-1')


def test_nothing_is_written_when_the_input_is_wrong(pairs: Path) -> None:
    pairs.write_text('{"prompt": ')
    assert 'broken JSON' in error_of(pairs)
    assert [path.name for path in pairs.parent.iterdir()] == ['pairs.jsonl']


def test_the_tool_imports_nothing_heavy() -> None:
    code = 'import sys, tools.inspect_pairs; print(*sys.modules)'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    heavy = {'torch', 'transformers', 'datasets', 'mmengine', 'xtuner'}
    assert not heavy & set(done.stdout.split())


def test_documents_come_from_a_question_file_or_a_data_config(pairs: Path, tmp_path: Path) -> None:
    questions = [
        Question(
            question_id=f'q{n}',
            question=f'Tell me of q{n}.',
            document=f'Document {n}.',
            language='en',
            topic='metals',
        )
        for n in range(3)
    ]
    file, config = tmp_path / 'q.jsonl', tmp_path / 'c.py'
    write_records(file, questions)
    config.write_text(f"work_dir = 'w'\nquestions = dict(type='jsonl', path={str(file)!r})\n")
    for source in (file, config):
        main([str(pairs), '--questions', str(source)])
        page = parse_page(pairs.with_name('pairs.html').read_text(encoding='utf-8'))
        shown = [each.find('div', 'text')[0].text for each in page.find('details', 'document')]
        assert shown == ['Document 0.', 'Document 1.', 'Document 2.']
