from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from maskdpo_xtuner.annotators.settings import LexicalSettings
from maskdpo_xtuner.engines.base import Failure, Request
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.engines.settings import TransformersSettings
from maskdpo_xtuner.evaluation.judges import Judge
from maskdpo_xtuner.evaluation.perplexity import ResponseNll
from maskdpo_xtuner.evaluation.results import Evaluation
from maskdpo_xtuner.evaluation.run import evaluate
from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.pipeline.shards import Shard
from maskdpo_xtuner.records import AnnotatedResponse
from maskdpo_xtuner.settings import Settings

DOCUMENT = 'Tin is a metal with the symbol Sn. Tin was known in antiquity.'
TRUE = 'Tin is a metal with the symbol Sn.'
FALSE = 'Purple elephants invented it on Jupiter.'


def settings(folder: Path, questions: int = 4, **evaluation: object) -> Settings:
    """Settings of a work dir with a question file of as many topics."""
    path = folder / 'questions.jsonl'
    lines = [
        {'question': f'What is tin, {n}?', 'document': DOCUMENT, 'language': 'en', 'topic': f't{n}'}
        for n in range(questions)
    ]
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    source = {'type': 'jsonl', 'path': path}
    return Settings.model_validate(
        {
            'work_dir': folder / 'work',
            'questions': source,
            'sampling': {'num_samples': 9, 'max_new_tokens': 50},
            'evaluation': {
                **({} if 'sets' in evaluation else {'questions': source}),
                **{'num_runs': 2, 'text_quality': False},
                **evaluation,
            },
        }
    )


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[ScriptedEngine]:
    """Models by name: ``good`` tells the truth, ``broken`` fails, others are half right."""
    built: list[ScriptedEngine] = []

    def answer(model: str, request: Request) -> str | Failure:
        if model == 'broken':
            return Failure('out of memory')
        return TRUE if model == 'good' else f'{TRUE} {FALSE}'

    def build(policy: TransformersSettings) -> ScriptedEngine:
        model = policy.model or 'config'
        engine = ScriptedEngine(
            lambda request: answer(model, request), identity={'engine': 'test', 'model': model}
        )
        built.append(engine)
        return engine

    monkeypatch.setattr(TransformersSettings, 'build', build)
    return built


class FakeScorer:
    """Gives every answer a nat a character and remembers what it was asked."""

    def __init__(self, model: str, **options: object) -> None:
        self.model = model
        self.identity = {'model': model}
        self.context = 'nothing'
        self.scored: list[tuple[str | None, str]] = []

    def score(self, conversations: Sequence[tuple[str | None, str]]) -> list[ResponseNll]:
        self.scored += conversations
        return [ResponseNll(float(len(answer)), len(answer)) for _, answer in conversations]


@pytest.fixture
def scorers(monkeypatch: pytest.MonkeyPatch) -> list[FakeScorer]:
    """The scorers that were made, in order."""
    made: list[FakeScorer] = []

    def make(model: str, **options: object) -> FakeScorer:
        made.append(FakeScorer(model, **options))
        return made[-1]

    monkeypatch.setattr('maskdpo_xtuner.evaluation.scorers.PerplexityScorer', make)
    return made


def test_models_are_sampled_annotated_and_compared(
    tmp_path: Path, engines: list[ScriptedEngine]
) -> None:
    run = evaluate(settings(tmp_path), {'base': None, 'aligned': 'good'}, quiet=True)
    (result,) = run.sets[0].evaluation.judges
    base, aligned = result.models
    assert (base.model, aligned.model) == ('config', 'good')
    assert [m.measures['precision'].value for m in (base, aligned)] == [50, 100]
    assert run.sets[0].evaluation.verdicts['aligned'].kind == 'better'
    assert (run.sets[0].evaluation.questions, run.sets[0].evaluation.topics, len(base.runs)) == (
        4,
        4,
        2,
    )
    (answers,) = run.sets[0].responses.values()
    assert [len(responses) for responses in answers.values()] == [8, 8]
    assert run.counts['', 'base']['lexical'].requests.done == 8


def test_every_model_keeps_its_answers_in_a_folder_of_its_own(
    tmp_path: Path, engines: list[ScriptedEngine]
) -> None:
    run = evaluate(settings(tmp_path), {'base': None, 'aligned': 'good'}, quiet=True)
    (by_model,) = run.sets[0].responses.values()
    for name, answers in by_model.items():
        path = tmp_path / 'work' / 'evaluation' / name / 'annotated-lexical.jsonl'
        assert list(read_records(path, AnnotatedResponse)) == answers


def test_every_judge_labels_the_same_answers(tmp_path: Path, engines: list[ScriptedEngine]) -> None:
    judges = [{'type': 'lexical', 'min_coverage': 1.0}, {'type': 'lexical'}]
    run = evaluate(settings(tmp_path, judges=judges), {'base': None, 'a': 'good'}, quiet=True)
    assert [result.judge for result in run.sets[0].evaluation.judges] == [
        Judge(name='lexical', made_pairs=False),
        Judge(name='lexical-2', made_pairs=True),
    ]
    assert sum(len(call) for engine in engines for call in engine.calls) == 16
    folder = tmp_path / 'work' / 'evaluation' / 'base'
    default = str(LexicalSettings().min_coverage)
    for judge, coverage in (('lexical', '1.0'), ('lexical-2', default)):
        found = list(read_records(folder / f'annotated-{judge}.jsonl', AnnotatedResponse))
        assert {answer.annotator['min_coverage'] for answer in found} == {coverage}
    written = [result.annotator['min_coverage'] for result in run.sets[0].evaluation.judges]
    assert written == ['1.0', default]
    (agreement,) = run.sets[0].evaluation.agreement
    assert agreement.sentences == 24
    assert run.sets[0].evaluation.verdicts['a'].statement == (
        'a against base: better by both judges (lexical, lexical-2)'
    )


def test_the_answers_perplexity_is_measured_under_the_first_model_and_those_named(
    tmp_path: Path, engines: list[ScriptedEngine], scorers: list[FakeScorer]
) -> None:
    asked = settings(tmp_path, text_quality=True, perplexity=['gpt2'])
    run = evaluate(asked, {'base': 'some/base', 'aligned': 'good'}, quiet=True)
    assert [scorer.model for scorer in scorers] == ['some/base', 'gpt2']
    for model in run.sets[0].evaluation.judges[0].models:
        for name in ('base', 'gpt2'):
            assert model.measures[f'perplexity under {name}'].value is not None
    assert scorers[0].scored[0] == ('What is tin, 0?', f'{TRUE} {FALSE}')


def test_a_second_run_scores_nothing_again(
    tmp_path: Path, engines: list[ScriptedEngine], scorers: list[FakeScorer]
) -> None:
    asked = settings(tmp_path, text_quality=True)
    first = evaluate(asked, {'base': 'some/base'}, quiet=True)
    again = evaluate(asked, {'base': 'some/base'}, quiet=True)
    # Four questions with the same answer in both runs are four conversations.
    assert [len(scorer.scored) for scorer in scorers] == [4, 0]
    assert again.sets == first.sets


def test_evaluations_that_share_a_store_ask_and_score_a_model_once(
    tmp_path: Path, engines: list[ScriptedEngine], scorers: list[FakeScorer]
) -> None:
    alone = evaluate(settings(tmp_path, text_quality=True), {'base': 'some/base'}, quiet=True)
    shared = settings(tmp_path, text_quality=True).model_copy(
        update={'store': tmp_path / 'shared' / 'all.sqlite'}
    )
    runs = [
        evaluate(shared.model_copy(update={'work_dir': tmp_path / table}), models, quiet=True)
        for table, models in (
            ('one', {'base': 'some/base'}),
            ('two', {'base': 'some/base', 'aligned': 'good'}),
        )
    ]
    assert [sum(map(len, engine.calls)) for engine in engines] == [8, 8, 0, 8]
    assert [len(scorer.scored) for scorer in scorers] == [4, 4, 4]
    assert {answer for _, answer in scorers[-1].scored} == {TRUE}  # The aligned model's alone.
    assert runs[0].sets == alone.sets
    assert not list((tmp_path / 'two').rglob('*.sqlite'))


def test_what_a_folder_kept_before_it_shared_a_store_is_not_asked_again(
    tmp_path: Path, engines: list[ScriptedEngine], scorers: list[FakeScorer]
) -> None:
    asked = settings(tmp_path, text_quality=True)
    first = evaluate(asked, {'base': 'some/base'}, quiet=True)
    shared = asked.model_copy(update={'store': tmp_path / 'all.sqlite'})
    again = evaluate(shared, {'base': 'some/base'}, quiet=True)
    assert [sum(map(len, engine.calls)) for engine in engines] == [8, 0]
    assert [len(scorer.scored) for scorer in scorers] == [4, 0]
    assert again.sets == first.sets


def test_shards_cannot_share_a_store(tmp_path: Path, engines: list[ScriptedEngine]) -> None:
    shared = settings(tmp_path).model_copy(update={'store': tmp_path / 'all.sqlite'})
    with pytest.raises(ValueError, match=r'cannot share the store .*store=None'):
        evaluate(shared, {'base': None}, Shard(0, 2), quiet=True)
    assert engines == []


def test_without_a_model_that_can_be_loaded_here_it_is_said(
    tmp_path: Path, engines: list[ScriptedEngine], scorers: list[FakeScorer]
) -> None:
    run = evaluate(settings(tmp_path), {'base': None, 'aligned': 'good'}, quiet=True)
    assert scorers == []
    assert (
        run.sets[0].evaluation.verdicts['aligned'].statement.endswith('perplexity was not checked')
    )


def test_every_run_of_a_question_has_a_seed_of_its_own(
    tmp_path: Path, engines: list[ScriptedEngine]
) -> None:
    evaluate(settings(tmp_path), {'base': None}, quiet=True)
    requests = [request for call in engines[0].calls for request in call]
    assert len({request.seed for request in requests}) == 8
    assert {request.sampling.max_new_tokens for request in requests} == {50}


def test_the_result_is_written_and_a_second_run_asks_nothing(
    tmp_path: Path, engines: list[ScriptedEngine]
) -> None:
    first = evaluate(settings(tmp_path), {'base': None}, quiet=True)
    path = tmp_path / 'work' / 'evaluation' / 'evaluation.json'
    written = path.read_bytes()
    assert Evaluation.model_validate_json(written) == first.sets[0].evaluation
    evaluate(settings(tmp_path), {'base': None}, quiet=True)
    assert engines[1].calls == []
    assert path.read_bytes() == written


def test_another_model_and_more_runs_ask_only_for_what_is_new(
    tmp_path: Path, engines: list[ScriptedEngine]
) -> None:
    evaluate(settings(tmp_path), {'base': None}, quiet=True)
    models = {'base': None, 'aligned': 'good'}
    evaluate(settings(tmp_path, num_runs=3), models, quiet=True)
    assert [sum(map(len, engine.calls)) for engine in engines] == [8, 4, 12]


def test_answers_that_failed_are_no_result(tmp_path: Path, engines: list[ScriptedEngine]) -> None:
    with pytest.raises(
        ValueError, match=r'8 without an answer for good, .*out of memory.*bad/failures\.jsonl'
    ):
        evaluate(settings(tmp_path), {'base': None, 'bad': 'broken'}, quiet=True)
    assert not (tmp_path / 'work' / 'evaluation' / 'evaluation.json').exists()


@pytest.mark.parametrize('greedy', [{'temperature': 0}, {'top_k': 1}])
def test_several_greedy_runs_are_refused_and_one_is_not(
    tmp_path: Path, engines: list[ScriptedEngine], greedy: dict[str, int]
) -> None:
    with pytest.raises(ValueError, match='greedy decoding gives 2 equal runs'):
        evaluate(settings(tmp_path, **greedy), {'base': None}, quiet=True)
    run = evaluate(settings(tmp_path, num_runs=1, **greedy), {'base': None}, quiet=True)
    assert len(run.sets[0].evaluation.judges[0].models[0].runs) == 1


@pytest.mark.parametrize('name', ['', '../base', 'a b', '.hidden'])
def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match='the name'):
        evaluate(settings(tmp_path), {name: None}, quiet=True)


def test_a_config_without_evaluation_is_refused(tmp_path: Path) -> None:
    bare = settings(tmp_path).model_copy(update={'evaluation': None})
    with pytest.raises(ValueError, match=r'add evaluation = dict\(questions='):
        evaluate(bare, {'base': None}, quiet=True)
