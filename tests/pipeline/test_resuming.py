"""Going on in a work dir: elsewhere, after an outage, after a kill, beside other experiments."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.annotators.settings import LexicalSettings
from maskdpo_xtuner.completions import CompletionStore, EngineDown
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.engines.scripted import Script, ScriptedEngine
from maskdpo_xtuner.engines.settings import TransformersSettings
from maskdpo_xtuner.pipeline.run import run_pipeline
from maskdpo_xtuner.questions import JsonlQuestions
from maskdpo_xtuner.settings import Settings
from tests.pipeline.dialogues import anah_v2, judged
from tests.pipeline.work_dirs import contents, mixed_response, records, settings_of

Run = Callable[..., list[ScriptedEngine]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the work dir with scripted engines; gives the policy's and the annotator's."""

    def run_with(
        policy: Script = mixed_response,
        judge: Script = judged,
        *,
        settings: Settings | None = None,
        concurrency: int = 1,
        model: str = 'script',
    ) -> list[ScriptedEngine]:
        identity = {'engine': 'scripted', 'model': model}
        engines = [
            ScriptedEngine(script, concurrency=concurrency, identity=identity)
            for script in (policy, judge)
        ]
        monkeypatch.setattr(TransformersSettings, 'build', lambda self: engines[0])
        monkeypatch.setattr(LexicalSettings, 'build', lambda self: anah_v2(engines[1]))
        run_pipeline(settings or settings_of(tmp_path), quiet=True)
        return engines

    return run_with


def asked(engines: list[ScriptedEngine]) -> int:
    return sum(len(call) for engine in engines for call in engine.calls)


# -- what may change, and what may not


def test_another_concurrency_asks_nothing_and_writes_the_same(run: Run, tmp_path: Path) -> None:
    run(concurrency=1)
    before = contents(tmp_path / 'work')
    assert asked(run(concurrency=7)) == 0
    assert contents(tmp_path / 'work') == before


def test_a_question_file_may_move_but_not_change(run: Run, tmp_path: Path) -> None:
    run()
    path = tmp_path / 'questions.jsonl'
    path.rename(tmp_path / 'moved.jsonl')
    source = JsonlQuestions(path=tmp_path / 'moved.jsonl')
    moved = settings_of(tmp_path).model_copy(update={'questions': source})
    assert asked(run(settings=moved)) == 0
    source.path.write_text(source.path.read_text().replace('antiquity', 'our time'))
    with pytest.raises(ValueError, match=r'questions\.sha256: .* -> '):
        run(settings=moved)


def test_another_model_behind_the_same_settings_is_refused(run: Run, tmp_path: Path) -> None:
    run()
    before = contents(tmp_path / 'work')
    with pytest.raises(ValueError, match=r"policy\.model: 'script' -> 'tuned'") as caught:
        run(model='tuned')
    assert "annotator.engine.model: 'script' -> 'tuned'" in str(caught.value)
    assert contents(tmp_path / 'work') == before


# -- outages and kills


def down_after(answers: int, script: Script) -> Script:
    """Answer so many requests as ``script`` does, and nothing more."""
    left = iter(range(answers))

    def answer(request: Request) -> Any:
        if next(left, None) is None:
            return Failure('connection refused', transient=True)
        return script(request)

    return answer


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat failed requests at once."""
    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, 'sleep', lambda delay: sleep(0))


@pytest.fixture
def many(tmp_path: Path) -> Settings:
    return settings_of(tmp_path, questions=30)


@pytest.mark.usefixtures('no_pauses')
@pytest.mark.parametrize('stage', ['sampling', 'annotation'])
def test_when_the_engine_goes_down_the_run_stops_and_the_next_one_ends_it(
    run: Run, tmp_path: Path, many: Settings, stage: str
) -> None:
    undisturbed = run(settings=many)
    expected = contents(tmp_path / 'work')
    (tmp_path / 'work').rename(tmp_path / 'undisturbed')
    policy, left = down_after(25, mixed_response), {'settings.json', 'asked.jsonl'}
    judge: Script = judged
    if stage == 'annotation':
        policy, judge = mixed_response, down_after(25, judged)
        left |= {'responses.jsonl', 'failures.jsonl'}
    with pytest.raises(EngineDown, match=r'requests: .* pending.* run the same command') as caught:
        run(policy, judge, settings=many)
    accounting = caught.value.accounting
    assert accounting.expected == accounting.done + accounting.failed + accounting.pending
    assert accounting.answered == 25
    assert set(contents(tmp_path / 'work')) == left
    again = run(settings=many)
    assert contents(tmp_path / 'work') == expected
    answered = 25 if stage == 'sampling' else 60 + 25
    assert asked(again) == asked(undisturbed) - answered


def test_what_killed_runs_left_behind_is_removed(run: Run, tmp_path: Path) -> None:
    run()
    before = contents(tmp_path / 'work')
    for name in ('.responses.jsonl.x1.tmp', '.summary.json.y2.tmp'):
        (tmp_path / 'work' / name).write_text('half a li')
    run()
    assert contents(tmp_path / 'work') == before


def test_a_running_work_dir_is_left_alone_by_a_second_run(run: Run, tmp_path: Path) -> None:
    run()
    temporary = tmp_path / 'work' / '.responses.jsonl.x1.tmp'
    temporary.write_text('of the first run')
    with (
        CompletionStore(tmp_path / 'work' / 'completions.sqlite'),
        pytest.raises(ValueError, match='another run has the store open'),
    ):
        run()
    assert temporary.exists()


# -- one store for several experiments


def test_experiments_that_share_a_store_answer_for_each_other(run: Run, tmp_path: Path) -> None:
    shared: dict[str, Any] = {'store': tmp_path / 'shared.sqlite'}
    first = settings_of(tmp_path, **shared)
    run(settings=first)
    more = settings_of(tmp_path, **shared, sampling={'num_samples': 5, 'max_new_tokens': 50})
    policy, _ = run(settings=more.model_copy(update={'work_dir': tmp_path / 'more'}))
    assert len(policy.calls) == 3 * (5 - 2)
    assert not (tmp_path / 'work' / 'completions.sqlite').exists()
    fewer = records(tmp_path / 'work' / 'responses.jsonl')
    assert [r for r in records(tmp_path / 'more' / 'responses.jsonl') if r['sample_index'] < 2] == (
        fewer
    )


# -- failures and memory


def test_failed_verdicts_are_listed_with_their_place(run: Run, tmp_path: Path) -> None:
    def failing(request: Request) -> str | Failure:
        return Failure('HTTP 500') if 'Jupiter' in request.messages[0].content else judged(request)

    with pytest.raises(ValueError, match='all 3 questions were dropped'):
        run(judge=failing)
    failures = records(tmp_path / 'work' / 'failures.jsonl')
    annotated = records(tmp_path / 'work' / 'annotated.jsonl')
    assert failures == [
        {
            'stage': 'annotation',
            'question_id': answer['question_id'],
            'sample_index': answer['sample_index'],
            'span': [sentence['start'], sentence['end']],
            'reason': 'turn 1: HTTP 500',
            'final': True,
        }
        for answer in annotated
        for sentence in answer['sentences']
        if sentence['label'] is None
    ]
    assert failures


class Forgetful(ScriptedEngine):
    """Keeps no list of what it was asked."""

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        self.calls.clear()
        return await super().complete(requests)


def test_answers_and_failures_pass_through_and_are_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lengthy(request: Request) -> str | Failure:
        text = f'{"t" * 20_000}{request.seed}.'
        return Failure(text) if request.seed % 2 else text

    monkeypatch.setattr(TransformersSettings, 'build', lambda self: Forgetful(lengthy))
    judge = anah_v2(Forgetful(lambda request: '<No Facts>'))
    monkeypatch.setattr(LexicalSettings, 'build', lambda self: judge)

    def peak_of(questions: int) -> int:
        settings = settings_of(tmp_path, questions, work_dir=tmp_path / str(questions))
        tracemalloc.start()
        with pytest.raises(ValueError, match=f'all {questions} questions were dropped'):
            run_pipeline(settings, quiet=True)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    few, many = peak_of(150), peak_of(450)
    written = sum(len(data) for data in contents(tmp_path / '450').values())
    assert written > 450 * 2 * 20_000
    assert many < 1.2 * few
