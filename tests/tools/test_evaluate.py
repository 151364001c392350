from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from maskdpo_xtuner.annotators.base import SentenceAnnotator
from maskdpo_xtuner.annotators.settings import LexicalSettings
from maskdpo_xtuner.command_line import run_tool
from maskdpo_xtuner.engines.base import Completion, Failure, Request, Sampling
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.records import Message, Question, Sentence
from tests.evaluation.test_run import engines, settings
from tests.reports.pages import assert_self_contained, parse_page
from tools.evaluate import main, named_model

__all__ = ['engines']  # a fixture


@pytest.fixture
def config(tmp_path: Path) -> Path:
    values = settings(tmp_path).model_dump(mode='json')
    path = tmp_path / 'config.py'
    path.write_text(''.join(f'{key} = {value!r}\n' for key, value in values.items()))
    return path


def error_of(*argv: object) -> str:
    with pytest.raises(SystemExit) as caught:
        run_tool(lambda: main([*map(str, argv), '--quiet']))
    assert isinstance(caught.value.code, str)
    return caught.value.code


@pytest.mark.usefixtures('engines')
def test_the_table_has_every_model_and_the_statement(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(config), '--quiet', '--models', 'base', 'aligned=good']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('base: 8 requests: 8 done, 0 failed')
    assert lines[-1].startswith(
        'aligned against base, judged by lexical: better; '
        'precision 50.0 % -> 100.0 % (+50.0 [+50.0, +50.0])'
    )
    written = json.loads((config.parent / 'work' / 'evaluation' / 'evaluation.json').read_text())
    assert written['verdicts']['aligned']['statement'] == lines[-1]


@pytest.mark.usefixtures('engines')
def test_the_page_has_the_models_and_the_curves(config: Path, tmp_path: Path) -> None:
    scalars = tmp_path / 'train' / '20240101_000000' / 'vis_data' / 'scalars.json'
    scalars.parent.mkdir(parents=True)
    scalars.write_text(json.dumps({'loss': 0.69, 'step': 1}) + '\n')
    page = tmp_path / 'page.html'
    argv = ['--models', 'base', 'aligned=good', '--page', page, '--training', tmp_path / 'train']
    assert main([str(config), '--quiet', *map(str, argv)]) == 0
    text = page.read_text(encoding='utf-8')
    assert_self_contained(text)
    # The loss; the best of N has no curve of two runs.
    assert len(parse_page(text).find('polyline')) == 1
    assert parse_page(text).find('h1')[0].text == 'Factuality of base and aligned'


class FailingAnnotator(SentenceAnnotator):
    """Asks a model about every sentence, and gets no answer."""

    identity = {'name': 'failing'}

    def judge(
        self, question: Question, text: str, span: tuple[int, int]
    ) -> Generator[Request, Completion | Failure, Sentence]:
        prompt = Message(role='user', content=text[span[0] : span[1]])
        outcome = yield Request((prompt,), Sampling(max_new_tokens=1), seed=1)
        assert isinstance(outcome, Failure)
        return Sentence(start=span[0], end=span[1], failure=f'failed: {outcome.reason}')


@pytest.mark.usefixtures('engines', 'without_waiting')
def test_an_annotator_that_fails_is_shown_and_ends_in_a_non_zero_status(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = ScriptedEngine(lambda request: Failure('down', transient=True))
    monkeypatch.setattr(LexicalSettings, 'build', lambda self: (FailingAnnotator(), engine))
    assert main([str(config), '--quiet']) == 1
    out = capsys.readouterr().out
    assert 'requests to annotators failed' in out
    (row,) = [line for line in out.splitlines() if line.split()[:2] == ['base', '0.0']]
    assert row.split() == ['base', '0.0', '0.0', '-', '-', '-']


@pytest.mark.usefixtures('engines')
def test_options_replace_settings(config: Path, tmp_path: Path) -> None:
    folder = tmp_path / 'other'
    argv = [str(config), '--quiet', '--work-dir', str(folder)]
    assert main([*argv, '--cfg-options', 'evaluation.num_runs=3']) == 0
    written = json.loads((folder / 'evaluation' / 'evaluation.json').read_text())
    assert len(written['judges'][0]['models'][0]['runs']) == 3


def test_wrong_input_is_named(config: Path, tmp_path: Path) -> None:
    missing = tmp_path / 'nowhere'
    assert str(missing) in error_of(missing)
    assert str(missing) in error_of(config, '--models', f'base={missing}')
    assert str(missing) in error_of(config, '--training', missing)
    assert 'stands twice' in error_of(config, '--models', 'base', 'base=x')
    (tmp_path / 'questions.jsonl').write_text('')
    assert 'the file holds no records' in error_of(config)


def test_a_model_is_a_name_with_or_without_a_path() -> None:
    assert named_model('base') == ('base', None)
    assert named_model('aligned=a=b/c') == ('aligned', ('a=b/c',))
    assert named_model('aligned=a,b') == ('aligned', ('a', 'b'))


def test_a_model_without_its_path_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match='2'):
        main(['--models', 'aligned='])
    assert "no path after 'aligned='" in capsys.readouterr().err


def test_the_tool_imports_nothing_heavy() -> None:
    code = 'import sys, tools.evaluate; print(*sys.modules)'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    heavy = {'torch', 'transformers', 'datasets', 'mmengine', 'xtuner', 'numpy'}
    assert not heavy & set(done.stdout.split())


@pytest.mark.usefixtures('engines')
def test_shards_print_no_tables_and_a_run_over_all_asks_nothing(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = [str(config), '--quiet', '--models', 'base', 'aligned=good']
    for shard in ('0/2', '1/2'):
        assert main([*argv, '--shard', shard]) == 0
        out = capsys.readouterr().out
        assert out.startswith('base: 4 requests: 4 done')
        assert 'judge' not in out
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert 'base: 8 requests: 8 done, 0 failed, 0 pending; 0 sent to the engine' in out
    assert 'aligned against base' in out


@pytest.mark.usefixtures('engines')
def test_trainings_of_one_row_are_given_with_commas(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(config), '--quiet', '--models', 'base', 'maskdpo=good,half']) == 0
    assert 'std between trainings' in capsys.readouterr().out


@pytest.mark.usefixtures('engines')
def test_a_name_that_would_score_the_base_twice_is_refused(config: Path) -> None:
    assert 'aligned=PATH' in error_of(config, '--models', 'base', 'aligned')
