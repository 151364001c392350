"""Sets, judges of some of them, models as people have them, shards: run on scripted engines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.annotators.settings import LexicalSettings
from maskdpo_xtuner.engines.base import Failure, Request
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.engines.settings import OpenAISettings, TransformersSettings
from maskdpo_xtuner.evaluation.planning import plan
from maskdpo_xtuner.evaluation.results import read_evaluations
from maskdpo_xtuner.evaluation.run import evaluate
from maskdpo_xtuner.evaluation_settings import EvaluationSettings
from maskdpo_xtuner.pipeline.shards import Shard
from maskdpo_xtuner.records import PairItem, PreferencePair
from maskdpo_xtuner.settings import Settings
from tests.evaluation.test_run import DOCUMENT, FALSE, TRUE, FakeScorer, engines, scorers, settings
from tests.tools.test_evaluate import FailingAnnotator

__all__ = ['engines', 'scorers']  # fixtures


def question_file(folder: Path, name: str, count: int) -> dict[str, str]:
    lines = [
        {
            'question': f'What is tin, {name} {n}?',
            'document': DOCUMENT,
            'language': 'en',
            'topic': f'{name}{n}',
        }
        for n in range(count)
    ]
    path = folder / f'{name}.jsonl'
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return {'type': 'jsonl', 'path': str(path)}


def two_sets(folder: Path, **evaluation: Any) -> Settings:
    """Settings with the sets ``near`` (4 questions, 2 runs) and ``far`` (3 questions, greedy)."""
    near = {'name': 'near', 'questions': question_file(folder, 'near', 4)}
    far = {
        'name': 'far',
        'questions': question_file(folder, 'far', 3),
        **{'k': 8, 'num_runs': 1, 'top_k': 1, 'max_new_tokens': 20},
    }
    judges = [{'type': 'lexical', 'min_coverage': 1.0}, {'type': 'lexical', 'sets': ['near']}]
    return settings(folder, **{'sets': [near, far], 'judges': judges, **evaluation})


def files(root: Path) -> dict[str, bytes]:
    """All files of an evaluation, without the store."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob('*'))
        if path.is_file() and 'sqlite' not in path.name
    }


# -- sets and judges


def test_models_are_measured_on_every_set_by_the_judges_of_that_set(
    tmp_path: Path, engines: list[ScriptedEngine]
) -> None:
    run = evaluate(two_sets(tmp_path), {'base': None, 'aligned': 'good'}, quiet=True)
    near, far = (each.evaluation for each in run.sets)
    assert [(e.name, e.questions, e.k, e.num_runs) for e in (near, far)] == [
        *(('near', 4, 32, 2), ('far', 3, 8, 1)),
    ]
    assert [[r.judge.name for r in e.judges] for e in (near, far)] == [
        *(['lexical', 'lexical-2'], ['lexical']),
    ]
    assert near.verdicts['aligned'].kind == far.verdicts['aligned'].kind == 'better'
    assert run.exit_status == 0


def test_a_set_is_sampled_as_it_says_and_each_answer_once(
    tmp_path: Path, engines: list[ScriptedEngine]
) -> None:
    evaluate(two_sets(tmp_path), {'base': None}, quiet=True)
    (engine,) = engines
    requests = [request for call in engine.calls for request in call]
    asked = [(r.sampling.top_k, r.sampling.max_new_tokens) for r in requests]
    assert asked == [(40, 50)] * 8 + [(1, 20)] * 3
    assert all(len(request.messages) == 1 for request in requests)
    assert not any(DOCUMENT in request.messages[0].content for request in requests)


def test_results_lie_in_a_folder_for_each_set_and_say_what_made_them(
    tmp_path: Path, engines: list[ScriptedEngine]
) -> None:
    run = evaluate(two_sets(tmp_path), {'base': None, 'aligned': 'good'}, quiet=True)
    root = tmp_path / 'work' / 'evaluation'
    far, near = read_evaluations(tmp_path / 'work')
    assert [near, far] == [each.evaluation for each in run.sets]
    assert (root / 'far' / 'aligned' / 'annotated-lexical.jsonl').is_file()
    assert (root / 'evaluation.csv').is_file()
    assert (root / 'evaluation.tex').read_text().count('multicolumn') == 3
    written = json.loads((root / 'far' / 'evaluation.json').read_text())
    assert written['sampling'] == {
        **{'temperature': 0.8, 'top_k': 1, 'top_p': 1.0, 'max_new_tokens': 20}
    }
    assert (written['k'], len(written['questions_sha256'])) == (8, 64)
    (judge,) = written['judges']
    assert judge['annotator']['min_coverage'] == '1.0'
    (training,) = judge['models'][1]['trainings']
    assert training == {
        'key': 'aligned',
        'model': 'good',
        'identity': {'engine': 'test', 'model': 'good'},
    }


def test_the_only_set_without_a_name_has_the_files_of_a_named_one(
    tmp_path: Path, engines: list[ScriptedEngine]
) -> None:
    asked = settings(tmp_path)
    evaluate(asked, {'base': None}, quiet=True)
    assert asked.evaluation is not None
    named = {'name': 'tin', 'questions': asked.evaluation.questions}
    other = settings(tmp_path, sets=[named]).model_copy(update={'work_dir': tmp_path / 'named'})
    evaluate(other, {'base': None}, quiet=True)
    for name in ('responses.jsonl', 'annotated-lexical.jsonl', 'failures.jsonl'):
        short = tmp_path / 'work' / 'evaluation' / 'base' / name
        assert short.read_bytes() == (tmp_path / 'named/evaluation/tin/base' / name).read_bytes()


def test_a_set_without_questions_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('maskdpo_xtuner.questions.JsonlQuestions.load', lambda self: [])
    with pytest.raises(ValueError, match='the set near has no questions'):
        plan(two_sets(tmp_path))


@pytest.mark.parametrize(
    ('changes', 'problem'),
    [
        ({'sets': []}, 'either questions = .* or sets = '),
        ({'sets': 'both'}, 'either questions = .* or sets = '),
        ({'sets': 'twice'}, "the name 'near' is given to more than one set"),
        ({'sets': 'shards'}, "the name 'shards' is that of a folder of ours"),
    ],
)
def test_sets_that_cannot_be_are_refused(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    near = {'name': 'near', 'questions': question_file(tmp_path, 'near', 4)}
    meant: dict[Any, dict[str, Any]] = {
        'both': {'sets': [near], 'questions': near['questions']},
        'twice': {'sets': [near, near]},
        'shards': {'sets': [{**near, 'name': 'shards'}]},
    }
    given = changes if changes['sets'] == [] else meant[changes['sets']]
    with pytest.raises(ValueError, match=problem):
        EvaluationSettings.model_validate(given)


# -- models


def test_a_second_name_without_a_path_is_refused_and_not_the_base_again(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='base and aligned are both without a path.*aligned=PATH'):
        plan(settings(tmp_path), {'base': None, 'aligned': None})


def test_models_of_the_config_are_the_default_and_can_be_picked(tmp_path: Path) -> None:
    served = {'type': 'openai', 'model': 'm', 'base_urls': ['http://localhost:1']}
    models = {'base': 'some/base', 'served': served, 'runs': ['f1', 'f2']}
    asked = settings(tmp_path, models=models)
    found = plan(asked).models
    assert list(found) == ['base', 'served', 'runs']
    assert isinstance(found['served']['served'], OpenAISettings)
    assert {key: engine.model for key, engine in found['runs'].items()} == {
        **{'runs': 'f1', 'runs/training-2': 'f2'}
    }
    picked = plan(asked, {'served': None, 'base': 'other'}).models
    assert picked['served'] == found['served']
    assert picked['base']['base'].model == 'other'


def test_each_served_model_has_its_own_endpoint_and_template(tmp_path: Path) -> None:
    def served(port: int) -> dict[str, Any]:
        extra = {'chat_template_kwargs': {'enable_thinking': port == 2}}
        url = [f'http://localhost:{port}']
        return {'type': 'openai', 'model': 'm', 'base_urls': url, 'extra_body': extra}

    asked = settings(tmp_path, models={'one': served(1), 'two': served(2)})
    one, two = plan(asked).engines.values()
    assert isinstance(one, OpenAISettings)
    assert isinstance(two, OpenAISettings)
    assert (one.base_urls, two.base_urls) == (['http://localhost:1'], ['http://localhost:2'])
    assert one.build().identity['extra_body'] != two.build().identity['extra_body']


def test_a_model_with_a_setting_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'evaluation\.models\.a\.base_url'):
        settings(tmp_path, models={'a': {'type': 'openai', 'model': 'm', 'base_url': 'x'}})
    with pytest.raises(ValueError, match='type is missing'):
        settings(tmp_path, models={'a': {'model': 'm'}})


def test_the_revision_of_the_policy_is_not_that_of_another_model(tmp_path: Path) -> None:
    policy = TransformersSettings(model='some/base', revision='r')
    asked = settings(tmp_path).model_copy(update={'policy': policy})
    base, other = plan(asked, {'base': None, 'other': 'some/other'}).engines.values()
    assert isinstance(base, TransformersSettings)
    assert isinstance(other, TransformersSettings)
    assert (base.revision, other.revision) == ('r', None)


def test_trainings_are_one_row_and_greedy_runs_of_each_are_one(
    tmp_path: Path, engines: list[ScriptedEngine]
) -> None:
    asked = settings(tmp_path, num_runs=1, top_k=1)
    run = evaluate(asked, {'base': None, 'maskdpo': ['good', 'half']}, quiet=True)
    _, model = run.sets[0].evaluation.judges[0].models
    assert model.measures['precision'].value == 75
    assert model.measures['precision'].trainings == (100, 50)
    assert (tmp_path / 'work/evaluation/maskdpo/training-2/annotated-lexical.jsonl').is_file()
    assert list(run.sets[0].responses.values())[0].keys() == {
        *('base', 'maskdpo', 'maskdpo/training-2')
    }


def test_another_training_asks_only_for_its_own_answers(
    tmp_path: Path, engines: list[ScriptedEngine]
) -> None:
    asked = settings(tmp_path, num_runs=1)
    evaluate(asked, {'maskdpo': 'good'}, quiet=True)
    evaluate(asked, {'maskdpo': ['good', 'half']}, quiet=True)
    assert [sum(map(len, engine.calls)) for engine in engines] == [4, 0, 4]


def test_a_training_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='maskdpo: the training f1 stands twice'):
        plan(settings(tmp_path), {'maskdpo': ['f1', 'f2', 'f1']})


# -- what was trained on


def write_pairs(path: Path, prompts: Sequence[str], topics: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    item = PairItem(sents=('x',), type=('hallucination',))
    lines = [
        PreferencePair.model_validate(
            {
                'prompt': [{'role': 'user', 'content': prompt}],
                'chosen': [{'role': 'assistant', 'content': 'x'}],
                'rejected': [{'role': 'assistant', 'content': 'x'}],
                'chosen_item': item.model_dump(),
                'rejected_item': item.model_dump(),
                'topic': topic,
            }
        ).model_dump_json()
        for prompt, topic in zip(prompts, topics, strict=True)
    ]
    path.write_text('\n'.join(lines) + '\n')


def test_questions_that_were_trained_on_are_noticed_and_said(
    tmp_path: Path, engines: list[ScriptedEngine]
) -> None:
    pairs = tmp_path / 'work' / 'pairs.jsonl'
    write_pairs(pairs, ['What is  TIN, 1?', 'What is lead?'], ['t2', 't9'])
    run = evaluate(settings(tmp_path), {'base': None}, quiet=True)
    found = run.sets[0].evaluation.trained_on
    assert found is not None
    assert (found.file, found.questions, found.topics) == (str(pairs), 1, 1)
    assert run.exit_status == 0


def test_pairs_that_are_named_and_not_there_are_refused_before_anything_is_asked(
    tmp_path: Path,
) -> None:
    with pytest.raises(ValueError, match=r'evaluation\.pairs: .*gone\.jsonl'):
        plan(settings(tmp_path, pairs=tmp_path / 'gone.jsonl'))


# -- what goes wrong


def use(monkeypatch: pytest.MonkeyPatch, script: Any) -> None:
    monkeypatch.setattr(TransformersSettings, 'build', lambda self: ScriptedEngine(script))


def test_a_question_that_can_never_be_answered_is_counted_and_the_rest_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(request: Request) -> str | Failure:
        if 'tin, 2?' in request.messages[0].content:
            return Failure('too long')
        return f'{TRUE} {FALSE}'

    use(monkeypatch, script)
    run = evaluate(settings(tmp_path), {'base': None}, quiet=True)
    evaluation = run.sets[0].evaluation
    (short,) = evaluation.shortfalls
    assert (short.kind, short.count, short.of) == ('no answer', 2, 8)
    (base,) = evaluation.judges[0].models
    assert (base.measures['precision'].value, base.measures['no_answer'].value) == (50, 25)
    assert base.means['answers'] == 3
    assert run.exit_status == 1


def test_a_model_that_lost_many_questions_is_not_called_better(
    tmp_path: Path, engines: list[ScriptedEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(policy: TransformersSettings) -> ScriptedEngine:
        def script(request: Request) -> str | Failure:
            if policy.model and 'tin, 2?' in request.messages[0].content:
                return Failure('too long')
            return TRUE if policy.model else f'{TRUE} {FALSE}'

        return ScriptedEngine(script)

    monkeypatch.setattr(TransformersSettings, 'build', build)
    run = evaluate(settings(tmp_path), {'base': None, 'aligned': 'x'}, quiet=True)
    said = run.sets[0].evaluation.verdicts['aligned']
    assert (said.kind, said.label) == ('unknown', 'unknown (25 % of questions without an answer)')


def test_a_judge_that_never_answers_ends_in_a_named_outcome(
    tmp_path: Path, engines: list[ScriptedEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ScriptedEngine(lambda request: Failure('HTTP 400'))
    monkeypatch.setattr(LexicalSettings, 'build', lambda self: (FailingAnnotator(), engine))
    run = evaluate(settings(tmp_path), {'base': None}, quiet=True)
    kinds = [short.kind for short in run.sets[0].evaluation.shortfalls]
    assert kinds == ['failed verdicts', 'silent judge']
    assert run.sets[0].evaluation.judges[0].models[0].measures['precision'].value is None
    assert run.exit_status == 1


# -- interruptions and shards


def test_killed_at_any_request_it_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scorers: list[FakeScorer]
) -> None:
    models = {'base': None, 'aligned': 'good'}
    use(monkeypatch, lambda request: f'{TRUE} {FALSE}')
    asked = two_sets(tmp_path, text_quality=True)
    evaluate(asked, models, quiet=True)
    expected = files(tmp_path / 'work' / 'evaluation')
    (tmp_path / 'work').rename(tmp_path / 'undisturbed')
    left = 3

    def interrupted(request: Request) -> str:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return f'{TRUE} {FALSE}'

    use(monkeypatch, interrupted)
    times = 0
    while left < 0 or times == 0:
        left, times = 3, times + 1
        try:
            evaluate(asked, models, quiet=True)
        except KeyboardInterrupt:
            continue
    assert times > 3
    assert files(tmp_path / 'work' / 'evaluation') == expected


def test_shards_are_taken_over_by_a_run_over_all_which_asks_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scorers: list[FakeScorer]
) -> None:
    use(monkeypatch, lambda request: f'{TRUE} {FALSE} {request.seed}')
    models = {'base': None, 'aligned': ['good', 'half']}
    asked = two_sets(tmp_path, text_quality=True)
    evaluate(asked, models, quiet=True)
    expected = files(tmp_path / 'work' / 'evaluation')
    (tmp_path / 'work').rename(tmp_path / 'undisturbed')
    for index in (1, 0):
        run = evaluate(asked, models, Shard(index, 2), quiet=True)
        assert (run.sets, run.exit_status) == ((), 0)

    def refuse(request: Request) -> str:
        raise AssertionError('everything was asked by the shards')

    use(monkeypatch, refuse)
    scored = sum(len(scorer.scored) for scorer in scorers)
    evaluate(asked, models, quiet=True)
    assert sum(len(scorer.scored) for scorer in scorers) == scored
    found = files(tmp_path / 'work' / 'evaluation')
    whole = {k: v for k, v in found.items() if not k.startswith('shards/')}
    assert whole == expected
