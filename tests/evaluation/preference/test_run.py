"""Two models' responses compared by a scripted judge: outcomes, rates, resuming, exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.engines.base import Completion, Engine, Failure, Request
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.engines.settings import EngineSettings
from maskdpo_xtuner.evaluation.preference.outcomes import Outcome, Preference, outcome_of
from maskdpo_xtuner.evaluation.preference.run import PreferenceRun, compare_models
from maskdpo_xtuner.evaluation.preference.table import format_preference
from maskdpo_xtuner.evaluation_settings import EvaluationSettings, SetSettings
from maskdpo_xtuner.jsonl import read_records, write_records
from maskdpo_xtuner.preference import Ballot, Choice
from maskdpo_xtuner.preference.settings import PreferenceSettings
from maskdpo_xtuner.records import Response
from maskdpo_xtuner.settings import Settings

Script = Callable[[Request], 'str | Completion | Failure']
LONG, SHORT, GOOD, SAME = 'Tin is a soft and silvery metal.', 'A metal.', 'Good tin.', 'Tin.'
ANSWERS = {  # baseline's, the other's
    'q0': (SHORT, GOOD),
    'q1': (GOOD, SHORT),
    'q2': (LONG, SHORT),
    'q3': (SAME, SAME),
    'q4': (SHORT, 'Mute.'),
    'q5': (SHORT, LONG),
}


class Scripted(EngineSettings):
    """An engine of the test's, which the settings carry."""

    script: Any = None

    def build(self) -> Engine:
        engine: Engine = self.script
        return engine


def judge(request: Request) -> str:
    """Prefer what is good, else the first; find short and long ones alike; say nothing of Mute."""
    text = request.messages[-1].content
    first = text.partition('[First answer]\n')[2].partition('\n[End')[0]
    second = text.partition('[Second answer]\n')[2].partition('\n[End')[0]
    if 'Mute.' in (first, second):
        return 'I cannot say.'
    if GOOD in (first, second):
        return 'Not [[TIE]].\n' + ('[[FIRST]]' if first == GOOD else '[[SECOND]]')
    return '[[TIE]]' if (first, second) in ((SHORT, LONG), (LONG, LONG)) else '[[FIRST]]'


def settings_of(folder: Path, engine: ScriptedEngine, **preference: Any) -> Settings:
    questions = folder / 'questions.jsonl'
    rows = [
        {
            'question_id': name,
            'question': f'What is tin, {name}?',
            'document': 'Tin.',
            'language': 'en',
            'topic': f'topic {int(name[1:]) // 2}',
        }
        for name in ANSWERS
    ]
    questions.write_text(''.join(json.dumps(row) + '\n' for row in rows))
    for side, model in enumerate(('base', 'aligned')):
        write_records(
            folder / 'work' / 'evaluation' / model / 'responses.jsonl',
            [response(name, texts[side]) for name, texts in ANSWERS.items()],
        )
    values = {
        'work_dir': folder / 'work',
        'questions': {'type': 'jsonl', 'path': questions},
        'evaluation': {'questions': {'type': 'jsonl', 'path': questions}},
        'preference': PreferenceSettings(engine=Scripted(script=engine), **preference),
    }
    return Settings.model_validate(values)


def response(question_id: str, text: str) -> Response:
    return Response(
        question_id=question_id,
        sample_index=0,
        seed=1,
        text=text,
        finish_reason='stop',
        prompt_tokens=1,
        completion_tokens=1,
        model='m',
    )


def compare(folder: Path, script: Script = judge, **preference: Any) -> PreferenceRun:
    engine = ScriptedEngine(script, concurrency=4)
    settings = settings_of(folder, engine, **preference)
    return compare_models(settings, (None, Path('base')), (None, Path('aligned')), quiet=True)


def test_outcomes_are_of_both_orders_together(tmp_path: Path) -> None:
    run = compare(tmp_path, criteria={'help': 'x'})
    records = read_records(tmp_path / 'work' / 'preference' / 'aligned-base.jsonl', Preference)
    assert {record.question_id: record.outcome for record in records} == {
        'q0': 'win',
        'q1': 'loss',
        'q2': 'order-dependent',  # a tie in one order
        'q3': 'equal texts',
        'q4': 'unreadable',
        'q5': 'order-dependent',
    }
    (found,) = run.result.criteria
    assert found.win_rate.value == pytest.approx(100 * (1 + 0 + 0.5 * 3) / 5)
    assert found.win_rate.interval is not None
    assert found.decided.value == pytest.approx(50)
    # Of six verdicts for a place: q0 second, first; q1 first, second; q2 and q5 first, tie.
    assert found.first_place == pytest.approx(100 * 4 / 6)
    assert found.length == pytest.approx(sum(len(b) for _, b in ANSWERS.values()) / 6)
    assert (run.requests.answered, run.requests.failed, run.exit_status) == (10, 0, 0)


@pytest.mark.parametrize(
    ('first', 'second', 'outcome'),
    [
        ('second', 'first', 'win'),
        ('first', 'second', 'loss'),
        ('tie', 'tie', 'tie'),
        ('first', 'first', 'order-dependent'),
        ('tie', 'first', 'order-dependent'),
    ],
)
def test_only_verdicts_that_say_the_same_decide(
    first: Choice, second: Choice, outcome: Outcome
) -> None:
    assert outcome_of(Ballot(first), Ballot(second)) == outcome
    unreadable, failed = Ballot(None, 'unparsed: no marker'), Ballot(None, 'failed: down')
    too_long = Ballot(None, 'no_answer: too long')
    assert outcome_of(too_long, unreadable) == 'no answer'
    assert outcome_of(Ballot(first), unreadable) == 'unreadable'
    assert outcome_of(failed, unreadable) == 'failed'


def test_nothing_is_asked_twice_and_the_files_are_the_same(tmp_path: Path) -> None:
    compare(tmp_path)
    folder = tmp_path / 'work' / 'preference'
    before = {path.name: path.read_bytes() for path in folder.glob('*.json*')}

    def silent(request: Request) -> str:
        raise AssertionError('asked again')

    again = compare(tmp_path, silent)
    assert (again.requests.stored, again.requests.asked) == (20, 0)
    assert {path.name: path.read_bytes() for path in folder.glob('*.json*')} == before


def test_a_shared_store_answers_for_another_work_dir_and_has_what_this_one_kept(
    tmp_path: Path,
) -> None:
    compare(tmp_path)

    def silent(request: Request) -> str:
        raise AssertionError('asked again')

    settings = settings_of(tmp_path, ScriptedEngine(silent, concurrency=4))
    shared = settings.model_copy(update={'store': tmp_path / 'all.sqlite'})
    models = (None, Path('base')), (None, Path('aligned'))
    assert compare_models(shared, *models, quiet=True).requests.stored == 20
    (tmp_path / 'work' / 'evaluation').rename(tmp_path / 'other-evaluation')
    other = shared.model_copy(update={'work_dir': tmp_path / 'other'})
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other-evaluation').rename(tmp_path / 'other' / 'evaluation')
    assert compare_models(other, *models, quiet=True).requests.stored == 20


def test_a_run_that_is_broken_off_goes_on_to_the_same_files(tmp_path: Path) -> None:
    whole, broken = tmp_path / 'whole', tmp_path / 'broken'
    for folder in (whole, broken):
        folder.mkdir()
    compare(whole)
    asked: list[Request] = []

    def breaks_off(request: Request) -> str:
        asked.append(request)
        if len(asked) > 7:
            raise KeyboardInterrupt
        return judge(request)

    with pytest.raises(KeyboardInterrupt):
        compare(broken, breaks_off)
    assert not (broken / 'work' / 'preference' / 'aligned-base.jsonl').exists()
    again = compare(broken)
    assert again.requests.stored > 0
    for name in ('aligned-base.jsonl', 'aligned-base.json'):
        files = [folder / 'work' / 'preference' / name for folder in (whole, broken)]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_a_request_without_an_answer_is_counted_and_asked_again(tmp_path: Path) -> None:
    def fails(request: Request) -> str | Failure:
        about_q1 = 'tin, q1' in request.messages[-1].content
        return Failure('too long') if about_q1 else judge(request)

    run = compare(tmp_path, fails, criteria={'help': 'x'})
    (found,) = run.result.criteria
    assert (found.counts['no answer'], found.counts['loss'], run.exit_status) == (1, 0, 1)
    again = compare(tmp_path, criteria={'help': 'x'})
    assert again.result.criteria[0].counts['loss'] == 1
    assert (again.requests.asked, again.exit_status) == (2, 0)


def test_a_judge_of_which_nothing_can_be_read_has_no_rate_and_another_exit_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ANSWERS, 'q3', (SAME, SHORT))
    run = compare(tmp_path, lambda request: 'Hm.', retries=1)
    assert [each.counts['unreadable'] for each in run.result.criteria] == [6, 6]
    assert [each.win_rate.value for each in run.result.criteria] == [None, None]
    assert run.exit_status == 1
    assert 'helpfulness' in format_preference(run.result)


@pytest.mark.parametrize('said', ['<think>[[FIRST]]?</think>Hm.', '[[FIRST]] is not right.'])
def test_a_marker_that_is_only_thought_of_or_denied_is_no_verdict(
    tmp_path: Path, said: str
) -> None:
    run = compare(tmp_path, lambda request: said, criteria={'help': 'x'})
    assert run.result.criteria[0].counts['unreadable'] == 5


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'markers': {'first': 'A', 'second': 'A', 'tie': 'B'}}, 'A is the marker of two verdicts'),
        ({'markers': {'first': 'A', 'second': 'B'}}, 'a marker for each of first, sec'),
        ({'criteria': {}}, 'criteria'),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PreferenceSettings(engine=Scripted(), **settings)


def test_a_prompt_must_show_both_responses(tmp_path: Path) -> None:
    prompt = tmp_path / 'own.j2'
    prompt.write_text('{{ question }} {{ first }}')
    with pytest.raises(ValueError, match='own.j2: the prompt must use second'):
        PreferenceSettings(engine=Scripted(), prompt=prompt)
    with pytest.raises(ValueError, match='no.j2: there is no such file; correct preference.promp'):
        PreferenceSettings(engine=Scripted(), prompt=tmp_path / 'no.j2')


def test_responses_that_do_not_stand_side_by_side_are_refused(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, ScriptedEngine(judge))
    base = (None, Path('base'))
    with pytest.raises(ValueError, match='there are no responses of other in .*; run `maskdpo ev'):
        compare_models(settings, base, (None, Path('other')))
    with pytest.raises(ValueError, match='both models are named base'):
        compare_models(settings, base, base)
    file = tmp_path / 'few.jsonl'
    write_records(file, [response('q0', SHORT).model_copy(update={'sample_index': 1})])
    with pytest.raises(ValueError, match='base and few have answered no question both'):
        compare_models(settings, base, ('few', file))
    write_records(file, [response('q9', SHORT)])
    with pytest.raises(ValueError, match='the question q9 is not among those of the config'):
        compare_models(settings, ('a', file), ('b', file))


def test_a_response_without_one_beside_it_is_left_out_and_ends_in_exit_status_1(
    tmp_path: Path,
) -> None:
    settings = settings_of(tmp_path, ScriptedEngine(judge))
    file = tmp_path / 'few.jsonl'
    write_records(file, [response('q0', GOOD), response('q1', SHORT)])
    run = compare_models(settings, (None, Path('base')), ('few', file), quiet=True)
    counts = run.result.criteria[0].counts
    assert (counts['win'], counts['loss'], sum(counts.values())) == (1, 1, 2)
    assert (run.result.left_out, run.exit_status) == (4, 1)
    assert [said.split(':')[0] for said in run.shortfalls] == ['4 responses are left out']


@pytest.mark.parametrize(('mute', 'status'), [(1, 0), (2, 1)])
def test_a_fifth_of_the_pairs_without_a_verdict_ends_in_exit_status_1(
    tmp_path: Path, mute: int, status: int
) -> None:
    files = {}
    for name in ('a', 'b'):
        said = ['Mute.'] * mute if name == 'b' else []
        texts = [*said, *[name] * (6 - len(said))]
        files[name] = tmp_path / f'{name}.jsonl'
        write_records(files[name], [response(f'q{n}', text) for n, text in enumerate(texts)])
    settings = settings_of(tmp_path, ScriptedEngine(judge), criteria={'help': 'x'})
    run = compare_models(settings, ('a', files['a']), ('b', files['b']), quiet=True)
    assert run.exit_status == status
    assert run.shortfalls == [
        *['help: 33% of the pairs have no verdict: too few were judged for numbers to be trusted'][
            :status
        ]
    ]


def test_a_config_without_a_judge_is_refused(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, ScriptedEngine(judge))
    settings = settings.model_copy(update={'preference': None})
    with pytest.raises(ValueError, match=r'add preference = dict\(engine=dict'):
        compare_models(settings, (None, Path('base')), (None, Path('aligned')))


def test_a_set_has_its_own_questions_and_folder(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, ScriptedEngine(judge))
    assert settings.evaluation is not None
    questions = settings.evaluation.questions
    assert questions is not None
    sets = (SetSettings(name='metals', questions=questions),)
    settings = settings.model_copy(update={'evaluation': EvaluationSettings(sets=sets)})
    evaluated = settings.work_dir / 'evaluation'
    (evaluated / 'metals').mkdir()
    for name in ('base', 'aligned'):
        (evaluated / name).rename(evaluated / 'metals' / name)
    models = (None, Path('base')), (None, Path('aligned'))
    run = compare_models(settings, *models, 'metals', quiet=True)
    assert run.result.criteria[0].counts['win'] == 1
    assert (settings.work_dir / 'preference' / 'metals' / 'aligned-base.json').is_file()
    with pytest.raises(ValueError, match="the config has no set ''; name one by --set: metals"):
        compare_models(settings, *models)
