"""Runs of some of the questions: nothing is asked again, and the pairs are the same every way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.engines.settings import TransformersSettings
from maskdpo_xtuner.pipeline.merging import merge_shards
from maskdpo_xtuner.pipeline.pairing_anew import pair_anew
from maskdpo_xtuner.pipeline.run import run_pipeline
from maskdpo_xtuner.pipeline.shards import Shard
from maskdpo_xtuner.pipeline.split_files import read_subset, split_file
from maskdpo_xtuner.settings import Settings
from tests.pipeline.work_dirs import DOCUMENT, contents, mixed_response, records, settings_of
from tests.subsets.kinds import LINE
from tools.subsets import main

TRAIN = ('tin', 'lead', 'zinc', 'mars', 'venus', 'pluto')
NEAR = {'type': 'near_far', 'part': 'near', 'embedding': LINE}
HALF = {'type': 'random_halves', 'part': 'first'}


def write(path: Path, topics: tuple[str, ...]) -> dict[str, str]:
    """Write a question file with two questions on each topic, and give its settings."""
    lines = [
        {'question': f'What is {topic}, {n}?', 'document': f'{DOCUMENT} {topic}'}
        | {'question_id': f'{topic}-{n}', 'language': 'en', 'topic': topic}
        for topic in topics
        for n in range(2)
    ]
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return {'type': 'jsonl', 'path': str(path)}


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """All questions, run, with the store that others name."""
    monkeypatch.setattr(TransformersSettings, 'build', lambda self: ScriptedEngine(mixed_response))
    settings = settings_of(
        tmp_path,
        questions=1,
        sampling={'num_samples': 6, 'max_new_tokens': 50},
        evaluation={'questions': write(tmp_path / 'test.jsonl', ('iron', 'earth'))},
    )
    values = {**dict(settings), 'questions': write(tmp_path / 'train.jsonl', TRAIN)}
    settings = Settings.model_validate(values)
    run_pipeline(settings, quiet=True)
    return settings


def part(whole: Settings, name: str, subset: dict[str, Any], **changes: Any) -> Settings:
    """The settings of a subset in a work dir of its own, with the store of all."""
    store = whole.work_dir / 'completions.sqlite'
    values = {'work_dir': whole.work_dir.with_name(name), 'subset': subset, 'store': store}
    return Settings.model_validate({**dict(whole), **values, **changes})


@pytest.mark.parametrize('subset', [NEAR, HALF], ids=['near', 'half'])
def test_a_subset_is_the_same_by_the_store_by_the_answers_and_by_the_pairs(
    whole: Settings, subset: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = ScriptedEngine(lambda request: pytest.fail('something is sampled'))
    monkeypatch.setattr(TransformersSettings, 'build', lambda self: asked)
    sampled, paired = part(whole, 'sampled', subset), part(whole, 'paired', subset)
    summary = run_pipeline(sampled, quiet=True)
    assert summary.questions == 6
    assert '3 of 6 topics, 6 of 12 questions; none of 2 test topics' in summary.table()
    pair_anew(paired, whole.work_dir)
    assert contents(paired.work_dir) == contents(sampled.work_dir)
    assert 'subset.json' in contents(sampled.work_dir)
    kind, *_ = values = {key: value for key, value in subset.items() if key != 'part'}
    split_file(whole.work_dir, read_subset(values.pop(kind), values), tmp_path / 'out', whole)
    split = (tmp_path / 'out' / f'{subset["part"]}.jsonl').read_bytes()
    assert split == (sampled.work_dir / 'pairs.jsonl').read_bytes() != b''


def test_shards_of_a_subset_merge_into_its_run(whole: Settings) -> None:
    once = part(whole, 'once', NEAR)
    run_pipeline(once, quiet=True)
    sharded = part(whole, 'sharded', NEAR, store=None)
    for index in range(2):
        run_pipeline(sharded, Shard(index, 2), quiet=True)
    merge_shards(sharded, 'maskdpo sample')
    for name in ('pairs.jsonl', 'subset.json', 'settings.json', 'summary.json'):
        assert (sharded.work_dir / name).read_bytes() == (once.work_dir / name).read_bytes()


def test_the_subset_is_part_of_what_a_work_dir_is_of(whole: Settings) -> None:
    run_pipeline(part(whole, 'half', HALF), quiet=True)
    kept = json.loads((whole.work_dir.with_name('half') / 'settings.json').read_text())
    assert (kept['subset.type'], kept['subset.part']) == ('random_halves', 'first')
    with pytest.raises(ValueError, match=r'subset\.seed: 0 -> 1'):
        run_pipeline(part(whole, 'half', {**HALF, 'seed': 1}), quiet=True)
    with pytest.raises(ValueError, match=r'made from other questions'):
        pair_anew(
            part(whole, 'other', {**HALF, 'part': 'second'}), whole.work_dir.with_name('half')
        )


def test_a_topic_that_is_tested_is_refused_before_anything_is_asked(
    whole: Settings, tmp_path: Path
) -> None:
    leaky = {**HALF, 'test': write(tmp_path / 'leaky.jsonl', (' Tin.',))}
    with pytest.raises(ValueError, match=r'1 topics are also in the test set \(tin\)'):
        run_pipeline(part(whole, 'leaky', leaky), quiet=True)
    gone = {**HALF, 'test': {'type': 'jsonl', 'path': str(tmp_path / 'gone.jsonl')}}
    with pytest.raises(ValueError, match='the test set, which the topics of a subset .* no such'):
        run_pipeline(part(whole, 'gone', gone), quiet=True)
    assert not whole.work_dir.with_name('leaky').exists()


def test_a_subset_without_a_part_is_refused(whole: Settings) -> None:
    with pytest.raises(ValueError, match='part is missing'):
        part(whole, 'none', {'type': 'topics'})


def test_the_tool_splits_questions_and_pairs_without_a_config(
    whole: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / 'out'
    source = str(tmp_path / 'train.jsonl')
    options = ['--out', str(out), '--test', str(tmp_path / 'test.jsonl')]
    assert main([source, 'topics', 'steps=2', 'seed=3', *options]) == 0
    said = capsys.readouterr().out
    assert '1/2        3          6\n' in said
    assert 'none of 2 test topics is among them' in said
    assert f'{out / "1_of_2.jsonl"}: 6 lines' in said
    lines = (tmp_path / 'train.jsonl').read_text().splitlines()
    kept = (out / '1_of_2.jsonl').read_text().splitlines()
    found = [json.loads(each) for each in kept]
    assert found == [value for value in map(json.loads, lines) if value in found]
    assert main([str(whole.work_dir), 'questions_per_topic', '--out', str(tmp_path / 'pairs')]) == 0
    assert len(records(tmp_path / 'pairs' / '1.jsonl')) == 6
    with pytest.raises(ValueError, match='there is no subset of questions "topic"; did you mean'):
        main([source, 'topic', *options])
    with pytest.raises(ValueError, match='name the TYPE'):
        main([source, *options])


def test_a_pair_without_a_topic_is_named(whole: Settings, tmp_path: Path) -> None:
    pairs = records(whole.work_dir / 'pairs.jsonl')
    file = tmp_path / 'mine.jsonl'
    file.write_text(''.join(json.dumps({**each, 'topic': None}) + '\n' for each in pairs))
    with pytest.raises(ValueError, match=r'mine.jsonl:1: field "topic" is missing'):
        split_file(file, read_subset('topics', {}), tmp_path / 'out', None)
