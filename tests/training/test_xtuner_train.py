"""The commands of a user, run for real: a small random Llama-3.1 on the CPU."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import AutoModelForCausalLM, AutoTokenizer

from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.training.monitoring.samples import ResponseSample
from tests.models import tiny_llama
from tests.preference_pairs import released_pair
from tests.tokenizers import tokenizer_folder
from tests.xtuner_runs import XTunerRuns

EVERY_STEP = 'default_hooks.checkpoint.interval=1'
# At the paper's rate a few steps do not show in bf16.
FAST = 'optim_wrapper.optimizer.lr=1e-3'
ZERO2 = ('--deepspeed', 'zero2')
SMALL = ('train_dataloader.batch_size=2', 'optim_wrapper.accumulative_counts=4')
# A row has room for two of these pairs.
NARROW = 'train_cfg.row_tokens=200'


@pytest.fixture
def runs(tmp_path: Path) -> XTunerRuns:
    model = tiny_llama(tmp_path / 'model', tokenizer_folder('llama3'))
    pairs = tmp_path / 'pairs.jsonl'
    lines = [json.dumps(released_pair(question=f'What is element {i}?')) for i in range(16)]
    pairs.write_text('\n'.join(lines))
    return XTunerRuns('configs/llama3_8b_maskdpo.py', model, pairs, tmp_path)


def policy(checkpoint: Path) -> dict[str, torch.Tensor]:
    state = torch.load(checkpoint / 'mp_rank_00_model_states.pt', weights_only=False)
    found: dict[str, torch.Tensor] = state['module']
    return found


def test_llama3_config_trains_under_zero2_and_converts_to_a_model(runs: XTunerRuns) -> None:
    # 16 pairs in batches of 8, 3 epochs, batches divided into rows.
    checkpoint = runs.train('one', 6, FAST, NARROW, *ZERO2)
    folder = runs.convert(checkpoint)
    assert AutoTokenizer.from_pretrained(folder).chat_template
    converted = AutoModelForCausalLM.from_pretrained(folder, torch_dtype='auto').state_dict()
    trained = policy(checkpoint)
    assert set(trained) == {f'llm.{name}' for name in converted}
    assert all(torch.equal(trained[f'llm.{name}'], converted[name]) for name in converted)
    start = AutoModelForCausalLM.from_pretrained(runs.model, torch_dtype=torch.bfloat16)
    assert not all(
        torch.equal(value, converted[name]) for name, value in start.state_dict().items()
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason='about machines without CUDA')
def test_on_a_cpu_fp32_weights_train_in_fp32_beside_a_reference_in_fp32(runs: XTunerRuns) -> None:
    fp32 = ('model.llm.torch_dtype=torch.float32', 'default_hooks.logger.interval=1')
    checkpoint = runs.train('fp32', 6, *fp32, 'train_dataloader.batch_size=8', *ZERO2)
    assert {weight.dtype for weight in policy(checkpoint).values()} == {torch.float32}
    (scalars,) = checkpoint.parent.glob('*/vis_data/scalars.json')
    first = json.loads(scalars.read_text(encoding='utf-8').splitlines()[0])
    # Policy and reference are equal before the first step, if both are run in one format.
    assert first['loss'] == pytest.approx(math.log(2), abs=1e-6)
    assert first['rewards/margins'] == pytest.approx(0, abs=1e-5)


@pytest.mark.slow
def test_two_processes_train_and_resume_to_the_same_weights(runs: XTunerRuns) -> None:
    balanced = ('train_dataloader.sampler.type=LengthBalancedSampler',)
    evaluated = (
        'val_cfg.type=MaskDPOValLoop',
        f'val_dataloader.dataset.dataset.path={runs.pairs}',
        'val_evaluator=[]',
        'train_cfg.val_interval=4',
        'default_hooks.logger.interval=2',
    )
    shape = ('train_dataloader.batch_size=4', 'optim_wrapper.accumulative_counts=2', NARROW)
    options = (FAST, *shape, *balanced)
    straight = runs.train('two', 6, EVERY_STEP, *options, *evaluated, *ZERO2, processes=2)
    middle = straight.with_name('iter_4.pth')
    resumed = runs.train('resumed', 6, *options, *ZERO2, '--resume', middle, processes=2)
    weights = policy(straight)
    again = policy(resumed)
    assert all(torch.equal(again[name], weights[name]) for name in weights)
    assert_logs(straight.parent)
    rows, rows_again = (
        list(read_records(folder.parent / 'samples.jsonl', ResponseSample))
        for folder in (straight, resumed)
    )
    # Three prompts before and after, asked by one of the processes.
    assert [row.iteration for row in rows] == [0, 0, 0, 6, 6, 6]
    assert rows_again == rows


def assert_logs(work_dir: Path) -> None:
    """The run of 16 pairs in 3 epochs told what it would do, and what it did."""
    (log,) = work_dir.glob('*/*.log')
    said = log.read_text(encoding='utf-8')
    assert '16 pairs of ' in said
    steps = '3 epochs, 3 optimizer steps of 16 pairs (2 ranks x 4 pairs x 2 accumulated), in rows'
    assert steps in said
    assert 'memory of a process, estimated: ' in said
    (visual,) = work_dir.glob('*/vis_data')
    curves = EventAccumulator(str(visual)).Reload()
    points = {name: len(curves.Scalars(name)) for name in curves.Tags()['scalars']}
    speed = {'tokens_per_second', 'supervised_tokens_per_second', 'peak_memory', 'grad_norm'}
    rewards = {f'rewards/{name}' for name in ('chosen', 'rejected', 'accuracies', 'margins')}
    logps = {'logps/chosen', 'logps/rejected', 'token_logps/chosen', 'token_logps/rejected'}
    metrics = {'loss', *logps, *rewards}
    assert speed | {'supervised_share', *metrics} <= {name for name, n in points.items() if n == 3}
    assert {f'val/{name}' for name in metrics} <= {name for name, n in points.items() if n == 2}


@pytest.mark.slow
@pytest.mark.parametrize('name', ['zero1', 'zero2_offload', 'zero3'])
def test_the_other_deepspeed_settings_train_and_convert(runs: XTunerRuns, name: str) -> None:
    folder = runs.convert(runs.train(name, 24, FAST, *SMALL, '--deepspeed', name))
    trained, start = (AutoModelForCausalLM.from_pretrained(path) for path in (folder, runs.model))
    weight = 'model.layers.0.self_attn.q_proj.weight'
    assert not torch.equal(trained.get_parameter(weight), start.get_parameter(weight).bfloat16())


@pytest.mark.slow
def test_without_deepspeed_a_run_resumes_to_the_same_weights(runs: XTunerRuns) -> None:
    options = (FAST, *SMALL, 'model.llm.torch_dtype=torch.float32')
    straight = runs.train('plain', 24, EVERY_STEP, *options)
    middle = straight.with_name('iter_20.pth')
    resumed = runs.train('resumed', 24, *options, '--resume', middle)
    weights, again = (
        torch.load(path, weights_only=False)['state_dict'] for path in (straight, resumed)
    )
    assert all(torch.equal(again[name], weights[name]) for name in weights)


@pytest.mark.slow
def test_lora_trains_and_converts_to_an_adapter(runs: XTunerRuns) -> None:
    lora = ('model.lora.type=peft.LoraConfig', 'model.lora.r=4', 'model.lora.task_type=CAUSAL_LM')
    checkpoint = runs.train('lora', 24, FAST, *SMALL, *lora, *ZERO2)
    assert all('lora_' in name for name in policy(checkpoint))
    folder = runs.convert(checkpoint, *lora, weights='adapter_model.safetensors')
    adapter = load_file(folder / 'adapter_model.safetensors')
    moved = [value.abs().max() > 0 for name, value in adapter.items() if 'lora_B' in name]
    assert moved
    assert all(moved)
