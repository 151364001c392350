"""The stages in a work dir: what they write, what they refuse, what a second run adds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.engines.scripted import Script, ScriptedEngine
from maskdpo_xtuner.engines.settings import TransformersSettings
from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.pipeline.run import run_pipeline
from maskdpo_xtuner.records import AnnotatedResponse, Label, PreferencePair
from tests.pipeline.work_dirs import (
    FALSE,
    FILES,
    TRUE,
    contents,
    mixed_response,
    records,
    settings_of,
)

Use = Callable[[Script], ScriptedEngine]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Make a scripted engine the policy, whatever the settings name."""

    def use_script(script: Script) -> ScriptedEngine:
        engine = ScriptedEngine(script, batch_size=4)
        monkeypatch.setattr(TransformersSettings, 'build', lambda policy: engine)
        return engine

    return use_script


def scripted(*answers: str | Completion | Failure) -> Script:
    """Give these answers in the order in which they are asked for."""
    coming = iter(answers)
    return lambda request: next(coming)


def test_questions_become_pairs(tmp_path: Path, use: Use) -> None:
    use(scripted(f'{TRUE} {FALSE}', FALSE, TRUE, f'{FALSE} {TRUE}'))
    summary = run_pipeline(settings_of(tmp_path, questions=2), quiet=True)
    first, second = read_records(tmp_path / 'work/pairs.jsonl', PreferencePair)
    assert first.prompt[0].content == 'What is tin, 0?'
    assert first.chosen[0].content == f'{TRUE} {FALSE}'
    assert first.chosen_item.type == ('no_hallucination', 'hallucination')
    assert first.rejected[0].content == FALSE
    assert (second.chosen_item.score, second.rejected_item.score) == (1, 0.5)
    assert (second.chosen_item.sample_index, second.rejected_item.sample_index) == (0, 1)
    assert first.provenance is not None
    assert first.provenance['chosen_model'] == 'script'
    assert first.provenance['annotator_name'] == 'lexical'
    assert (summary.pairs, summary.missing, summary.responses) == (2, 0, 4)
    assert summary.labels == {Label.NO_HALLUCINATION: 3, Label.UNVERIFIABLE: 3}


def test_a_run_leaves_its_files_and_nothing_else(tmp_path: Path, use: Use) -> None:
    use(mixed_response)
    summary = run_pipeline(settings_of(tmp_path), quiet=True)
    written = contents(tmp_path / 'work')
    assert sorted(written) == sorted(FILES)
    assert json.loads(written['summary.json']) == summary.to_dict()
    assert len(records(tmp_path / 'work/responses.jsonl')) == 6


def test_every_sample_has_a_seed_of_its_own(tmp_path: Path, use: Use) -> None:
    engine = use(mixed_response)
    run_pipeline(settings_of(tmp_path), quiet=True)
    assert len({request.seed for call in engine.calls for request in call}) == 6


def test_a_second_run_asks_nothing_and_writes_the_same_bytes(tmp_path: Path, use: Use) -> None:
    use(mixed_response)
    run_pipeline(settings_of(tmp_path), quiet=True)
    before = contents(tmp_path / 'work')
    engine = use(mixed_response)
    summary = run_pipeline(settings_of(tmp_path), quiet=True)
    assert engine.calls == []
    assert summary.requests.stored == 6
    assert contents(tmp_path / 'work') == before


# -- failures


def fails_for(*questions: int) -> Script:
    """Run out of memory over these questions."""

    def script(request: Request) -> str | Failure:
        number = int(request.messages[0].content.rstrip('?').rpartition(' ')[2])
        return Failure('out of memory') if number in questions else mixed_response(request)

    return script


def test_failures_are_listed_and_asked_again_by_the_next_run(tmp_path: Path, use: Use) -> None:
    use(fails_for(1))
    settings = settings_of(tmp_path)
    summary = run_pipeline(settings, quiet=True)
    assert summary.missing == summary.no_answer == summary.requests.refused == 2
    assert records(tmp_path / 'work/failures.jsonl') == [
        {
            'stage': 'sampling',
            'question_id': 'q1',
            'sample_index': index,
            'span': None,
            'reason': 'out of memory',
            'final': True,
        }
        for index in (0, 1)
    ]
    assert 'out of memory: 2' in summary.table()
    engine = use(mixed_response)
    assert run_pipeline(settings, quiet=True).missing == 0
    assert {request.messages[0].content for call in engine.calls for request in call} >= {
        'What is tin, 1?'
    }
    assert records(tmp_path / 'work/failures.jsonl') == []


def test_a_question_without_any_answer_is_dropped_with_a_reason(tmp_path: Path, use: Use) -> None:
    use(fails_for(0, 2))
    summary = run_pipeline(settings_of(tmp_path, questions=4), quiet=True)
    dropped = {record['question_id']: record for record in records(tmp_path / 'work/dropped.jsonl')}
    assert dropped['q0']['reason'] == dropped['q2']['reason'] == 'fewer_than_two_scored_responses'
    assert dropped['q0']['scores'] == []
    assert summary.pairs + summary.dropped.total() == summary.questions == 4


def test_when_no_answer_came_the_reason_is_named(tmp_path: Path, use: Use) -> None:
    use(fails_for(0, 1, 2))
    with pytest.raises(
        ValueError, match=r'no answers .* 6 without an answer for good, .*memory: 6.*failures'
    ):
        run_pipeline(settings_of(tmp_path), quiet=True)
    assert len(records(tmp_path / 'work/failures.jsonl')) == 6


def test_a_failure_never_becomes_a_label(tmp_path: Path, use: Use) -> None:
    use(fails_for(1))
    summary = run_pipeline(settings_of(tmp_path), quiet=True)
    annotated = list(read_records(tmp_path / 'work/annotated.jsonl', AnnotatedResponse))
    assert {answer.question_id for answer in annotated} == {'q0', 'q2'}
    assert summary.labels.total() == sum(len(answer.sentences) for answer in annotated)


# -- blank and truncated answers


def test_a_blank_answer_has_no_sentences_and_no_score(tmp_path: Path, use: Use) -> None:
    use(scripted(TRUE, FALSE, ' \n', FALSE))
    summary = run_pipeline(settings_of(tmp_path, questions=2), quiet=True)
    (dropped,) = records(tmp_path / 'work/dropped.jsonl')
    assert dropped['reason'] == 'fewer_than_two_scored_responses'
    assert dropped['scores'] == [None, 0]
    assert (summary.blank, summary.pairs) == (1, 1)
    annotated = list(read_records(tmp_path / 'work/annotated.jsonl', AnnotatedResponse))
    assert annotated[2].text == ' \n'


def test_truncated_answers_are_counted_and_marked(tmp_path: Path, use: Use) -> None:
    use(scripted(Completion(f'{TRUE} It', 'length', 4, 9), FALSE))
    summary = run_pipeline(settings_of(tmp_path, questions=1), quiet=True)
    (pair,) = read_records(tmp_path / 'work/pairs.jsonl', PreferencePair)
    assert (pair.chosen_item.finish_reason, pair.rejected_item.finish_reason) == ('length', 'stop')
    assert summary.truncated == 1
    assert '2 (1 cut at the token limit)' in summary.table()


def test_truncated_answers_are_kept_out_of_pairs_when_asked(tmp_path: Path, use: Use) -> None:
    use(scripted(Completion(TRUE, 'length', 4, 9), FALSE))
    settings = settings_of(tmp_path, questions=1, pairs={'truncated_chosen': False})
    with pytest.raises(ValueError, match='all 1 questions were dropped'):
        run_pipeline(settings, quiet=True)


# -- what is refused


def test_when_all_questions_are_dropped_the_reasons_are_counted(tmp_path: Path, use: Use) -> None:
    use(scripted(TRUE, TRUE, FALSE, FALSE, TRUE, TRUE))
    with pytest.raises(ValueError, match='all 3 questions were dropped') as caught:
        run_pipeline(settings_of(tmp_path), quiet=True)
    reasons = 'rejected_without_hallucination: 2, chosen_without_correct_sentence: 1'
    assert reasons in str(caught.value)
    assert str(tmp_path / 'work/dropped.jsonl') in str(caught.value)
    dropped = records(tmp_path / 'work/dropped.jsonl')
    assert [record['scores'] for record in dropped] == [[1, 1], [0, 0], [1, 1]]
    assert [record['question'] for record in dropped] == [f'What is tin, {n}?' for n in range(3)]
    assert records(tmp_path / 'work/pairs.jsonl') == []


def test_a_work_dir_of_other_settings_is_refused_with_the_difference(
    tmp_path: Path, use: Use
) -> None:
    use(mixed_response)
    run_pipeline(settings_of(tmp_path), quiet=True)
    before = contents(tmp_path / 'work')
    other = settings_of(tmp_path, sampling={'num_samples': 3, 'max_new_tokens': 50, 'seed': 1})
    engine = use(mixed_response)
    with pytest.raises(ValueError, match='results of other settings') as caught:
        run_pipeline(other, quiet=True)
    assert 'sampling.num_samples: 2 -> 3; sampling.seed: 0 -> 1' in str(caught.value)
    assert 'max_new_tokens' not in str(caught.value)
    assert engine.calls == []
    assert contents(tmp_path / 'work') == before


def test_what_does_not_determine_the_results_may_change(tmp_path: Path, use: Use) -> None:
    use(mixed_response)
    run_pipeline(settings_of(tmp_path), quiet=True)
    evaluation = {'questions': {'type': 'table', 'table': 'elements', 'split': 'test'}}
    run_pipeline(settings_of(tmp_path, evaluation=evaluation), quiet=True)


def test_a_wrong_model_can_be_mended_in_the_same_work_dir(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: Use
) -> None:
    missing = settings_of(
        tmp_path, policy={'type': 'transformers', 'model': str(tmp_path / 'nowhere')}
    )
    with pytest.raises(ValueError, match='there is no such model folder'):
        run_pipeline(missing, quiet=True)
    use(mixed_response)
    assert run_pipeline(settings_of(tmp_path), quiet=True).missing == 0


def test_a_wrong_annotator_is_found_before_anything_is_sampled(tmp_path: Path, use: Use) -> None:
    engine = use(mixed_response)
    annotator = {
        'type': 'anah_v2',
        'engine': {'type': 'transformers', 'model': 'm'},
        'prompts': tmp_path / 'nowhere.json',
    }
    with pytest.raises(ValueError, match=r'nowhere\.json: there is no such file'):
        run_pipeline(settings_of(tmp_path, annotator=annotator), quiet=True)
    assert engine.calls == []


def test_it_runs_inside_an_event_loop_as_in_a_notebook(tmp_path: Path, use: Use) -> None:
    async def notebook(folder: Path) -> None:
        folder.mkdir()
        run_pipeline(settings_of(folder, questions=5), quiet=True)

    use(mixed_response)
    asyncio.run(notebook(tmp_path / 'inside'))
    (tmp_path / 'outside').mkdir()
    run_pipeline(settings_of(tmp_path / 'outside', questions=5), quiet=True)
    assert contents(tmp_path / 'inside/work') == contents(tmp_path / 'outside/work')


def test_a_work_dir_of_the_splitter_before_is_refused(tmp_path: Path, use: Use) -> None:
    use(mixed_response)
    settings = settings_of(tmp_path)
    run_pipeline(settings, quiet=True)
    path = settings.work_dir / 'settings.json'
    recorded = json.loads(path.read_text())
    del recorded['splitter.english_chinese']
    path.write_text(json.dumps(recorded))
    with pytest.raises(ValueError, match=r"\(splitter\.english_chinese: None -> '\d+'\)"):
        run_pipeline(settings, quiet=True)


def test_thoughts_at_the_start_of_a_response_are_kept_apart(tmp_path: Path, use: Use) -> None:
    use(scripted(f'<think>Is tin a metal?\nYes.</think>\n\n{TRUE}', FALSE))
    run_pipeline(settings_of(tmp_path, questions=1), quiet=True)
    thought, plain = records(tmp_path / 'work/annotated.jsonl')
    assert (thought['text'], thought['reasoning']) == (TRUE, 'Is tin a metal?\nYes.')
    assert 'reasoning' not in plain
    (pair,) = records(tmp_path / 'work/pairs.jsonl')
    assert pair['chosen'][0]['content'] == TRUE


def test_what_is_not_judged_is_counted_by_its_kind(tmp_path: Path, use: Use) -> None:
    cut = Completion(f'{TRUE} But, in', 'length', 1, 1)
    leaked = f'{TRUE}<|im_end|>\n<|im_start|>user\nAnd?'
    use(scripted(cut, FALSE, leaked, FALSE))
    summary = run_pipeline(settings_of(tmp_path, questions=2), quiet=True)
    assert summary.failures == {'cut': 1, 'leaked': 1}
    assert (summary.pairs, summary.exit_status) == (1, 0)
    assert summary.dropped == {'fewer_than_two_scored_responses': 1}
    assert 'leaked' in summary.table()
