from __future__ import annotations

from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.config import ConfigDict
from mmengine.registry import HOOKS
from torch.utils.data import DataLoader
from transformers import LlamaConfig, LlamaForCausalLM

from maskdpo_xtuner.batches.collate import mask_preference_collate_fn
from maskdpo_xtuner.batches.lengths import pair_lengths
from maskdpo_xtuner.training.monitoring import disk
from maskdpo_xtuner.training.monitoring.preflight import preflight_lines
from maskdpo_xtuner.training.monitoring.sizes import LAYOUT, largest_row, memory_of, token_counter
from tests.items import Sides, chosen_alone, sides, tokenized_pairs

LAYOUTS = [dict(zip(LAYOUT, each, strict=True)) for each in product([True, False], repeat=3)]


@given(
    st.lists(st.tuples(sides(), sides()), min_size=1, max_size=5),
    st.sampled_from(LAYOUTS),
    st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_tokens_of_a_batch_are_those_of_its_rows(
    pairs: list[Sides], layout: dict[str, bool], alone: bool
) -> None:
    dataset = tokenized_pairs(pairs)
    if alone:
        dataset = chosen_alone(dataset)
    rows = mask_preference_collate_fn(list(dataset), **layout)['data']['input_ids']
    assert token_counter(pair_lengths(dataset), layout)(range(len(pairs))) == rows.numel()


def response(length: int, supervised: int, token: int) -> tuple[list[int], list[int]]:
    """Four tokens of prompt, then the response, with its first tokens supervised."""
    ids = [1] * 4 + [token] * length
    return ids, [-100] * 4 + ids[4 : 4 + supervised] + [-100] * (length - supervised)


class Runner:
    """What the hook reads of a runner that is ready to train."""

    def __init__(self, model: Any, collate: dict[str, Any], row_tokens: int | None = None) -> None:
        self.hooks: list[Any] = []
        self.work_dir = '.'
        pairs = [(response(6, 3, 2), response(2, 2, 3)), (response(10, 1, 2), response(8, 2, 3))]
        dataset = tokenized_pairs(pairs * 2)
        self.train_dataloader = DataLoader(dataset, batch_size=2)
        self.cfg = ConfigDict(
            optim_wrapper={'accumulative_counts': 2},
            train_dataloader={'collate_fn': {'type': 'mask_preference_collate_fn', **collate}},
        )
        self.max_iters = 6
        self.train_loop = SimpleNamespace(row_tokens=row_tokens)
        self.model = model
        self.lines: list[str] = []
        self.logger = SimpleNamespace(info=self.lines.append)


@pytest.fixture(scope='module')
def model() -> Any:
    """The parts of a `MaskDPO` that the hook reads."""
    config = LlamaConfig(
        vocab_size=100,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
    )
    llm = LlamaForCausalLM(config)
    logits = SimpleNamespace(supervised_only=True, chunk_size=512)
    told = {'reference': 'cached', 'ref_llm': None, 'recomputed_share': 0.0, 'memory_budget': None}
    return SimpleNamespace(llm=llm, logits=logits, **told)


def lines_of(model: Any, **collate: Any) -> list[str]:
    runner = Runner(model, collate)
    HOOKS.build({'type': 'PreflightHook'}).before_train(runner)
    return runner.lines


def test_data_steps_and_shortcuts_are_told(model: Any) -> None:
    pairs, tokens, steps, shortcuts, trained, _, _ = lines_of(model)
    assert pairs == '4 pairs of 84 tokens, 16 of them (19.0%) supervised; the longest pair has 26'
    # Of each pair: the prompt of 4 once, and what stands before the last supervised token.
    computed = 2 * ((4 + 2 + 1) + (4 + 0 + 1))
    assert tokens.startswith(f'a rank computes {computed} tokens an epoch (')
    assert 'of the 112 that responses padded' in tokens
    assert steps == '3 epochs, 3 optimizer steps of 4 pairs (1 ranks x 2 pairs x 2 accumulated)'
    assert shortcuts == (
        'pack on, share_prompt on, cut_tail on, logits.supervised_only on; reference: cached; '
        'activations: kept'
    )
    total = sum(weight.numel() for weight in model.llm.parameters())
    assert trained == f'{total:,} of {total:,} parameters are trained'


def test_of_chosen_responses_alone_the_rejected_do_not_count(model: Any) -> None:
    runner = Runner(SimpleNamespace(**{**vars(model), 'reference': None}), {})
    loader = runner.train_dataloader
    runner.train_dataloader = DataLoader(chosen_alone(loader.dataset), batch_size=2)
    pairs, tokens, _, shortcuts, _, _, _ = preflight_lines(runner)
    assert pairs == (
        '4 pairs (their chosen responses alone) of 48 tokens, 8 of them (16.7%) supervised; '
        'the longest pair has 14'
    )
    # The prompt, and what stands before the last supervised token.
    assert tokens.startswith(f'a rank computes {2 * ((4 + 2) + (4 + 0))} tokens an epoch (')
    assert 'of the 56 that responses padded' in tokens
    assert '; reference: none; ' in shortcuts


@pytest.mark.parametrize(('strategy', 'steps'), [({}, 2), ({'strategy': {}}, 1)])
def test_deepspeed_leaves_out_the_step_that_is_not_full(
    model: Any, strategy: dict[str, Any], steps: int
) -> None:
    runner = Runner(model, {})
    runner.cfg.update(strategy)
    runner.cfg.optim_wrapper.accumulative_counts = 4
    assert f'3 epochs, {steps} optimizer steps of 8 pairs' in list(preflight_lines(runner))[2]


def test_what_is_off_is_told_and_computes_more(model: Any) -> None:
    plain = dict.fromkeys(LAYOUT, False)
    _, tokens, _, shortcuts, _, _, _ = lines_of(model, **plain)
    assert tokens.startswith('a rank computes 112 tokens an epoch (100.0% of the 112 ')
    assert shortcuts.startswith('pack off, share_prompt off, cut_tail off, ')


def test_the_memory_is_that_of_the_model_as_it_stands(model: Any) -> None:
    line = lines_of(model)[-1]
    assert line.startswith('memory of a process, estimated: 0.0 GiB (weights 0.0, gradients 0.0, ')
    assert 'reference' not in line
    assert 'buffers' not in line
    with_reference = SimpleNamespace(**{**vars(model), 'ref_llm': model.llm})
    assert 'reference 0.0' in lines_of(with_reference)[-1]


def test_weights_of_4_bits_count_as_the_parameters_that_they_are(model: Any) -> None:
    runner = Runner(model, {})
    shape, settings = memory_of(runner, model)
    head = model.llm.lm_head.weight
    # As bitsandbytes keeps them: two in a byte, with the shape beside.
    packed = torch.nn.Parameter(torch.zeros(head.numel() // 2, 1, dtype=torch.uint8), False)
    packed.quant_state = SimpleNamespace(shape=head.shape)  # type: ignore[attr-defined]
    others = [weight for weight in model.llm.parameters() if weight is not head]
    config = model.llm.config
    llm = SimpleNamespace(config=config, parameters=lambda: iter([*others, packed]))
    quantized = SimpleNamespace(**{**vars(model), 'llm': llm})
    other_shape, other = memory_of(runner, quantized)
    assert other_shape == shape
    saved = settings.weight_bytes * shape.parameters - other.weight_bytes * shape.parameters
    assert saved == pytest.approx(3.5 * head.numel())
    assert other.trainable == shape.parameters - head.numel()


def test_rows_bound_what_the_model_gets(model: Any) -> None:
    steps = [list(preflight_lines(Runner(model, {}, limit)))[2] for limit in (None, 8)]
    assert steps[0].endswith(' accumulated)')
    assert steps[1] == f'{steps[0]}, in rows of at most 8 tokens'
    lengths = pair_lengths(Runner(model, {}).train_dataloader.dataset)
    layout = dict.fromkeys(LAYOUT, True)
    # Two of the pairs have seven tokens, and two have five.
    assert [largest_row(lengths, layout, 3, limit) for limit in (None, 100, 8)] == [19, 19, 8]


def test_the_share_of_recomputed_layers_is_told(model: Any) -> None:
    def activations(share: float) -> str:
        told = SimpleNamespace(**{**vars(model), 'recomputed_share': share})
        return lines_of(told)[3].partition('activations: ')[2]

    assert [activations(share) for share in (0.0, 0.5, 1.0)] == [
        'kept',
        'recomputed in 1 of 2 layers',
        'recomputed',
    ]


def checkpoints(model: Any, hook: dict[str, Any], deepspeed: bool = True) -> str:
    runner = Runner(model, {})
    runner.hooks = [HOOKS.build(hook)]
    if deepspeed:
        runner.cfg.strategy = {'gradient_accumulation_steps': 2}
    runner.max_iters = 10
    return list(preflight_lines(runner))[-2]


def test_the_disk_that_checkpoints_take_is_told(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = sum(weight.numel() for weight in model.llm.parameters()) * (4 + 12)
    monkeypatch.setattr(disk, 'GIB', size)
    monkeypatch.setattr('shutil.disk_usage', lambda folder: SimpleNamespace(free=3 * size))
    every_2 = {'type': 'StepCheckpointHook', 'interval': 2, 'max_keep_ckpts': 2}
    assert checkpoints(model, every_2) == (
        'checkpoints: every 2 optimizer steps and at the end; 1.0 GiB each, 3.0 GiB at most (3 of '
        'them) of the 3.0 GiB that are free in .'
    )
    assert ', 0.8 GiB each' not in checkpoints(model, every_2, deepspeed=False)
    assert '; 0.8 GiB each' in checkpoints(model, every_2, deepspeed=False)
    each = {'type': 'StepCheckpointHook', 'interval': 1, 'max_keep_ckpts': -1}
    assert checkpoints(model, each).endswith('5.0 GiB at most (5 of them) of the 3.0 GiB that are '
                                             'free in .: TOO LITTLE')  # fmt: skip
    last = {'type': 'CheckpointHook', 'by_epoch': False}
    assert checkpoints(model, last).startswith('checkpoints: at the end; 1.0 GiB each, 1.0 GiB at')


def test_the_file_of_the_pairs_is_named(model: Any) -> None:
    runner = Runner(model, {})
    runner.cfg.train_dataloader.dataset = {'dataset': {'path': 'pairs.jsonl'}}
    assert next(preflight_lines(runner)).startswith('pairs.jsonl: 4 pairs of ')


def test_what_comes_next_is_said_when_it_ends(model: Any) -> None:
    runner = Runner(model, {})
    HOOKS.build({'type': 'PreflightHook'}).after_train(runner)
    (line,) = runner.lines
    assert 'maskdpo convert pth_to_hf CONFIG "$(cat ./last_checkpoint)" FOLDER' in line
