"""Rules that make several pairs of a question: their files, resuming, shards, counts."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.engines.scripted import Script, ScriptedEngine
from maskdpo_xtuner.engines.settings import TransformersSettings
from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.pairing import PairRules, make_pairs
from maskdpo_xtuner.pipeline.merging import merge_shards
from maskdpo_xtuner.pipeline.run import run_pipeline
from maskdpo_xtuner.pipeline.shards import Shard
from maskdpo_xtuner.pipeline.summary import Summary
from maskdpo_xtuner.records import PreferencePair
from maskdpo_xtuner.settings import Settings
from tests.pairing.responses import QUESTION, responses_of
from tests.pipeline.work_dirs import FALSE, TRUE, contents, mixed_response, records, settings_of

QUESTIONS = 7
RULES: list[dict[str, Any]] = [
    {'rule': 'all'},
    {'rule': 'all', 'max_pairs': 2, 'ties': 'most_facts'},
    {'rule': 'top_bottom', 'top_bottom': 2, 'no_facts': 'ignored', 'max_length_ratio': 3},
]


def use(monkeypatch: pytest.MonkeyPatch, policy: Script) -> None:
    monkeypatch.setattr(TransformersSettings, 'build', lambda self: ScriptedEngine(policy))


def settings_with(folder: Path, rules: dict[str, Any]) -> Settings:
    return settings_of(
        folder, QUESTIONS, sampling={'num_samples': 5, 'max_new_tokens': 50}, pairs=rules
    )


def pairs_of(work_dir: Path) -> list[PreferencePair]:
    return list(read_records(work_dir / 'pairs.jsonl', PreferencePair))


@pytest.mark.parametrize('rules', RULES)
def test_shards_and_a_second_run_give_the_bytes_of_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rules: dict[str, Any]
) -> None:
    use(monkeypatch, mixed_response)
    settings = settings_with(tmp_path, rules)
    summary = run_pipeline(settings, quiet=True)
    assert summary.pairs > summary.paired_questions
    whole = contents(settings.work_dir)
    run_pipeline(settings, quiet=True)
    assert contents(settings.work_dir) == whole
    settings.work_dir.rename(tmp_path / 'whole')
    for index in (2, 0, 1):
        run_pipeline(settings, Shard(index, 3), quiet=True)
    merge_shards(settings, 'python tools/sample_and_annotate.py config.py')
    merged = {path.name: path.read_bytes() for path in settings.work_dir.glob('*.json*')}
    assert merged == whole


def test_pairs_stand_by_question_and_within_it_by_margin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, mixed_response)
    settings = settings_with(tmp_path, RULES[0])
    run_pipeline(settings, quiet=True)
    made = pairs_of(settings.work_dir)
    paired = [question_id for question_id, _ in groupby(made, key=lambda pair: pair.question_id)]
    dropped = {record['question_id'] for record in records(settings.work_dir / 'dropped.jsonl')}
    assert paired == [f'q{n}' for n in range(QUESTIONS) if f'q{n}' not in dropped]
    for _, group in groupby(made, key=lambda pair: pair.question_id):
        items = [(pair.chosen_item.score or 0, pair.rejected_item.score or 0) for pair in group]
        margins = [chosen - rejected for chosen, rejected in items]
        assert margins == sorted(margins, reverse=True)


@pytest.mark.parametrize('change', ['less', 'more'])
def test_a_shard_that_lost_or_doubled_a_pair_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    use(monkeypatch, mixed_response)
    settings = settings_with(tmp_path, RULES[0])
    for index in range(2):
        run_pipeline(settings, Shard(index, 2), quiet=True)
    path = Shard(1, 2).folder(settings.work_dir) / 'pairs.jsonl'
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(''.join(lines[1:] if change == 'less' else lines[:1] + lines))
    found = len(lines) + (-1 if change == 'less' else 1)
    with pytest.raises(ValueError, match=f'shard 1/2 has {found} pairs and made {len(lines)}'):
        merge_shards(settings, 'python tools/sample_and_annotate.py config.py')
    assert not (settings.work_dir / 'pairs.jsonl').exists()


# -- what the summary says


def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **rules: Any) -> Summary:
    said = iter([TRUE, FALSE, 'I do not know.', FALSE, 'Hello there!', FALSE, FALSE, FALSE])
    use(monkeypatch, lambda request: next(said))
    return run_pipeline(settings_of(tmp_path, 4, pairs=rules), quiet=True)


def test_the_summary_counts_refusals_and_answers_without_a_supported_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = counted(tmp_path, monkeypatch)
    assert (summary.pairs, summary.refusals, summary.unsupported) == (3, 1, 2)
    values = summary.to_dict()
    assert (values['pairs'], values['paired_questions']) == (3, 3)
    assert values['chosen_refusals'] == 1
    assert values['chosen_without_supported_sentence'] == 2
    rows = dict(line.strip().split('  ', 1) for line in summary.table().splitlines())
    rows = {name: value.strip() for name, value in rows.items()}
    assert rows['pairs'] == '3, from 3 of 4 questions'
    assert rows['chosen: refusals'] == '1'
    assert rows['chosen: nothing supported'] == '2'


def test_refusals_in_a_language_without_a_list_are_not_known() -> None:
    summary = Summary(questions=1, samples=2)
    german = QUESTION.model_copy(update={'language': 'de'})
    made = make_pairs(german, responses_of('+', '-'), PairRules())
    assert not isinstance(made, str)
    summary.count_pair(made[0])
    assert (summary.refusals, summary.refusals_unknown) == (0, 1)
    assert summary.to_dict()['chosen_refusals_unknown'] == 1
    assert '0 (1 not known, ' in summary.table()


def test_with_no_facts_ignored_neither_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = counted(tmp_path, monkeypatch, no_facts='ignored')
    assert (summary.pairs, summary.refusals, summary.unsupported) == (1, 0, 0)
    dropped = records(tmp_path / 'work' / 'dropped.jsonl')
    assert [record['scores'] for record in dropped] == [[None, 0], [None, 0], [0, 0]]
