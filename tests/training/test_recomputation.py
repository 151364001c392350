"""``use_activation_checkpointing='auto'``: as few layers are recomputed as the memory allows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import ConfigDict

from maskdpo_xtuner.training import recomputation
from maskdpo_xtuner.training.monitoring import room
from maskdpo_xtuner.training.monitoring.memory import (
    GIB,
    MemorySettings,
    ModelShape,
    estimate_memory,
)
from maskdpo_xtuner.training.monitoring.preflight import preflight_lines
from maskdpo_xtuner.training.recomputation import (
    UNCERTAINTY,
    choose_recomputation,
    least_share,
    recomputed_share,
)
from tests.training.monitoring.test_preflight import Runner
from tests.training.reference.runners import LORA
from tests.training.test_model import config

SHAPE = ModelShape(8_030_261_248, 32, 4096, 14336, 128256)
SETTINGS = [
    MemorySettings(tokens, zero_stage=stage, world_size=ranks, reference=False)
    for tokens in (0, 1024, 16384)
    for stage, ranks in ((0, 1), (2, 8), (3, 8))
]
budgets = st.floats(0, 400e9)


def needed(settings: MemorySettings, share: float) -> float:
    """What is held, and of what comes and goes as much as it may be."""
    estimate = estimate_memory(SHAPE, replace(settings, recomputed=share))
    return estimate.held + UNCERTAINTY * (estimate.total - estimate.held)


@given(st.sampled_from(SETTINGS), budgets)
def test_it_never_takes_more_than_there_is_and_no_less_than_fits(
    settings: MemorySettings, budget: float
) -> None:
    share = least_share(SHAPE, settings, budget)
    fewer = [number / 32 for number in range(32) if number / 32 < share]
    assert share == 1 or needed(settings, share) <= budget
    assert all(needed(settings, each) > budget for each in fewer)


@given(st.sampled_from(SETTINGS), budgets, budgets)
def test_more_memory_never_recomputes_more(
    settings: MemorySettings, one: float, other: float
) -> None:
    less, more = sorted((one, other))
    assert least_share(SHAPE, settings, more) <= least_share(SHAPE, settings, less)


def test_without_memory_all_is_recomputed_and_with_enough_nothing() -> None:
    for settings in SETTINGS:
        assert least_share(SHAPE, settings, 0.0) == 1
        assert least_share(SHAPE, settings, 2e12) == 0


def test_a_model_that_cannot_tell_its_layers_apart_has_all_or_none() -> None:
    settings = MemorySettings(8192, world_size=8, reference=False)
    budget = needed(settings, 0.5)
    assert 0 < least_share(SHAPE, settings, budget) < 1
    assert least_share(SHAPE, settings, budget, by_layer=False) == 1
    assert least_share(SHAPE, settings, needed(settings, 0.0), by_layer=False) == 0


def test_the_setting_is_read() -> None:
    found = [recomputed_share(setting) for setting in (True, False, 0.25, 'auto')]
    assert found == [1, 0, 0.25, 1]
    with pytest.raises(ValueError, match=r"must be True, False, 'auto' or a share .* not 'most'"):
        recomputed_share('most')


def layers_that_are_recomputed(model: Any) -> int:
    """How many layers run again in a backward pass."""
    begun = []
    ids = torch.arange(12).view(1, -1)
    loss = model.llm(ids).logits.sum()
    for layer in model.llm.model.layers:
        layer.register_forward_pre_hook(lambda *_: begun.append(1))
    loss.backward()
    return len(begun)


@pytest.mark.parametrize(('layers', 'said'), [(0, 'kept'), (1, 'in 1 of 2 layers'), (2, '')])
def test_the_choice_is_made_for_the_model_and_said(
    tiny_model: Path, layers: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = recomputation_of(tiny_model)
    runner = Runner(built, {})
    # Of two layers one saves nothing, so that the share is given here.
    monkeypatch.setattr(recomputation, 'memory_for_training', lambda held: 3.0 * GIB)
    monkeypatch.setattr(recomputation, 'least_share', lambda *args, **kw: layers / 2)
    choose_recomputation(runner, built)
    lines = list(preflight_lines(runner))
    assert lines[3].endswith(f'{said} (auto)')
    assert lines[-1].endswith('; 3.0 GiB are there for this process')
    assert layers_that_are_recomputed(built) == layers


def recomputation_of(folder: Path) -> Any:
    from xtuner.registry import BUILDER

    options: dict[str, Any] = {'reference': 'cached', 'use_activation_checkpointing': 'auto'}
    built = BUILDER.build(config(folder, **options)).train()
    assert built.recomputed_share == 1
    return built


def test_an_adapter_line_stands_in_the_preflight(tiny_model: Path) -> None:
    runner = Runner(recomputation_of(tiny_model), {})
    runner.cfg.model = ConfigDict(peft_model='first', lora=LORA)
    assert list(preflight_lines(runner))[4].startswith('the adapter first is trained on; ')


def test_on_a_cpu_processes_share_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, 'get_device', lambda: 'cpu')
    monkeypatch.setattr(room, 'group_memory', lambda: 8e9)
    monkeypatch.setattr(psutil, 'virtual_memory', lambda: SimpleNamespace(available=9e9))
    own = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=3e9))
    monkeypatch.setattr(psutil, 'Process', lambda: own)
    monkeypatch.delenv('LOCAL_WORLD_SIZE', raising=False)
    assert room.memory_for_training(held=2e9) == 8e9 + 2e9
    assert room.memory_for_training(held=5e9) == 8e9 + 3e9
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '4')
    assert room.memory_for_training(held=2e9) == 2e9 + 2e9


def test_a_container_has_what_its_limit_leaves(tmp_path: Path) -> None:
    assert room.group_memory(tmp_path) == float('inf')
    for name, text in (('current', '700\n'), ('stat', 'anon 500\ninactive_file 200\n')):
        (tmp_path / f'memory.{name}').write_text(text)
    (tmp_path / 'memory.max').write_text('1000\n')
    assert room.group_memory(tmp_path) == 1000 - 700 + 200
    (tmp_path / 'memory.max').write_text('max\n')
    assert room.group_memory(tmp_path) == float('inf')


def test_a_gpu_has_what_is_free_and_what_torch_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, 'get_device', lambda: 'cuda')
    monkeypatch.setattr(torch.cuda, 'mem_get_info', lambda: (30, 80))
    monkeypatch.setattr(torch.cuda, 'memory_reserved', lambda: 40)
    assert room.memory_for_training(held=0.0) == 70
    monkeypatch.setattr(room, 'get_device', lambda: 'npu')
    assert room.memory_for_training(held=0.0) == 0
