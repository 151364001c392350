"""FActScore from a folder of the user's: pages, names, a config; sampled, judged and counted."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from maskdpo_xtuner.evaluation.factscore_table import count_facts
from maskdpo_xtuner.evaluation.official_factscore import official_scores
from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.knowledge import build_knowledge, read_pages
from maskdpo_xtuner.pipeline.run import run_pipeline
from maskdpo_xtuner.records import AnnotatedResponse
from maskdpo_xtuner.settings import load_settings
from tests.pipeline.work_dirs import contents

PARTS = '''
import hashlib
from pathlib import Path

from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.engines.settings import EngineSettings

ASKED, KILL = Path(__file__).with_name('asked.txt'), Path(__file__).with_name('kill')


class Policy(EngineSettings):
    """Says two true things and one that differs by the seed."""

    def build(self):
        def answer(request):
            name = request.messages[-1].content.removeprefix('Tell me a bio of ')[:-1]
            year = 1878 + request.seed % 2
            return f'Gladly! {name} was a chemist who was born in {year}. {name} lived in Berlin.'

        engine = ScriptedEngine(answer)
        engine.identity = {'model': 'policy', 'version': '1'}
        return engine


class Judge(EngineSettings):
    """Cuts at "who", finds what a page says; is killed after as many requests as ``kill`` says."""

    def build(self):
        def answer(request):
            content = request.messages[-1].content
            with ASKED.open('a') as file:
                file.write(hashlib.sha256(content.encode()).hexdigest() + '\\n')
            if KILL.exists() and len(ASKED.read_text().split()) > int(KILL.read_text()):
                raise KeyboardInterrupt
            return verdict(content) if 'True or False?' in content else facts(content)

        engine = ScriptedEngine(answer)
        engine.identity = {'model': 'judge', 'version': '1'}
        return engine


def facts(content):
    sentence = content.rpartition('Sentence: ')[2].partition('\\n')[0]
    if '!' in sentence:
        return 'NO FACTS'
    name = ' '.join(sentence.split()[:2])
    said, who, more = sentence.rstrip('.').partition(' who')
    return '\\n'.join(f'- {fact}.' for fact in (said, name + more) if who or fact is said)


def verdict(content):
    fact = content.rpartition('Claim: ')[2].partition('\\n')[0]
    return str(fact.rpartition(' ')[2] in content.rpartition('Claim: ')[0])
'''
CONFIG = """
work_dir = '{folder}/work'
questions = dict(type='names', path='{folder}/names.txt', knowledge='{folder}/pages.db')
policy = dict(type='fact_engines.Policy')
sampling = dict(num_samples=2)
annotator = dict(
    type='factscore', engine=dict(type='fact_engines.Judge'), knowledge='{folder}/pages.db'
)
"""
NAMES = ('Otto Hahn', 'Emil Fischer', 'Fritz Haber')


class Folder:
    """The user's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / 'fact_engines.py').write_text(PARTS)
        (path / 'config.py').write_text(CONFIG.format(folder=path))
        (path / 'names.txt').write_text('\n'.join(NAMES))
        text = 'A chemist. Born in 1879.'
        lines = [{'title': name, 'text': f'{name}. {text}'} for name in NAMES]
        (path / 'pages.jsonl').write_text('\n'.join(map(json.dumps, lines)))
        build_knowledge(path / 'pages.db', read_pages(path / 'pages.jsonl'))

    def run(self) -> list[AnnotatedResponse]:
        """Sample, judge, pair; gives the annotated answers."""
        settings = load_settings(self.path / 'config.py')
        run_pipeline(settings, quiet=True)
        return list(read_records(settings.work_dir / 'annotated.jsonl', AnnotatedResponse))

    def asked(self) -> Counter[str]:
        """How often the judge was asked each thing, in all runs."""
        return Counter((self.path / 'asked.txt').read_text().split())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    monkeypatch.setattr(sys, 'path', list(sys.path))
    yield Folder(tmp_path)
    sys.modules.pop('fact_engines', None)  # The next folder has its own.


def test_answers_are_sampled_judged_and_counted(folder: Folder) -> None:
    answers = folder.run()
    assert len(answers) == 6
    assert [fact.text for fact in answers[0].sentences[1].facts or ()] == [
        'Otto Hahn was a chemist.',
        'Otto Hahn was born in 1878.'
        if answers[0].seed % 2 == 0
        else 'Otto Hahn was born in 1879.',
    ]
    right = sum('1879' in answer.text for answer in answers)
    assert 0 < right < 6
    counts = count_facts(answers)
    assert (counts.supported, counts.unsupported) == (6 + right, 12 - right)
    official = official_scores(answers)
    assert official.init_score == pytest.approx((6 + right) / 18)
    assert (official.facts_per_response, official.respond_ratio) == (3, 1)
    assert set(folder.asked().values()) == {1}


def test_a_run_that_was_killed_asks_nothing_twice_and_ends_in_the_same_bytes(
    folder: Folder,
) -> None:
    folder.run()
    undisturbed, asked = contents(folder.path / 'work'), folder.asked()
    (folder.path / 'work').rename(folder.path / 'undisturbed')
    (folder.path / 'asked.txt').write_text('')
    for kill in (3, 9):
        (folder.path / 'kill').write_text(str(kill))
        with pytest.raises(KeyboardInterrupt):
            folder.run()
    (folder.path / 'kill').unlink()
    folder.run()
    assert contents(folder.path / 'work') == undisturbed
    # What it was killed at has no answer; it is asked once more, and nothing else is.
    again = folder.asked()
    assert again.keys() == asked.keys()
    assert again.total() == asked.total() + 2


def test_a_page_that_changed_is_another_judge(folder: Folder) -> None:
    folder.run()
    pages = (folder.path / 'pages.jsonl').read_text()
    (folder.path / 'pages.jsonl').write_text(pages.replace('Born in', 'She was born in'))
    build_knowledge(folder.path / 'pages.db', read_pages(folder.path / 'pages.jsonl'))
    with pytest.raises(ValueError, match=r'holds results of other settings .*knowledge_sha256'):
        folder.run()
