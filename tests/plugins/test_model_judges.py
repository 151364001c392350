"""The judges with a model from a folder of the user's: a config, a prompt, nothing else."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.pipeline.files import FailureRecord
from maskdpo_xtuner.pipeline.run import run_pipeline
from maskdpo_xtuner.records import AnnotatedResponse, Label
from maskdpo_xtuner.settings import load_settings
from tests.classifiers import tiny_bert
from tests.pipeline.work_dirs import contents

PARTS = '''
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.engines.settings import EngineSettings

SAID = {
    'en': ('It melts at 505 K. It is a metal.', 'It melts at 12 K. It is a metal.'),
    'de': ('Es hat z. B. 505 Kelvin. Es ist ein Metall.', 'Es hat 12 Kelvin. Ja.'),
}


class Seeds(EngineSettings):
    """Answers that differ by their seeds."""

    language: str = 'en'

    def build(self):
        engine = ScriptedEngine(lambda request: SAID[self.language][request.seed % 2])
        engine.identity = {'model': 'seeds', 'version': '1'}
        return engine


class Reader(EngineSettings):
    """A judge that reads numbers."""

    def build(self):
        said = lambda r: 'Ergebnis: falsch' if ' 12 K' in r.messages[-1].content else 'richtig'
        engine = ScriptedEngine(said, concurrency=4)
        engine.identity = {'model': 'reader', 'version': '1'}
        return engine
'''
CONFIG = """
work_dir = '{folder}/work'
questions = dict(type='jsonl', path='{folder}/questions.jsonl')
policy = dict(type='my_engines.Seeds', language='{language}')
sampling = dict(num_samples=4)
annotator = {annotator}
"""
YES, NO, OPEN = Label.NO_HALLUCINATION, Label.CONTRADICTORY, Label.UNVERIFIABLE


class Folder:
    """The user's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / 'my_engines.py').write_text(PARTS)

    def run(self, annotator: str, language: str = 'en', **options: str) -> list[AnnotatedResponse]:
        """Make pairs with this annotator; gives the annotated answers."""
        document = 'Es schmilzt bei 505 K.' if language == 'de' else 'It melts at 505 K.'
        question = {'question': 'Tin?', 'document': document, 'language': language, 'topic': 'tin'}
        (self.path / 'questions.jsonl').write_text(json.dumps({'question_id': 'q', **question}))
        text = CONFIG.format(folder=self.path, language=language, annotator=annotator)
        (self.path / 'config.py').write_text(text)
        settings = load_settings(self.path / 'config.py', options)
        run_pipeline(settings, quiet=True)
        return list(read_records(settings.work_dir / 'annotated.jsonl', AnnotatedResponse))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setattr(sys, 'path', list(sys.path))
    return Folder(tmp_path)


@pytest.fixture
def server() -> Iterator[str]:
    """A server of the OpenAI form that knows no tokenizer, and takes 2,000 characters."""
    httpd = ThreadingHTTPServer(('127.0.0.1', 0), Judge)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f'http://127.0.0.1:{httpd.server_port}'
    httpd.shutdown()
    thread.join()
    httpd.server_close()


class Judge(BaseHTTPRequestHandler):
    """Says that 12 K is wrong, and reasons before it says so."""

    protocol_version = 'HTTP/1.1'

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers['content-length'])))
        content = body['messages'][-1]['content']
        if len(content) > 2000:
            self.reply(400, {'message': 'the input is too long'})
            return
        sentences = re.search(r'sentence to check:\n(.*)', content)
        wrong = sentences is not None and '12 K' in sentences[1]
        said = 'Is it [[SUPPORTED]]? ' + ('[[CONTRADICTED]]' if wrong else 'Yes: [[SUPPORTED]]')
        choice = {'message': {'content': said}, 'finish_reason': 'stop'}
        usage = {'prompt_tokens': 9, 'completion_tokens': 9}
        self.reply(200, {'choices': [choice], 'usage': usage})

    def reply(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def labels(responses: list[AnnotatedResponse]) -> dict[str, list[Label | None]]:
    return {response.text: [s.label for s in response.sentences] for response in responses}


def test_a_served_model_judges_by_our_prompt_without_a_tokenizer(
    folder: Folder, server: str
) -> None:
    engine = f"dict(type='openai', model='any', base_urls=['{server}'])"
    responses = folder.run(f"dict(type='llm', engine={engine})")
    assert labels(responses) == {
        'It melts at 505 K. It is a metal.': [YES, YES],
        'It melts at 12 K. It is a metal.': [NO, YES],
    }
    assert (folder.path / 'work' / 'pairs.jsonl').read_text().count('\n') == 1
    before = contents(folder.path / 'work')
    folder.run(f"dict(type='llm', engine={engine})")
    assert contents(folder.path / 'work') == before


def test_what_is_too_long_for_the_server_is_a_failure_in_its_words(
    folder: Folder, server: str
) -> None:
    (folder.path / 'long.j2').write_text('{{ sentence * 200 }}\nsentence to check:\n{{ sentence }}')
    engine = f"dict(type='openai', model='any', base_urls=['{server}'])"
    prompt = folder.path / 'long.j2'
    with pytest.raises(ValueError, match='all 1 questions were dropped'):
        folder.run(f"dict(type='llm', engine={engine}, prompt='{prompt}')")
    failures = list(read_records(folder.path / 'work' / 'failures.jsonl', FailureRecord))
    assert {failure.reason for failure in failures} == {'HTTP 400: the input is too long'}


def test_an_engine_and_a_prompt_of_the_users_judge_another_language(folder: Folder) -> None:
    prompt = folder.path / 'richter.j2'
    prompt.write_text('{{ document }}\nStimmt das? richtig/falsch\n{{ sentence }}')
    annotator = (
        f"dict(type='llm', engine=dict(type='my_engines.Reader'), prompt='{prompt}', "
        "splitter='sentencex', labels=dict(no_hallucination='richtig', contradictory='falsch'))"
    )
    assert labels(folder.run(annotator, 'de')) == {
        'Es hat z. B. 505 Kelvin. Es ist ein Metall.': [YES, YES],
        'Es hat 12 Kelvin. Ja.': [NO, YES],
    }
    prompt.write_text('Other words: {{ sentence }}')
    with pytest.raises(
        ValueError, match=r'holds results of other settings \(annotator\.prompt_sha'
    ):
        folder.run(annotator, 'de')


def test_a_prompt_with_a_mistake_is_named_with_the_config(folder: Folder) -> None:
    prompt = folder.path / 'mine.j2'
    prompt.write_text('{{ sentence }}\n{{ answers }}')
    with pytest.raises(
        ValueError, match=r'config\.py: annotator: .*mine\.j2:2: there is no variable "answers"'
    ):
        folder.run(f"dict(type='llm', engine=dict(type='my_engines.Reader'), prompt='{prompt}')")
    assert not (folder.path / 'work').exists()


def test_a_folder_of_a_classifier_judges(folder: Folder) -> None:
    model = folder.path / 'nli'
    classes = ('entailment', 'neutral', 'contradiction')
    tiny_bert(model, 'Sequence', classes)
    # The model is random: whatever it says supports, so that the labels are known.
    meaning = dict.fromkeys(classes, 'no_hallucination')
    annotator = f"dict(type='classifier', model='{model}', max_length=64, labels={meaning})"
    with pytest.raises(ValueError, match='rejected_without_hallucination'):
        folder.run(annotator)
    responses = list(read_records(folder.path / 'work' / 'annotated.jsonl', AnnotatedResponse))
    assert {s.label for response in responses for s in response.sentences} == {YES}
    assert {s.points for a in responses for s in a.sentences} == {('It melts at 505 K.',)}
    with pytest.raises(ValueError, match='no class "entails"; it has entailment, neutral, contra'):
        folder.run(annotator.replace("'entailment'", "'entails'"))


def test_spans_of_a_file_made_from_the_responses_judge_the_same_answers(folder: Folder) -> None:
    labels_of_reader = "dict(no_hallucination='richtig', contradictory='falsch')"
    reader = f"dict(type='llm', engine=dict(type='my_engines.Reader'), labels={labels_of_reader})"
    folder.run(reader, work_dir=str(folder.path / 'first'))
    spans = folder.path / 'spans.jsonl'
    with spans.open('w') as file:
        for line in (folder.path / 'first' / 'responses.jsonl').read_text().splitlines():
            response = json.loads(line)
            start = response['text'].find('12 K')
            found = {'start': start, 'end': start + 4, 'text': '12 K', 'confidence': 0.9}
            response['spans'] = [found] if start >= 0 else []
            file.write(json.dumps(response) + '\n')
    responses = folder.run(f"dict(type='spans', file='{spans}')")
    assert labels(responses) == {
        'It melts at 505 K. It is a metal.': [YES, YES],
        'It melts at 12 K. It is a metal.': [OPEN, YES],
    }
