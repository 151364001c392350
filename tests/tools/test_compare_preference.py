"""The command line of the comparison of two models, and its page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from maskdpo_xtuner.settings import load_settings
from tools.compare_preference import main

PAGE = (Path(__file__).parents[2] / 'docs' / 'preference.md').read_text(encoding='utf-8')
ENGINE = """
from maskdpo_xtuner.engines.base import Failure
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.engines.settings import EngineSettings


class Longest(EngineSettings):
    def build(self):
        return ScriptedEngine(self.script)

    def script(self, request):
        text = request.messages[-1].content
        first = text.partition('[First answer]\\n')[2].partition('\\n[End')[0]
        second = text.partition('[Second answer]\\n')[2].partition('\\n[End')[0]
        if self.model == 'down':
            return Failure('down')
        return '[[FIRST]]' if len(first) > len(second) else '[[SECOND]]'
"""
CONFIG = """
work_dir = 'work'
questions = dict(type='jsonl', path='questions.jsonl')
evaluation = dict(questions=questions)
preference = dict(engine=dict(type='engine.py:Longest'), criteria=dict(length='Take the longer.'))
"""
RESPONSE = {
    'question_id': 'q',
    'sample_index': 0,
    'seed': 1,
    'finish_reason': 'stop',
    'prompt_tokens': 1,
    'completion_tokens': 1,
    'model': 'm',
}


@pytest.fixture
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path('engine.py').write_text(ENGINE)
    Path('config.py').write_text(CONFIG)
    question = {'question': 'Tin?', 'document': 'Tin.', 'language': 'en', 'topic': 'tin'}
    Path('questions.jsonl').write_text(json.dumps({**question, 'question_id': 'q'}))
    for name, text in (('a', 'Tin.'), ('b', 'Tin is a metal.')):
        Path(f'{name}.jsonl').write_text(json.dumps({**RESPONSE, 'text': text}))


@pytest.mark.usefixtures('_folder')
def test_files_are_compared_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['base=a.jsonl', 'longer=b.jsonl', 'config.py', '--quiet']) == 0
    said = capsys.readouterr().out
    assert said.startswith('2 requests: 2 done, 0 failed')
    assert 'longer against base, judged by script in both orders' in said
    assert re.search(r'^length\s+100\.0 -\s+100\.0 -', said, re.M)
    assert re.search(r'^length +1( +0){7}$', said, re.M)
    assert Path('work/preference/longer-base.json').is_file()


@pytest.mark.usefixtures('_folder')
def test_requests_without_an_answer_are_said_and_the_exit_status_is_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ['--cfg-options', 'preference.engine.model=down', '--quiet']
    assert main(['base=a.jsonl', 'longer=b.jsonl', 'config.py', *options]) == 1
    assert '2 requests have no answer; run again for those that failed' in capsys.readouterr().out


def test_the_config_of_the_page_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (config,) = re.findall(r'```python\n(.*?)```', PAGE, re.S)
    Path('config.py').write_text(config)
    settings = load_settings('config.py').preference
    assert settings is not None
    assert {name for name in type(settings).model_fields if f'`{name}`' not in PAGE} == set()
