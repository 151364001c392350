"""Two rounds for real: a small random model samples, is trained, converted, and samples again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from maskdpo_xtuner.engines.model_files import digest_folder
from tests.models import tiny_llama
from tests.pipeline.work_dirs import write_questions
from tests.tokenizers import tokenizer_folder

ROOT = Path(__file__).parents[2]
JUDGE = '''
import zlib

from maskdpo_xtuner.annotators import SentenceAnnotator
from maskdpo_xtuner.annotators.settings import SentenceSettings
from maskdpo_xtuner.records import Label, Sentence


class ChanceSettings(SentenceSettings):
    """Labels that differ from sentence to sentence, as a random model says nothing true."""

    def build(self):
        annotator = ChanceJudge()
        self.set_splitter(annotator)
        return annotator, None


class ChanceJudge(SentenceAnnotator):
    identity = {'name': 'chance', 'version': '1'}

    def judge(self, question, text, span):
        yield from ()
        right = zlib.crc32(text[slice(*span)].encode()) % 2
        label = Label.NO_HALLUCINATION if right else Label.CONTRADICTORY
        return Sentence(start=span[0], end=span[1], label=label)
'''
DATA = """
work_dir = 'not_used'
questions = dict(type='jsonl', path='questions.jsonl')
policy = dict(type='transformers')
sampling = dict(num_samples=4, max_new_tokens=12)
annotator = dict(type='chance_judge.ChanceSettings', cut_sentence='judged')
"""
ROUNDS = """
work_dir = 'work'
rounds = 2
data = 'data.py'
training = 'smollm2_135m_maskdpo'
model = 'model'
reference = 'first'
deepspeed = 'zero2'
training_options = {'train_cfg.max_epochs': 1}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the configs of two rounds."""
    tiny_llama(tmp_path / 'model', tokenizer_folder('smollm2'))
    write_questions(tmp_path / 'questions.jsonl', 8)
    for name, text in (('chance_judge', JUDGE), ('data', DATA), ('rounds', ROUNDS)):
        (tmp_path / f'{name}.py').write_text(text)
    return tmp_path


@pytest.mark.slow
def test_two_rounds_end_in_a_model_of_each(folder: Path) -> None:
    environment = {
        **os.environ,
        'PYTHONPATH': str(ROOT),
        'HF_DATASETS_CACHE': str(folder / 'datasets_cache'),
        'HF_HUB_OFFLINE': '1',
        'OMP_NUM_THREADS': '1',
    }
    command = [sys.executable, '-m', 'maskdpo_xtuner', 'rounds', 'rounds.py']
    for _ in range(2):
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count(': done before') == 6
    models = [folder / 'work' / f'round_{n}' / 'hf' for n in (1, 2)]
    weights = [(model / 'model.safetensors').read_bytes() for model in models]
    assert len({*weights, (folder / 'model' / 'model.safetensors').read_bytes()}) == 3
    asked = json.loads((folder / 'work' / 'round_2' / 'data' / 'settings.json').read_text())
    assert asked['policy.revision'] == digest_folder(models[0])
    losses = [first_loss(folder / 'work' / f'round_{n}' / 'training') for n in (1, 2)]
    # The second round is held against the first model, from which it is away already.
    assert losses[0] != losses[1]


def first_loss(work_dir: Path) -> float:
    (scalars,) = work_dir.glob('*/vis_data/scalars.json')
    first = json.loads(scalars.read_text(encoding='utf-8').splitlines()[0])
    return float(first['rewards/margins'])
