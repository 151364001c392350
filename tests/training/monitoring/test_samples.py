"""Answers before and after, by tiny models in real training loops."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from transformers import AutoTokenizer
from xtuner.registry import BUILDER

from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.records import Message
from maskdpo_xtuner.training import SamplesHook, mask_preference_collate_fn
from maskdpo_xtuner.training.data.prompts import sample_prompts
from maskdpo_xtuner.training.monitoring.samples import (
    ResponseSample,
    greedy_responses,
    prompt_source,
)
from tests.preference_items import random_items
from tests.preference_pairs import WritePairs, released_pair
from tests.xtuner_runs import ROOT


def questions(*words: str) -> list[dict[str, Any]]:
    return [released_pair(question=f'What is {word}?') for word in words]


def prompt(text: str) -> list[Message]:
    return [Message(role='user', content=text)]


def run(folder: Path, model: Path, pairs: Path, **changes: Any) -> Path:
    """Train on the pairs in the work directory ``folder``."""
    config = Config.fromfile(ROOT / 'configs/smollm2_135m_maskdpo.py')
    for part in (config.model.llm, config.tokenizer):
        part.pretrained_model_name_or_path = str(model)
    config.merge_from_dict(
        {
            'train_dataloader.dataset.dataset.path': str(pairs),
            'train_dataloader.batch_size': 1,
            'train_cfg.max_epochs': 1,
            'default_hooks.checkpoint.interval': 2,
            'default_hooks.samples.max_new_tokens': 5,
            'optim_wrapper.optimizer.lr': 1e-1,
            'work_dir': str(folder),
            **changes,
        }
    )
    config.visualizer.vis_backends = []
    config.experiment_name = folder.name
    Runner.from_cfg(config).train()
    return folder


def samples(folder: Path) -> list[ResponseSample]:
    return list(read_records(folder / 'samples.jsonl', ResponseSample))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(folder / 'iter_4.pth', weights_only=False)[
        'state_dict'
    ]
    return found


def test_answers_before_and_after_are_kept_and_training_is_left_as_it_is(
    tiny_model: Path, write_pairs: WritePairs, tmp_path: Path
) -> None:
    pairs = write_pairs(questions('tin', 'lead', 'zinc', 'gold'))
    sampled, plain = (
        run(tmp_path / name, tiny_model, pairs, **{'train_cfg.sample_every': every})
        for name, every in (('sampled', 2), ('plain', 0))
    )
    rows = samples(sampled)
    assert [row.iteration for row in rows] == [0, 0, 0, 2, 2, 2, 4, 4, 4]
    for start in (0, 3, 6):
        asked = [row.prompt for row in rows[start : start + 3]]
        assert asked == [prompt(f'What is {word}?') for word in ('tin', 'lead', 'zinc')]
    before, after = rows[:3], rows[6:]
    assert [row.answer_before for row in after] == [row.answer_now for row in before]
    assert [row.answer_now for row in after] != [row.answer_now for row in before]
    (log,) = sampled.glob('*/*.log')
    assert f'sample after 4 iterations: What is tin?\n    before: {before[0].answer_now}\n' in (
        log.read_text(encoding='utf-8')
    )
    assert not (plain / 'samples.jsonl').exists()
    trained = weights(plain)
    assert all(torch.equal(value, trained[name]) for name, value in weights(sampled).items())
    # Another run that goes on from the second iteration knows the first answers.
    going_on = {'load_from': str(sampled / 'iter_2.pth'), 'resume': True}
    resumed = samples(run(tmp_path / 'resumed', tiny_model, pairs, **going_on))
    assert resumed == rows


def build(folder: Path, **options: Any) -> Any:
    llm = {
        'type': 'transformers.AutoModelForCausalLM.from_pretrained',
        'pretrained_model_name_or_path': str(folder),
    }
    config = ConfigDict(type='MaskDPO', llm=llm, reference='model', **options)
    return BUILDER.build(config).train()


LORA = {'type': 'peft.LoraConfig', 'r': 4, 'task_type': 'CAUSAL_LM'}


@pytest.mark.parametrize('options', [{}, {'lora': LORA}], ids=['full', 'lora'])
def test_an_answer_is_the_models_own_greedy_one_in_any_company(
    tiny_model: Path, options: dict[str, Any]
) -> None:
    model, tokenizer = build(tiny_model, **options), AutoTokenizer.from_pretrained(tiny_model)
    prompts = [prompt('What is tin?'), prompt('What is the atomic number of lead, please?')]
    torch.manual_seed(0)
    state = torch.get_rng_state()
    together = greedy_responses(model, tokenizer, prompts, 6)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert model.llm.training
    # From here on attention is the trainer's, within sequences.
    model.compute_loss(**mask_preference_collate_fn(random_items(0)))['loss'].mean().backward()
    assert greedy_responses(model, tokenizer, prompts, 6) == together
    model.eval()
    for messages, response in zip(prompts, together, strict=True):
        ids = tokenizer.apply_chat_template(
            [message.model_dump() for message in messages],
            add_generation_prompt=True,
            return_tensors='pt',
        )
        start = ids.shape[1]
        for _ in range(6):
            best = model.llm(ids).logits[0, -1].argmax().view(1, 1)
            ids = torch.cat((ids, best), dim=1)
        assert tokenizer.decode(ids[0, start:], skip_special_tokens=True) == response


def test_prompts_stand_apart_and_differ(write_pairs: WritePairs) -> None:
    words = ['tin', 'tin', 'tin', 'tin', 'lead', 'lead', 'zinc', 'gold']
    path = write_pairs(questions(*words))
    data = {'dataset': {'type': 'load_preference_pairs', 'path': str(path)}}
    asked = [each[0].content for each in sample_prompts(data, 3)]
    assert asked == ['What is tin?', 'What is lead?', 'What is zinc?']
    assert len(sample_prompts(data, 9)) == 4


def test_held_out_pairs_are_asked_where_the_config_has_some() -> None:
    config = Config.fromfile(ROOT / 'configs/smollm2_135m_maskdpo_val.py')
    assert prompt_source(config)['dataset']['part'] == 'held_out'
    config = Config.fromfile(ROOT / 'configs/smollm2_135m_maskdpo.py')
    assert 'part' not in prompt_source(config)['dataset']
    config.train_dataloader.dataset.dataset.held_out = 0.1
    assert prompt_source(config)['dataset']['part'] == 'held_out'
    assert 'part' not in config.train_dataloader.dataset.dataset


def test_under_zero3_the_log_says_why_there_are_none() -> None:
    said: list[str] = []
    runner = SimpleNamespace(
        train_loop=SimpleNamespace(sample_every=None),
        max_iters=4,
        iter=4,
        model=SimpleNamespace(zero_optimization_stage=lambda: 3),
        logger=SimpleNamespace(info=said.append),
    )
    hook = SamplesHook()
    hook.before_train(runner)
    hook.after_train(runner)
    assert said == [
        'no samples of answers: under ZeRO-3 no process has the whole weights to generate'
    ]
