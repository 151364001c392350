"""The command that makes pairs, on a random model; what it answers to wrong input."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maskdpo_xtuner.command_line import run_tool
from maskdpo_xtuner.engines.base import Failure
from maskdpo_xtuner.engines.scripted import Script, ScriptedEngine
from maskdpo_xtuner.engines.settings import TransformersSettings
from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.records import AnnotatedResponse, Response
from maskdpo_xtuner.splitters import split_sentences
from tests.models import tiny_llama
from tests.pipeline.work_dirs import (
    DOCUMENT,
    FALSE,
    TRUE,
    contents,
    mixed_response,
    records,
    write_questions,
)
from tests.tokenizers import tokenizer_folder
from tools.merge_shards import main as merge_main
from tools.pair_anew import main as pair_main
from tools.sample_and_annotate import main

TOOL = Path(__file__).parents[2] / 'tools' / 'sample_and_annotate.py'
QUESTION = {'question': 'What is tin?', 'document': DOCUMENT, 'language': 'en'}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    questions = write_questions(tmp_path / 'questions.jsonl', 3)
    path = tmp_path / 'config.py'
    path.write_text(
        f'work_dir = {str(tmp_path / "work")!r}\n'
        f'questions = dict(type="jsonl", path={str(questions)!r})\n'
        'policy = dict(type="transformers", batch_size=8)\n'
        'sampling = dict(num_samples=3, max_new_tokens=24)\n'
    )
    return path


def use(monkeypatch: pytest.MonkeyPatch, script: Script) -> None:
    """Make a scripted engine the policy, whatever the config names."""
    monkeypatch.setattr(TransformersSettings, 'build', lambda policy: ScriptedEngine(script))


def run(monkeypatch: pytest.MonkeyPatch, *argv: object, tool: Callable[[], int] = main) -> object:
    """Run the tool in this process; gives what it exits with, a text for an error."""
    monkeypatch.setattr(sys, 'argv', [str(TOOL), *map(str, argv), '--quiet'])
    with pytest.raises(SystemExit) as caught:
        run_tool(tool)
    return caught.value.code


def test_a_real_model_is_sampled_and_annotated_and_a_second_run_repeats_it(
    config: Path, tmp_path: Path
) -> None:
    model = tiny_llama(tmp_path / 'policy', tokenizer_folder('smollm2'))
    argv = [str(config), '--cfg-options', f'policy.model={model}']
    first = subprocess.run([sys.executable, str(TOOL), *argv], capture_output=True, text=True)
    work = tmp_path / 'work'
    # A random model says nothing that is true, so every question is dropped, and that is said.
    assert first.returncode == 1
    error = first.stderr.splitlines()[-1]
    assert error.startswith('error: all 3 questions were dropped (')
    responses = list(read_records(work / 'responses.jsonl', Response))
    assert [(a.question_id, a.sample_index) for a in responses] == [
        (f'q{n}', index) for n in range(3) for index in range(3)
    ]
    assert len({response.text for response in responses}) == 9
    assert {response.model for response in responses} == {'policy'}
    assert {response.completion_tokens for response in responses} <= set(range(1, 25))
    for response in read_records(work / 'annotated.jsonl', AnnotatedResponse):
        spans = [(sentence.start, sentence.end) for sentence in response.sentences]
        assert spans == (split_sentences(response.text, 'en') if response.text.strip() else [])
    before = contents(work)
    # What is known already needs no model, nor the libraries that would load one.
    code = (
        'import runpy, sys\n'
        f'sys.argv = {[str(TOOL), *argv]!r}\n'
        'try:\n'
        f'    runpy.run_path({str(TOOL)!r}, run_name="__main__")\n'
        'finally:\n'
        '    print(*sorted({"torch", "transformers"} & set(sys.modules)))\n'
    )
    second = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert second.stderr.splitlines()[-1] == error
    assert second.stdout.splitlines()[-1] == ''
    assert contents(work) == before


def test_the_counts_are_printed_and_all_went_well(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use(monkeypatch, mixed_response)
    assert run(monkeypatch, config, '--work-dir', tmp_path / 'other') == 0
    out, err = capsys.readouterr()
    pairs = records(tmp_path / 'other/pairs.jsonl')
    *table, last = out.splitlines()
    rows = dict(line.split(maxsplit=1) for line in table)
    assert rows['questions'] == '3, 3 answers each'
    assert rows['requests'].startswith('9 requests: 9 done, 0 failed')
    assert rows['pairs'] == f'{len(pairs)}, from {len(pairs)} of 3 questions'
    assert last == f'pairs are in {tmp_path / "other/pairs.jsonl"}'
    assert err == ''
    assert not (tmp_path / 'work').exists()


def test_missing_answers_are_printed_and_end_in_a_non_zero_status(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers: Iterator[str | Failure] = iter(
        [TRUE, FALSE, Failure('HTTP 500'), *[TRUE, FALSE, FALSE] * 2]
    )
    use(monkeypatch, lambda request: next(answers))
    assert run(monkeypatch, config) == 1
    out = capsys.readouterr().out
    assert 'HTTP 500: 1' in out
    failures = tmp_path / 'work/failures.jsonl'
    assert f'1 requests have no answer and will have none, see {failures}' in out
    assert 'run again' not in out
    assert len(records(failures)) == 1
    assert len(records(tmp_path / 'work/pairs.jsonl')) == 3


def test_shards_are_run_and_merged_by_commands(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use(monkeypatch, mixed_response)
    assert run(monkeypatch, config, '--work-dir', tmp_path / 'whole') == 0
    assert run(monkeypatch, config, '--shard', '1/2') == 0
    missing = run(monkeypatch, config, tool=merge_main)
    command = f'maskdpo sample {config} --quiet --shard 0/2'
    assert missing == f'error: 1 of 2 shards are missing\n  0/2 was not begun: {command}'
    assert run(monkeypatch, config, '--shard', '0/2') == 0
    capsys.readouterr()
    assert run(monkeypatch, config, '--completions', tool=merge_main) == 0
    assert f'pairs are in {tmp_path / "work/pairs.jsonl"}' in capsys.readouterr().out
    shutil.rmtree(tmp_path / 'work/shards')
    assert contents(tmp_path / 'work') == contents(tmp_path / 'whole')
    assert run(monkeypatch, config) == 0
    assert '0 sent to the engine, 9 found in the store' in capsys.readouterr().out


def test_pairs_by_another_rule_are_made_by_a_command(
    config: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use(monkeypatch, mixed_response)
    work, other = tmp_path / 'work', tmp_path / 'other'
    options = (config, '--work-dir', other, '--cfg-options', 'pairs.rule=all')
    unfinished = run(monkeypatch, work, *options, tool=pair_main)
    assert unfinished == f'error: {work} is not finished; run `maskdpo sample` for it first'
    assert run(monkeypatch, config) == 0
    capsys.readouterr()
    assert run(monkeypatch, work, *options, tool=pair_main) == 0
    assert f'pairs are in {other / "pairs.jsonl"}' in capsys.readouterr().out
    assert len(records(other / 'pairs.jsonl')) > len(records(work / 'pairs.jsonl'))


@pytest.mark.parametrize('shard', ['2/2', '1', 'a/b', '1/4'])
def test_a_shard_that_does_not_exist_is_answered_in_one_line(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shard: str
) -> None:
    use(monkeypatch, mixed_response)
    ended = run(monkeypatch, config, '--shard', shard)
    assert isinstance(ended, str)
    assert ended.startswith('error: ')
    assert '\n' not in ended
    assert not (tmp_path / 'work').exists()


def test_an_engine_that_is_down_ends_in_the_accounting_and_how_to_go_on(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, lambda request: Failure('connection refused', transient=True))
    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, 'sleep', lambda delay: sleep(0))
    ended = run(monkeypatch, config, '--cfg-options', 'sampling.num_samples=20')
    assert isinstance(ended, str)
    assert ended.startswith('error: the engine is down: ')
    assert ' failed, ' in ended
    assert 'run the same command again' in ended


# -- wrong input


def lines(*values: object) -> str:
    return ''.join((v if isinstance(v, str) else json.dumps(v)) + '\n' for v in values)


@pytest.mark.parametrize(
    ('content', 'problem'),
    [
        (lines(QUESTION, '{"question": '), ':2: broken JSON at column 13'),
        (lines(QUESTION, {**QUESTION, 'document': None}), ':2: field "document" is missing'),
        (lines({**QUESTION, 'language': 'French'}), ':1: field "language": String should match'),
        (lines({**QUESTION, 'question': ''}), ':1: field "question": '),
        ('', ': the file holds no records'),
    ],
    ids=['broken JSON', 'missing field', 'unknown language', 'empty question', 'empty file'],
)
def test_a_bad_question_file_is_answered_with_place_and_mend(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, problem: str
) -> None:
    questions = tmp_path / 'questions.jsonl'
    questions.write_text(content)
    ended = run(monkeypatch, config)
    assert isinstance(ended, str)
    assert ended.startswith(f'error: {questions}{problem}')
    assert '\n' not in ended
    assert not (tmp_path / 'work').exists()


@pytest.mark.parametrize(
    ('option', 'problem'),
    [
        ('questions.path=/nowhere/q.jsonl', '/nowhere/q.jsonl: there is no such file'),
        ('policy.model=/nowhere/model', '/nowhere/model: there is no such model folder'),
        ('policy.modle=m', 'there is no setting policy.modle; did you mean "model"?'),
        ('sampling.num_samples=no', 'sampling.num_samples: Input should be a valid integer'),
    ],
)
def test_a_wrong_setting_is_answered_in_one_line(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, problem: str
) -> None:
    ended = run(monkeypatch, config, '--cfg-options', option)
    assert isinstance(ended, str)
    assert problem in ended
    assert '\n' not in ended
    assert not (tmp_path / 'work').exists()


def test_a_label_that_does_not_exist_is_named(tmp_path: Path) -> None:
    path = tmp_path / 'annotated.jsonl'
    sentence = {'start': 0, 'end': 1, 'label': 'wrong'}
    path.write_text(lines({'sentences': [sentence]}))
    with pytest.raises(ValueError, match=r':1: .*"sentences\.0\.label": Input should be .*"wrong"'):
        list(read_records(path, AnnotatedResponse))


def test_a_work_dir_that_is_a_file_is_answered_in_one_line(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, mixed_response)
    (tmp_path / 'file').write_text('')
    ended = run(monkeypatch, config, '--work-dir', tmp_path / 'file')
    assert isinstance(ended, str)
    assert str(tmp_path / 'file') in ended


def test_when_all_pairs_are_filtered_the_reasons_are_given(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, lambda request: FALSE)
    ended = run(monkeypatch, config)
    assert isinstance(ended, str)
    assert ended.startswith('error: all 3 questions were dropped (chosen_without_correct_sentence')
    assert len(records(tmp_path / 'work/dropped.jsonl')) == 3
