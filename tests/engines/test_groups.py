from __future__ import annotations

from collections.abc import Iterator
from threading import Event, get_ident
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from maskdpo_xtuner.engines import groups
from maskdpo_xtuner.engines.base import Sampling
from maskdpo_xtuner.engines.decoding import Interrupted, Rows, decode
from maskdpo_xtuner.engines.grouped_attention import enable_grouped_attention
from maskdpo_xtuner.engines.groups import LEAST_ROWS, decode_in_groups
from tests.models import tiny_llama
from tests.tokenizers import tokenizer_folder

SAMPLING = Sampling(9, temperature=1.5, top_k=0)
PROMPTS = [[5, 6, 7, 8, 9, 10, 11], [300, 12], [42, 17, 99]]
COUNT = 2 * LEAST_ROWS + 5
ROWS = Rows(PROMPTS, [number % 3 for number in range(COUNT)], range(1, COUNT + 1))


@pytest.fixture(scope='module')
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tiny_llama(tmp_path_factory.mktemp('tiny'), tokenizer_folder('smollm2'))
    # In fp64 rounding cannot hide or fake a difference between groups.
    return AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float64).eval()


@pytest.fixture
def model(loaded: Any) -> Any:
    enable_grouped_attention(loaded)
    return loaded


@pytest.fixture
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def threads_of_steps(model: Any, rows: Rows = ROWS, at_once: int = 16) -> set[tuple[int, int, int]]:
    """Threads that ran steps, with torch's threads and the rows of the step."""
    seen: set[tuple[int, int, int]] = set()

    def look(module: Any, args: Any, kwargs: Any) -> None:
        seen.add((get_ident(), torch.get_num_threads(), len(kwargs['input_ids'])))

    with model.register_forward_pre_hook(look, with_kwargs=True):
        decode_in_groups(model, rows, SAMPLING, set(), Event(), at_once=at_once)
    return seen


@pytest.mark.parametrize('at_once', [1, 2, 5, 16, 100])
def test_groups_write_what_one_batch_writes(model: Any, at_once: int) -> None:
    expected = decode(model, ROWS, SAMPLING, set(), Event())
    ends = {expected[0][2], expected[5][5], expected[-1][3]}
    alone = decode(model, ROWS, SAMPLING, ends, Event())
    assert decode_in_groups(model, ROWS, SAMPLING, ends, Event(), at_once=at_once) == alone


@pytest.mark.parametrize('at_once', [1, 16])
def test_rows_are_counted_as_they_end(model: Any, at_once: int) -> None:
    ended: list[int] = []
    decode_in_groups(model, ROWS, SAMPLING, set(), Event(), at_once=at_once, on_end=ended.append)
    assert sum(ended) == COUNT
    assert len(ended) > 1


def test_two_threads_share_rows_and_the_threads_of_torch(model: Any, four_threads: None) -> None:
    seen = threads_of_steps(model)
    assert len({thread for thread, _, _ in seen}) == 2
    assert get_ident() not in {thread for thread, _, _ in seen}
    assert {threads for _, threads, _ in seen} == {2}
    assert max(rows for _, _, rows in seen) == 8
    assert torch.get_num_threads() == 4


def test_no_more_threads_than_torch_may_use(model: Any) -> None:
    torch.set_num_threads(1)
    assert len({thread for thread, _, _ in threads_of_steps(model)}) == 1


def test_few_rows_stay_together(model: Any, four_threads: None) -> None:
    few = Rows(PROMPTS, [0] * 15, range(15))
    assert threads_of_steps(model, few) == {(get_ident(), 4, 15)}


@pytest.mark.parametrize('kind', ['dynamic', 'longrope'])
def test_a_model_that_changes_with_its_rows_stays_with_one_thread(
    model: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model.model.rotary_emb, 'rope_type', kind)
    assert {thread for thread, _, _ in threads_of_steps(model)} == {get_ident()}


def test_a_model_with_code_of_its_own_stays_with_one_thread(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model.config, '_attn_implementation', 'sdpa')
    assert {thread for thread, _, _ in threads_of_steps(model)} == {get_ident()}


def test_a_stop_interrupts_both_groups(model: Any, four_threads: None) -> None:
    stop = Event()
    hook = model.register_forward_pre_hook(lambda module, args: stop.set())
    with hook, pytest.raises(Interrupted):
        decode_in_groups(model, ROWS, SAMPLING, set(), stop, at_once=16)
    assert torch.get_num_threads() == 4


def test_an_error_of_one_group_is_raised(
    model: Any, four_threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(model: Any, rows: Rows, *args: Any, **options: Any) -> list[list[int]]:
        if rows.seeds[0] > 1:
            raise RuntimeError('out of memory')
        return decode(model, rows, *args, **options)

    monkeypatch.setattr(groups, 'decode', fail)
    with pytest.raises(RuntimeError, match='out of memory'):
        decode_in_groups(model, ROWS, SAMPLING, set(), Event(), at_once=16)
    assert torch.get_num_threads() == 4
