"""What a run tells its user: of the server, of the store, of the work dir, of samples alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.engines.base import EngineRefusal
from maskdpo_xtuner.pipeline.run import run_pipeline
from maskdpo_xtuner.pipeline.sameness import SameAnswers
from maskdpo_xtuner.pipeline.work_dir import open_work_dir
from maskdpo_xtuner.records import Response
from maskdpo_xtuner.settings import Settings, guard_work_dir
from tests.engines.loopback import Loopback, Seen, error, http, serving
from tests.pipeline.work_dirs import FALSE, TRUE, contents, records, settings_of


def served(folder: Path, server: Loopback, **parts: Any) -> Settings:
    policy = {'type': 'openai', 'model': 'm', 'base_urls': [server.url]}
    return settings_of(folder, policy=policy, annotator={'type': 'lexical'}, **parts)


def said(seen: Seen, text: str | None = None, **message: Any) -> bytes:
    """True and false answers by turns, as the seed has it."""
    text = text or (TRUE if seen.body['seed'] % 2 else f'{TRUE} {FALSE}')
    choice = {'message': {'content': text, **message}, 'finish_reason': 'stop'}
    return http({'choices': [choice], 'usage': {'prompt_tokens': 3, 'completion_tokens': 2}})


def listing(root: str) -> bytes:
    return http({'data': [{'id': 'm', 'root': root}]})


def of_server(root: str = '', text: str | None = None) -> Any:
    return lambda seen: listing(root) if seen.method == 'GET' else said(seen, text)


def test_a_shared_store_says_whose_answers_it_gives(tmp_path: Path) -> None:
    store = tmp_path / 'store.sqlite'
    (tmp_path / 'a').mkdir()
    (tmp_path / 'b').mkdir()
    with serving(of_server('/models/a')) as server:
        run_pipeline(served(tmp_path / 'a', server, store=store), quiet=True)
    sampling = {'num_samples': 3, 'max_new_tokens': 50}
    with serving(of_server('/models/b')) as server:
        whole = run_pipeline(served(tmp_path / 'b', server, store=store), quiet=True)
        assert not server.seen, 'all was there'
        (tmp_path / 'c').mkdir()
        more = served(tmp_path / 'c', server, store=store, sampling=sampling)
        mixed = run_pipeline(more, quiet=True)
    assert f'stored by another run ({tmp_path / "a" / "work"}): 6' in whole.table()
    assert (mixed.requests.stored, mixed.requests.answered) == (6, 3)
    assert (
        'stored when the server said it serves root /models/a, which is now root /models/b '
        '(set policy.revision to tell them apart): 6'
    ) in mixed.table()


def test_a_resumed_run_says_nothing_of_others(tmp_path: Path) -> None:
    with serving(of_server('/models/a')) as server:
        run_pipeline(served(tmp_path, server), quiet=True)
        assert 'stored' not in run_pipeline(served(tmp_path, server), quiet=True).table()


def test_what_a_model_thought_is_kept_apart_and_through_a_resume(tmp_path: Path) -> None:
    with serving(lambda seen: said(seen, reasoning_content='Is it so?')) as server:
        run_pipeline(served(tmp_path, server), quiet=True)
        before = contents(tmp_path / 'work')
        run_pipeline(served(tmp_path, server), quiet=True)
    assert contents(tmp_path / 'work') == before
    for answer in records(tmp_path / 'work/responses.jsonl'):
        assert answer['reasoning'] == 'Is it so?'
        assert 'Is it so?' not in answer['text']


def test_an_answer_without_thoughts_is_written_as_ever() -> None:
    response = Response(
        question_id='q', sample_index=0, seed=1, text='Tin.', finish_reason='stop',
        prompt_tokens=3, completion_tokens=None, model='m',
    )  # fmt: skip
    assert list(json.loads(response.model_dump_json())) == [
        *('question_id', 'sample_index', 'seed', 'text', 'finish_reason', 'prompt_tokens'),
        *('completion_tokens', 'model', 'with_document'),
    ]


def test_a_server_that_refuses_all_ends_the_run_and_what_came_is_kept(tmp_path: Path) -> None:
    def script(seen: Seen) -> bytes:
        return said(seen) if len(server.asked) <= 3 else error(402, 'pay first')

    with serving(script) as server:
        with pytest.raises(EngineRefusal, match='HTTP 402: pay first'):
            run_pipeline(served(tmp_path, server), quiet=True)
        assert not (tmp_path / 'work/responses.jsonl').exists()
    with serving(said) as server:
        summary = run_pipeline(served(tmp_path, server), quiet=True)
    assert 0 < summary.requests.stored <= 3
    assert summary.missing == 0


def test_a_question_that_is_too_long_is_counted_and_the_rest_goes_on(tmp_path: Path) -> None:
    def script(seen: Seen) -> bytes:
        if seen.method == 'POST' and 'tin, 1' in seen.body['messages'][0]['content']:
            return error(400, 'longer than the maximum context length of 9 tokens')
        return said(seen)

    with serving(script) as server:
        summary = run_pipeline(served(tmp_path, server), quiet=True)
    assert (summary.missing, summary.no_answer, summary.exit_status) == (2, 2, 1)
    assert [failure['final'] for failure in records(tmp_path / 'work/failures.jsonl')] == [True] * 2
    report = summary.report(tmp_path / 'work')
    assert '2 requests have no answer and will have none' in report
    assert 'run again' not in report


def test_copies_in_place_of_samples_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        serving(lambda seen: said(seen, FALSE)) as server,
        pytest.raises(ValueError, match='all answers are the same to 3 questions, .* the seed'),
    ):
        run_pipeline(served(tmp_path, server), quiet=True)
    assert '6 requests: 6 done' in capsys.readouterr().out, 'the table is shown all the same'


def response(question: str, text: str) -> Response:
    return Response(
        question_id=question, sample_index=0, seed=1, text=text, finish_reason='stop',
        prompt_tokens=1, completion_tokens=1, model='m',
    )  # fmt: skip


@pytest.mark.parametrize(
    ('answers', 'same'),
    [('aa', 1), ('ab', 0), ('aab', 0), ('aba', 0), ('aaa', 1), ('a', 0), ('', 0)],
)
def test_only_questions_all_of_whose_answers_are_the_same_count(answers: str, same: int) -> None:
    found = SameAnswers()
    for question in ('one', 'two'):
        for text in answers:
            found.add(response(question, text))
    assert found.questions == 2 * same


# -- the folder


def test_two_runs_do_not_share_a_work_dir_though_their_stores_differ(tmp_path: Path) -> None:
    with (
        open_work_dir(settings_of(tmp_path, store=tmp_path / 'a.sqlite')),
        pytest.raises(ValueError, match='another run works in this folder'),
        open_work_dir(settings_of(tmp_path, store=tmp_path / 'b.sqlite')),
    ):
        pass
    with open_work_dir(settings_of(tmp_path, store=tmp_path / 'b.sqlite')):
        pass


@pytest.mark.parametrize('content', ['[]', '5', 'null', '{', '', '[' * 100_000, '\x00'])
def test_settings_that_are_damaged_are_said(tmp_path: Path, content: str) -> None:
    (tmp_path / 'settings.json').write_text(content)
    with pytest.raises(ValueError, match=r'settings\.json: no longer what a run wrote') as caught:
        guard_work_dir(tmp_path, {'a': 1})
    assert '\n' not in str(caught.value)


def test_other_settings_are_told_how_to_keep_what_was_paid_for(tmp_path: Path) -> None:
    guard_work_dir(tmp_path, {'a': 1})
    with pytest.raises(ValueError, match='a: 1 -> 2') as caught:
        guard_work_dir(tmp_path, {'a': 2})
    assert 'store=' not in str(caught.value)
    (tmp_path / 'completions.sqlite').touch()
    with pytest.raises(ValueError, match=f'store={tmp_path}/completions.sqlite, which answers'):
        guard_work_dir(tmp_path, {'a': 2})


def test_answers_cut_within_their_thoughts_are_counted_and_said(tmp_path: Path) -> None:
    def thinking(seen: Seen) -> bytes:
        if seen.method == 'GET':
            return http({'data': [{'id': 'm', 'owned_by': 'vllm'}]})
        message = {'content': None, 'reasoning': 'Tin is a metal. Which'}
        return http({'choices': [{'message': message, 'finish_reason': 'length'}]})

    with serving(thinking) as server:
        policy = {'type': 'openai', 'model': 'm', 'base_urls': [server.url]}
        settings = settings_of(
            tmp_path,
            policy={**policy, 'template_kwargs': {'thinking': True}},
            annotator={'type': 'lexical'},
        )
        with pytest.raises(ValueError, match='dropped .thought_cut_at_token_limit: 3'):
            run_pipeline(settings, quiet=True)
    work_dir = tmp_path / 'work'
    summary = json.loads((work_dir / 'summary.json').read_text())
    assert (summary['thoughts_cut'], summary['blank_responses']) == (6, 6)
    for response in records(work_dir / 'responses.jsonl'):
        assert (response['text'], response['reasoning']) == ('', 'Tin is a metal. Which')
        assert response['template_kwargs'] == '{"thinking": true}'
