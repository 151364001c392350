"""Questions split over independent jobs, and their files put together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from maskdpo_xtuner.annotators.settings import LexicalSettings
from maskdpo_xtuner.engines.base import Failure, Request
from maskdpo_xtuner.engines.scripted import Script, ScriptedEngine
from maskdpo_xtuner.engines.settings import TransformersSettings
from maskdpo_xtuner.pipeline.merging import merge_shards
from maskdpo_xtuner.pipeline.run import run_pipeline
from maskdpo_xtuner.pipeline.shards import Shard, shards_in
from maskdpo_xtuner.records import Question
from maskdpo_xtuner.settings import Settings
from tests.pipeline.dialogues import anah_v2, judged
from tests.pipeline.work_dirs import (
    FALSE,
    contents,
    mixed_response,
    records,
    settings_of,
    write_questions,
)

QUESTIONS = 7
COMMAND = 'python tools/sample_and_annotate.py config.py'


def use(monkeypatch: pytest.MonkeyPatch, policy: Script, judge: Script = judged) -> ScriptedEngine:
    """Answer as policy and as annotator by scripts; gives the annotator's engine."""
    engine = ScriptedEngine(judge, concurrency=4)
    monkeypatch.setattr(
        TransformersSettings, 'build', lambda self: ScriptedEngine(policy, concurrency=3)
    )
    monkeypatch.setattr(LexicalSettings, 'build', lambda self: anah_v2(engine))
    return engine


def often_failing(request: Request) -> str | Failure:
    """A policy that loses some of its samples."""
    return Failure('HTTP 400') if request.seed % 5 == 0 else mixed_response(request)


def failing_verdict(request: Request) -> str | Failure:
    """An annotator that fails about false sentences in the answers to two questions."""
    text = request.messages[0].content
    if FALSE in text and ('tin, 2?' in text or 'tin, 4?' in text):
        return Failure('HTTP 500')
    return judged(request)


@pytest.fixture
def undisturbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The files of one run over all questions, in the folder where the shards will be."""
    use(monkeypatch, often_failing, failing_verdict)
    settings = settings_of(tmp_path, QUESTIONS)
    run_pipeline(settings, quiet=True)
    written = contents(settings.work_dir)
    settings.work_dir.rename(tmp_path / 'undisturbed')
    return written


@pytest.fixture
def settings(tmp_path: Path, undisturbed: dict[str, bytes]) -> Settings:
    """Settings of a work dir in which all three shards are finished."""
    settings = settings_of(tmp_path, QUESTIONS)
    for index in (2, 0, 1):
        run_pipeline(settings, Shard(index, 3), quiet=True)
    return settings


def files(work_dir: Path) -> dict[str, bytes]:
    shutil.copytree(work_dir, work_dir.with_name('copy'), ignore=shutil.ignore_patterns('shards'))
    return contents(work_dir.with_name('copy'))


def error_of(settings: Settings) -> str:
    before = sorted(path.name for path in settings.work_dir.glob('*.jsonl'))
    with pytest.raises(ValueError, match='shard') as caught:
        merge_shards(settings, COMMAND)
    assert sorted(path.name for path in settings.work_dir.glob('*.jsonl')) == before
    return str(caught.value)


def test_merged_shards_are_byte_for_byte_one_run(
    settings: Settings, undisturbed: dict[str, bytes]
) -> None:
    summary = merge_shards(settings, COMMAND)
    assert files(settings.work_dir) == undisturbed
    stages = {record['stage'] for record in records(settings.work_dir / 'failures.jsonl')}
    assert stages == {'sampling', 'annotation'}
    assert summary.missing > 0
    assert summary.unjudged > 0
    assert summary.exit_status == 1


def test_merging_again_changes_nothing(settings: Settings, undisturbed: dict[str, bytes]) -> None:
    merge_shards(settings, COMMAND)
    merge_shards(settings, COMMAND)
    assert files(settings.work_dir) == undisturbed


@hypothesis_settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 12))
def test_every_question_is_in_one_shard(questions: int, count: int) -> None:
    question = Question(question_id='q', question='?', document='d', language='en', topic='t')
    all_questions = [question.model_copy(update={'question_id': f'q{n}'}) for n in range(questions)]
    if count > questions:
        with pytest.raises(ValueError, match=f'cannot be split into {count} shards'):
            Shard(0, count).take(all_questions)
        return
    parts = [Shard(index, count).take(all_questions) for index in range(count)]
    assert sorted(q.question_id for part in parts for q in part) == sorted(
        q.question_id for q in all_questions
    )
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize('text', ['', '3', '3/3', '8/3', '-1/3', '1/0', 'a/b', '1/3/5', ' 1/3'])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match='shard|expected i/n'):
        Shard.parse(text)
    assert Shard.parse('2/3') == Shard(2, 3)


# -- what is missing or does not fit


def test_missing_and_unfinished_shards_are_named_with_their_command(settings: Settings) -> None:
    shutil.rmtree(Shard(1, 3).folder(settings.work_dir))
    (Shard(2, 3).folder(settings.work_dir) / 'summary.json').unlink()
    assert error_of(settings).splitlines() == [
        '2 of 3 shards are missing',
        f'  1/3 was not begun: {COMMAND} --shard 1/3',
        f'  2/3 has not finished: {COMMAND} --shard 2/3',
    ]


def test_a_shard_that_is_run_again_is_unfinished_until_it_ends(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(request: Request) -> str:
        raise KeyboardInterrupt

    use(monkeypatch, stop)
    with pytest.raises(KeyboardInterrupt):
        run_pipeline(settings, Shard(0, 3), quiet=True)
    assert '0/3 has not finished' in error_of(settings)


def test_a_shard_of_other_settings_is_refused(settings: Settings, tmp_path: Path) -> None:
    shutil.rmtree(Shard(1, 3).folder(settings.work_dir))
    other = settings_of(tmp_path, QUESTIONS, sampling={'num_samples': 2, 'max_new_tokens': 9})
    run_pipeline(other, Shard(1, 3), quiet=True)
    problem = error_of(settings)
    assert str(Shard(1, 3).folder(settings.work_dir)) in problem
    assert '(sampling.max_new_tokens: 9 -> 50)' in problem


def test_shards_are_merged_with_the_settings_that_they_were_run_with(
    settings: Settings, tmp_path: Path
) -> None:
    other = settings_of(tmp_path, QUESTIONS, sampling={'num_samples': 2, 'max_new_tokens': 9})
    assert '(sampling.max_new_tokens: 50 -> 9)' in error_of(other)


def test_shards_of_a_question_file_that_has_changed_are_refused(
    settings: Settings, tmp_path: Path
) -> None:
    path = write_questions(tmp_path / 'questions.jsonl', QUESTIONS)
    path.write_text(path.read_text().replace('What is tin, 3?', 'What was tin, 3?'))
    assert 'questions.sha256' in error_of(settings)


def test_the_folder_of_another_shard_is_refused(settings: Settings) -> None:
    first, second = (Shard(index, 3).folder(settings.work_dir) for index in (0, 1))
    shutil.rmtree(second)
    shutil.copytree(first, second)
    assert "(shard: '0/3' -> '1/3')" in error_of(settings)


@pytest.mark.parametrize(
    'name', ['responses.jsonl', 'annotated.jsonl', 'pairs.jsonl', 'dropped.jsonl']
)
@pytest.mark.parametrize('change', [lambda lines: lines[1:], lambda lines: lines[:1] + lines])
def test_a_question_that_does_not_add_up_is_named(
    settings: Settings, name: str, change: Callable[[list[str]], list[str]]
) -> None:
    folder = next(
        folder
        for index in range(3)
        if (folder := Shard(index, 3).folder(settings.work_dir) / name).read_text()
    )
    lines = folder.read_text().splitlines(keepends=True)
    folder.write_text(''.join(change(lines)))
    question_id = json.loads(lines[0])['question_id']
    assert error_of(settings).startswith(f'question {question_id} of shard ')


def test_shards_of_two_splits_are_refused(settings: Settings) -> None:
    run_pipeline(settings, Shard(0, 2), quiet=True)
    with pytest.raises(ValueError, match='shards of 2 and 3; move those of one split away'):
        shards_in(settings.work_dir)


def test_without_shards_it_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='there are no shards in .*; make them with --shard i/n'):
        merge_shards(settings_of(tmp_path), COMMAND)


def test_shards_are_not_merged_over_another_experiment(settings: Settings, tmp_path: Path) -> None:
    other = settings_of(tmp_path, QUESTIONS, sampling={'num_samples': 3, 'max_new_tokens': 50})
    run_pipeline(other, quiet=True)
    before = files(settings.work_dir)
    with pytest.raises(ValueError, match=r'other settings \(sampling\.num_samples: 3 -> 2\)'):
        merge_shards(settings, COMMAND)
    assert contents(tmp_path / 'copy') == before


# -- what shards may do


def test_a_shard_without_pairs_is_finished_but_no_pairs_at_all_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, lambda request: FALSE)
    settings = settings_of(tmp_path)
    for index in range(3):
        assert run_pipeline(settings, Shard(index, 3), quiet=True).pairs == 0
    with pytest.raises(ValueError, match='all 3 questions were dropped'):
        merge_shards(settings, COMMAND)
    assert len(records(settings.work_dir / 'dropped.jsonl')) == 3


def test_shards_do_not_share_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, mixed_response)
    settings = settings_of(tmp_path, store=tmp_path / 'shared.sqlite')
    with pytest.raises(ValueError, match='cannot share the store .*store=None'):
        run_pipeline(settings, Shard(0, 3), quiet=True)


def test_with_their_completions_a_run_without_shards_asks_nothing(
    settings: Settings, undisturbed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    merge_shards(settings, COMMAND, completions=True)
    engine = use(monkeypatch, often_failing, failing_verdict)
    summary = run_pipeline(settings, quiet=True)
    refused = summary.requests.refused
    assert (summary.requests.asked, summary.requests.answered) == (refused, 0)
    assert summary.turns.answered == 0
    assert {len(request.messages) for call in engine.calls for request in call} == {1}
    assert files(settings.work_dir) == undisturbed
