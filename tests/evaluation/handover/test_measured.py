"""The harnesses measure models of every kind by what is written for them; run by hand.

Two questions of ours stand in for benchmarks, which are downloaded, and tiny models for real ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from maskdpo_xtuner.evaluation.handover.models import HandedModel, read_models
from maskdpo_xtuner.evaluation.handover.writing import hand_over
from tests.evaluation.handover.test_harnesses import interpreter
from tests.models import tiny_llama
from tests.tokenizers import tokenizer_folder

TASK = """task: sums
dataset_path: json
dataset_kwargs: {data_files: {test: QUESTIONS}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: "{{answer}}"
metric_list: [{metric: exact_match}]
"""
WRAPPER = """from mmengine.config import read_base

with read_base():
    from .opencompass_benchmarks import models
datasets = [dict(abbr='sums', path=QUESTIONS, data_type='qa', infer_method='gen')]
"""


class Four(BaseHTTPRequestHandler):
    """Answers every question with 4."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers['content-length'])))
        assert body['model'] == 'aligned'
        choice = {'index': 0, 'message': {'role': 'assistant', 'content': '4'}}
        choices = [{**choice, 'finish_reason': 'stop'}]
        usage = {'prompt_tokens': 9, 'completion_tokens': 1, 'total_tokens': 10}
        about = {'id': '1', 'object': 'chat.completion', 'created': 0, 'model': 'aligned'}
        reply = json.dumps({**about, 'choices': choices, 'usage': usage}).encode()
        self.send_response(200)
        self.send_header('content-type', 'application/json')
        self.send_header('content-length', str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """The address of a server that says 4."""
    httpd = ThreadingHTTPServer(('127.0.0.1', 0), Four)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f'http://127.0.0.1:{httpd.server_port}/v1'
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def models(tmp_path: Path, url: str) -> tuple[HandedModel, ...]:
    """A tiny model, an adapter over it, and a served one."""
    from maskdpo_xtuner.engines.triton_ops import supply_triton_ops

    supply_triton_ops()
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base, adapter = tmp_path / 'base', tmp_path / 'adapter'
    tiny_llama(base, tokenizer_folder('smollm2'))
    # As published tokenizers have it: OpenCompass gives the model whatever the tokenizer gives.
    config = json.loads((base / 'tokenizer_config.json').read_text())
    config['model_input_names'] = ['input_ids', 'attention_mask']
    (base / 'tokenizer_config.json').write_text(json.dumps(config))
    loaded = AutoModelForCausalLM.from_pretrained(base)
    lora = LoraConfig(r=2, target_modules=['q_proj'], task_type='CAUSAL_LM')
    get_peft_model(loaded, lora).save_pretrained(adapter)
    served = f'served=aligned,url={url},tokenizer={base}'
    return read_models([f'base={base}', f'lora={base},adapter={adapter}', served])


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """Two questions, of which 4 answers one."""
    path = tmp_path / 'sums.jsonl'
    sums = [('What is 2 + 2?', '4'), ('What is 3 + 3?', '6')]
    lines = [json.dumps({'question': asked, 'answer': right}) for asked, right in sums]
    path.write_text('\n'.join(lines) + '\n')
    return path


def run(*argv: object, folder: Path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith('PYTHON')}
    env |= {'HF_HUB_OFFLINE': '1', 'HF_DATASETS_OFFLINE': '1'}
    done = subprocess.run([*map(str, argv)], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_lm_eval_measures_models_of_every_kind(
    tmp_path: Path, models: tuple[HandedModel, ...], questions: Path
) -> None:
    python = interpreter('MASKDPO_LM_EVAL_PYTHON')
    (tmp_path / 'tasks').mkdir()
    (tmp_path / 'tasks' / 'sums.yaml').write_text(TASK.replace('QUESTIONS', str(questions)))
    for path in hand_over('lm-eval', models, tmp_path / 'configs', tasks=['gsm8k']):
        ours = ['--tasks', 'sums', '--include_path', tmp_path / 'tasks', '--batch_size', 1]
        ours += ['--gen_kwargs', 'max_gen_toks=16', '--output_path', tmp_path / path.stem]
        run(python, '-m', 'lm_eval', 'run', '--config', path, *ours, folder=tmp_path)
    found = {}
    for model in models:
        (file,) = (tmp_path / f'lm_eval_{model.name}').rglob('results_*.json')
        found[model.name] = json.loads(file.read_text())['results']['sums']['exact_match,none']
    assert found == {'base': 0, 'lora': 0, 'served': 0.5}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_opencompass_measures_models_of_every_kind(
    tmp_path: Path, models: tuple[HandedModel, ...], questions: Path
) -> None:
    python = interpreter('MASKDPO_OPENCOMPASS_PYTHON')
    (path,) = hand_over('opencompass', models, tmp_path, tasks=['gsm8k'])
    text = path.read_text().replace('num_gpus=1', 'num_gpus=0').replace('=1024', '=16')
    path.write_text(text)
    wrapper = tmp_path / 'wrapper.py'
    wrapper.write_text(WRAPPER.replace('QUESTIONS', repr(str(questions))))
    command = Path(python).with_name('opencompass')
    run(command, wrapper, '--debug', '-w', tmp_path / 'out', folder=tmp_path)
    (summary,) = (tmp_path / 'out').rglob('summary_*.csv')
    head, row = (line.split(',') for line in summary.read_text().splitlines())
    assert dict(zip(head, row, strict=True)) | {'version': ''} == {
        **{'dataset': 'sums', 'version': '', 'metric': 'accuracy', 'mode': 'gen'},
        **{'base': '0.00', 'lora': '0.00', 'served': '50.00'},
    }
