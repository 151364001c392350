"""Judges, engines and questions from a folder of the user's: a config and a file."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.records import AnnotatedResponse, Label
from maskdpo_xtuner.settings import load_settings
from tests.pipeline.work_dirs import contents

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / 'docs' / 'examples' / 'judge' / 'numbers_judge.py'
PARTS = '''
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.engines.settings import EngineSettings
from maskdpo_xtuner.questions import QuestionSettings
from maskdpo_xtuner.records import Question
from maskdpo_xtuner.registry import ENGINES, QUESTIONS


@ENGINES.register_module('seeds')
class SeedsSettings(EngineSettings):
    """Answers that differ by their seeds."""

    silent: bool = False

    def build(self):
        engine = ScriptedEngine(lambda request: ANSWERS[request.seed % 2])
        engine.identity = {} if self.silent else {'model': 'seeds', 'version': '1'}
        return engine


ANSWERS = 'It melts at 505 K. It is a metal.', 'It melts at 12 K. It is a metal.'


@QUESTIONS.register_module('metals')
class Metals(QuestionSettings):
    """One question a metal."""

    names: list[str]

    def load(self):
        document = 'It melts at 505 K.'
        return [
            Question(question_id=n, question=n, document=document, language='en', topic=n)
            for n in self.names
        ]
'''
CONFIG = """
custom_imports = dict(imports=['numbers_judge', 'my_parts'])
work_dir = 'work'
questions = dict(type='metals', names=['tin', 'lead'])
policy = dict(type='seeds')
sampling = dict(num_samples=8)
annotator = dict(type='numbers')
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(EXAMPLE, tmp_path)
    (tmp_path / 'my_parts.py').write_text(PARTS)
    (tmp_path / 'config.py').write_text(CONFIG)
    return tmp_path


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Make pairs as a user does, from the folder of the config."""
    tool = ROOT / 'tools' / 'sample_and_annotate.py'
    argv = [sys.executable, str(tool), 'config.py', '--quiet', *options]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True)


def test_the_example_is_no_longer_than_the_page_says() -> None:
    assert len(EXAMPLE.read_text().splitlines()) <= 35


def test_a_folder_of_a_config_and_a_file_makes_pairs(folder: Path) -> None:
    done = run(folder)
    assert done.returncode == 0, done.stderr
    for response in read_records(folder / 'work' / 'annotated.jsonl', AnnotatedResponse):
        verdict = Label.NO_HALLUCINATION if '505' in response.text else Label.CONTRADICTORY
        assert [s.label for s in response.sentences] == [verdict, Label.NO_FACTS]
        assert response.annotator == {'name': 'numbers', 'version': '1'}
        assert response.model == 'seeds'
    first = contents(folder / 'work')
    assert run(folder).returncode == 0
    assert contents(folder / 'work') == first


def test_a_dotted_name_and_a_file_need_no_registration(folder: Path) -> None:
    config = CONFIG.replace("'numbers_judge', ", '')
    config = config.replace("type='numbers'", "type='numbers_judge.NumbersSettings'")
    config = config.replace("type='metals'", "type='my_parts.py:Metals'")
    (folder / 'config.py').write_text(config)
    done = run(folder)
    assert done.returncode == 0, done.stderr


def test_what_says_nothing_is_refused_where_results_are(folder: Path) -> None:
    options = ('--cfg-options', 'policy.silent=True')
    assert run(folder, *options).returncode == 0
    again = run(folder, *options)
    assert again.returncode == 1
    assert 'what determines those of policy is not known: give it an attribute' in again.stderr
    assert run(folder, *options, '--work-dir', 'other').returncode == 0


@pytest.mark.parametrize(
    ('before', 'after', 'said'),
    [
        ("'numbers_judge', 'my", "'my_judge', 'my", 'custom_imports: my_judge cannot be imported'),
        ("imports=['numbers_judge', 'my_parts']", 'import_=3', 'custom_imports: write custom_'),
        ("type='numbers'", "type='number'", 'no annotator "number"; did you mean "numbers"?'),
        ("type='numbers'", "type='numbers', splitr='x'", 'did you mean "splitter"?'),
        ("type='numbers'", "type='numbers', splitter='x'", 'there is no splitter "x"; registered'),
        (
            "type='metals'",
            "type='numbers_judge.NumbersJudge'",
            'is not a subclass of maskdpo_xtuner',
        ),
        ("names=['tin', 'lead']", 'name=3', 'did you mean "names"?'),
    ],
)
def test_mistakes_are_named(
    folder: Path, before: str, after: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, 'path', list(sys.path))
    (folder / 'config.py').write_text(CONFIG.replace(before, after))
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        load_settings(folder / 'config.py').annotator.build()
    assert '\n' not in str(caught.value)


def test_spans_that_do_not_fit_are_refused_with_the_annotators_name(folder: Path) -> None:
    source = EXAMPLE.read_text().replace('end=span[1]', 'end=span[1] + 1')
    (folder / 'numbers_judge.py').write_text(source)
    done = run(folder)
    assert done.returncode == 1
    assert 'the annotator numbers gave sentences that do not fit the answer tin#' in done.stderr


def test_a_judge_that_asks_needs_an_engine(folder: Path) -> None:
    source = EXAMPLE.read_text().replace('yield from ()', 'yield REQUEST')
    source += (
        '\n\nfrom maskdpo_xtuner.engines.base import Request, Sampling\n'
        'from maskdpo_xtuner.records import Message\n'
        "REQUEST = Request((Message(role='user', content='true?'),), Sampling(8), 1)\n"
    )
    (folder / 'numbers_judge.py').write_text(source)
    done = run(folder)
    assert "the annotator asks ('true?') and has no engine" in done.stderr


def test_a_language_without_a_splitter_is_named_before_anything_is_asked(folder: Path) -> None:
    parts = folder / 'my_parts.py'
    parts.write_text(PARTS.replace("language='en'", "language='de'"))
    done = run(folder)
    assert done.returncode == 1
    assert 'tin is in the language "de", but the splitter of numbers speaks en, zh' in done.stderr
    assert not (folder / 'work').exists()


def test_a_splitter_of_the_users_cuts_answers_and_is_part_of_the_identity(folder: Path) -> None:
    config = CONFIG.replace("type='numbers'", "type='numbers', splitter='my_parts.halves'")
    (folder / 'config.py').write_text(config)
    (folder / 'my_parts.py').write_text(
        PARTS
        + '\n\ndef halves(text, language):\n    middle = len(text) // 2\n'
        + '    return [(0, middle), (middle, len(text))]\n\n\n'
        + "halves.identity = {'name': 'halves'}\n"
    )
    done = run(folder)
    assert done.returncode == 0, done.stderr
    for response in read_records(folder / 'work' / 'annotated.jsonl', AnnotatedResponse):
        assert [s.start for s in response.sentences] == [0, len(response.text) // 2]
        assert response.annotator['splitter.name'] == 'halves'
