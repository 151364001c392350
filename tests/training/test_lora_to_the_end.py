"""LoRA by the commands of docs/lora.md: training, adapter, merged model, evaluation, next stage."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from tests.preference_pairs import released_pair
from tests.training.test_maskdpo_train import maskdpo, options

__all__ = ['options']  # a fixture

LORA = 'llama3_8b_maskdpo_lora'
FAST = (
    *('train_cfg.sample_every=0', 'default_hooks.logger.interval=1'),
    *('optim_wrapper.accumulative_counts=1', 'optim_wrapper.optimizer.lr=1e-2'),
)


def run(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """A command of `maskdpo` that has to succeed."""
    done = maskdpo(folder, *argv)
    assert done.returncode == 0, f'{argv}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}'
    return done


def train(folder: Path, name: str, work_dir: str, *changes: str) -> tuple[Path, str]:
    """Train and convert; returns the folder of the adapter, and what the training said.

    Without DeepSpeed, which other tests of LoRA have and which may have to compile first.
    """
    arguments = ['--work-dir', work_dir, '--cfg-options', *changes]
    trained = run(folder, 'train', name, *arguments)
    convert = trained.stdout.splitlines()[-2].removeprefix('next: maskdpo ')
    run(folder, *shlex.split(convert))
    adapter = folder / work_dir / 'hf'
    assert (adapter / 'adapter_model.safetensors').is_file()
    return adapter, trained.stdout + trained.stderr


def write_config(folder: Path, base: str) -> Path:
    """A config of the tools: two questions, short greedy answers, a judge without a model."""
    questions = (
        {'question': f'What is {name}?', 'document': f'{name} is a metal.', 'topic': name}
        for name in ('Tin', 'Lead')
    )
    lines = [json.dumps({**question, 'language': 'en'}) for question in questions]
    (folder / 'questions.jsonl').write_text('\n'.join(lines))
    source = {'type': 'jsonl', 'path': 'questions.jsonl'}
    values = {
        'work_dir': 'evaluated',
        'questions': source,
        'policy': {'type': 'transformers', 'model': base, 'dtype': 'float32'},
        'sampling': {'num_samples': 1, 'max_new_tokens': 12},
        'annotator': {'type': 'lexical'},
        'evaluation': {'questions': source, 'num_runs': 1, 'top_k': 1, 'text_quality': False},
    }
    path = folder / 'evaluated.py'
    path.write_text(''.join(f'{key} = {value!r}\n' for key, value in values.items()))
    return path


def answers(folder: Path, model: str) -> list[str]:
    (file,) = (folder / 'evaluated' / 'evaluation' / model).glob('annotated-*.jsonl')
    return [json.loads(line)['text'] for line in file.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_lora_goes_from_training_to_a_second_stage(options: list[str], tmp_path: Path) -> None:
    base = options[0].partition('=')[2]
    # The only step is the first of the warm-up, at 1e-5 of the rate.
    rate = 'optim_wrapper.optimizer.lr=1e4'
    adapter, _ = train(tmp_path, LORA, 'first', *options, *FAST, rate)
    settings = json.loads((adapter / 'adapter_config.json').read_text())
    assert settings['base_model_name_or_path'] == base

    merged = tmp_path / 'merged'
    done = run(tmp_path, 'convert', 'merge', base, str(adapter), str(merged), '--dtype', 'float32')
    assert done.stdout.endswith(' tensors in float32\n')
    model, start = (AutoModelForCausalLM.from_pretrained(each) for each in (merged, base))
    name = 'model.layers.0.self_attn.q_proj.weight'
    assert not torch.equal(model.get_parameter(name), start.get_parameter(name))

    config = write_config(tmp_path, base)
    models = ['base', f'lora={adapter}', f'merged={merged}']
    run(tmp_path, 'evaluate', str(config), '--quiet', '--models', *models)
    assert answers(tmp_path, 'lora') == answers(tmp_path, 'merged') != answers(tmp_path, 'base')

    # Another config without LoRA of its own: the adapter says which it is.
    stage = (f'model.peft_model={adapter}', 'model.use_activation_checkpointing=auto')
    lines = [json.dumps(released_pair(question=f'What is metal {i}?')) for i in range(8)]
    (tmp_path / 'pairs.jsonl').write_text('\n'.join(lines))
    second, said = train(tmp_path, 'llama3_8b_maskdpo', 'second', *options, *FAST, *stage)
    assert f'the adapter {adapter} is trained on; the reference is the base with this' in said
    assert 'activations: kept (auto)' in said
    assert 'GiB are there for this process' in said
    assert json.loads((second / 'adapter_config.json').read_text())['r'] == settings['r']
    (scalars,) = (tmp_path / 'second').glob('*/vis_data/scalars.json')
    first = json.loads(scalars.read_text().splitlines()[0])
    assert first['loss'] == pytest.approx(0.6931, abs=0.02)  # bf16
