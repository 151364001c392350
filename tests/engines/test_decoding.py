from __future__ import annotations

from threading import Event
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from maskdpo_xtuner.engines import decoding, grouped_attention
from maskdpo_xtuner.engines.base import Sampling
from maskdpo_xtuner.engines.decoding import (
    Interrupted,
    Rows,
    choose_tokens,
    decode,
    draw_uniforms,
)
from maskdpo_xtuner.engines.grouped_attention import enable_grouped_attention
from tests.models import tiny_llama
from tests.tokenizers import tokenizer_folder

SAMPLINGS = [
    Sampling(1, temperature=1.0, top_k=0),
    Sampling(1, temperature=0.8, top_k=5),
    Sampling(1, temperature=1.3, top_k=0, top_p=0.6),
    Sampling(1, temperature=0.8, top_k=9, top_p=0.9),
    Sampling(1, temperature=0.8, top_k=100),
]
LOGITS = torch.linspace(-2, 2, 16)[torch.randperm(16, generator=torch.Generator().manual_seed(0))]
GREEDY = Sampling(12, temperature=0)
PROMPTS = [[5, 6, 7, 8, 9, 10, 11], [300, 12], [42, 17, 99]]


@pytest.fixture(scope='module')
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tiny_llama(tmp_path_factory.mktemp('tiny'), tokenizer_folder('smollm2'))
    # In fp64 rounding cannot hide or fake a difference between batches.
    return AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float64).eval()


def probabilities_of_transformers(sampling: Sampling) -> torch.Tensor:
    """(vocabulary,); what transformers itself would sample from."""
    warpers = LogitsProcessorList([TemperatureLogitsWarper(sampling.temperature)])
    if sampling.top_k:
        warpers.append(TopKLogitsWarper(min(sampling.top_k, len(LOGITS))))
    if sampling.top_p < 1:
        warpers.append(TopPLogitsWarper(sampling.top_p))
    scores = warpers(torch.zeros(1, 1, dtype=torch.long), LOGITS[None].clone())
    found: torch.Tensor = scores.double().softmax(dim=-1)[0]
    return found


def shares(sampling: Sampling, uniforms: torch.Tensor) -> torch.Tensor:
    tokens = choose_tokens(LOGITS.expand(len(uniforms), -1), sampling, uniforms)
    return torch.bincount(tokens, minlength=len(LOGITS)).double() / len(uniforms)


@pytest.mark.parametrize('sampling', SAMPLINGS, ids=str)
def test_evenly_spaced_uniforms_give_each_token_its_probability(sampling: Sampling) -> None:
    count = 100_000
    uniforms = (torch.arange(count, dtype=torch.float64) + 0.5) / count
    expected = probabilities_of_transformers(sampling)
    # Rounding may move one uniform across each border between two tokens.
    torch.testing.assert_close(shares(sampling, uniforms), expected, rtol=0, atol=2 / count)


@pytest.mark.parametrize('sampling', SAMPLINGS, ids=str)
def test_seeds_draw_from_the_categorical_distribution(sampling: Sampling) -> None:
    count = 20_000
    expected = probabilities_of_transformers(sampling)
    kept = expected > 0
    observed = shares(sampling, draw_uniforms(range(1, count + 1), 1)[:, 0])
    assert not observed[~kept].any()
    chi_square = count * ((observed - expected)[kept] ** 2 / expected[kept]).sum()
    # The 99.9 % point of chi-square with 15 degrees of freedom, the most that any case has.
    assert chi_square < 37.7


def test_a_uniform_that_rounds_up_to_the_whole_mass_gives_the_last_kept_token() -> None:
    uniforms = torch.ones(1, dtype=torch.float64)
    for sampling in SAMPLINGS:
        expected = probabilities_of_transformers(sampling)
        token = choose_tokens(LOGITS[None], sampling, uniforms)
        assert expected[token] == expected[expected > 0].min()


def test_greedy_and_top_k_of_one_take_the_most_likely_token() -> None:
    uniforms = torch.rand(7, dtype=torch.float64)
    logits = torch.randn(7, 16)
    for sampling in (Sampling(1, temperature=0), Sampling(1, top_k=1)):
        assert choose_tokens(logits, sampling, uniforms).equal(logits.argmax(dim=-1))


def test_uniforms_of_a_row_follow_from_its_seed_alone() -> None:
    together = draw_uniforms([1, 2, 3], 20)
    assert draw_uniforms([3], 20).equal(together[2:])
    assert len(together.unique()) == 60


def test_greedy_decoding_is_that_of_transformers(model: Any) -> None:
    rows = Rows(PROMPTS, [0, 1, 2], seeds=[1, 1, 1])
    written = decode(model, rows, GREEDY, set(), Event())
    for prompt, new in zip(PROMPTS, written, strict=True):
        ids = torch.tensor([prompt])
        whole = model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12,
            eos_token_id=None, pad_token_id=0,
        )  # fmt: skip
        assert new == whole[0, len(prompt) :].tolist()


def test_a_row_gives_the_same_alone_and_among_others(model: Any) -> None:
    sampling = Sampling(12, temperature=1.5, top_k=0)
    prompts, seeds = [2, 0, 1, 0, 2, 0], [11, 12, 13, 14, 15, 16]
    together = decode(model, Rows(PROMPTS, prompts, seeds), sampling, set(), Event())
    for prompt, seed, new in zip(prompts, seeds, together, strict=True):
        alone = Rows([PROMPTS[prompt]], [0], [seed])
        assert decode(model, alone, sampling, set(), Event()) == [new]
    assert len({tuple(new) for new in together}) == 6


def test_positions_count_from_the_prompt_and_not_from_its_padding(model: Any) -> None:
    seen: list[list[int]] = []
    hook = model.base_model.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(kwargs['position_ids'][1].tolist()),
        with_kwargs=True,
    )
    rows = Rows([PROMPTS[0], PROMPTS[2]], [0, 1], seeds=[1, 1])
    with hook:
        decode(model, rows, Sampling(3, temperature=0), set(), Event())
    assert seen == [[0, 0, 0, 0, 0, 1], [2], [3], [4]]


def test_rows_end_at_an_end_token_and_leave_the_others_alone(model: Any) -> None:
    sampling = Sampling(12, temperature=1.5, top_k=0)
    rows = Rows(PROMPTS, [0, 0, 1, 2], seeds=[1, 2, 3, 4])
    free = decode(model, rows, sampling, set(), Event())
    ends = {free[0][3], free[2][0], free[3][7]}
    written = decode(model, rows, sampling, ends, Event())
    for unbounded, new in zip(free, written, strict=True):
        place = next((n for n, token in enumerate(unbounded) if token in ends), 11)
        assert new == unbounded[: place + 1]
    assert {len(new) for new in written} >= {1, 4}


def test_work_is_done_for_living_rows_only(model: Any) -> None:
    rows = Rows(PROMPTS[:2], [0, 1], seeds=[1, 2])
    first = decode(model, rows, GREEDY, set(), Event())
    ended = next(token for token in first[0] if token not in first[1])
    seen: list[int] = []
    hook = model.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(len(kwargs['input_ids'])), with_kwargs=True
    )
    with hook:
        decode(model, rows, GREEDY, {ended}, Event())
    alone = len(first[0]) - 1 - first[0].index(ended)
    assert seen[-alone:] == [1] * alone
    assert set(seen[:-alone]) == {2}


def test_a_stop_interrupts(model: Any) -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Interrupted):
        decode(model, Rows(PROMPTS, [0], [1]), GREEDY, set(), stop)


@pytest.mark.parametrize('at_once', [1, 2, 3, 5, 7, 9])
@pytest.mark.parametrize('move_on', [1, 3, 64])
def test_rows_that_wait_take_the_places_of_rows_that_end(
    model: Any, at_once: int, move_on: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, 'MOVE_ON', move_on)
    sampling = Sampling(9, temperature=1.5, top_k=0)
    prompts, seeds = [1, 1, 0, 0, 2, 1, 0, 2, 2], list(range(1, 10))
    free = decode(model, Rows(PROMPTS, prompts, seeds), sampling, set(), Event())
    ends = {free[0][2], free[3][0], free[4][5], free[6][3]}
    expected = [
        new[: next((n for n, token in enumerate(new) if token in ends), 8) + 1] for new in free
    ]
    rows = Rows(PROMPTS, prompts, seeds)
    assert decode(model, rows, sampling, ends, Event(), at_once=at_once) == expected
    assert len({len(new) for new in expected}) >= 3


def test_places_are_filled_while_rows_wait(model: Any) -> None:
    rows = Rows(PROMPTS, [0, 1, 2] * 4, seeds=list(range(1, 13)))
    sampling = Sampling(12, temperature=1.5, top_k=0)
    free = decode(model, rows, sampling, set(), Event())
    ends = {new[3 + place % 4] for place, new in enumerate(free)}
    seen: list[int] = []
    hook = model.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(len(kwargs['input_ids'])), with_kwargs=True
    )
    with hook:
        written = decode(model, rows, sampling, ends, Event(), at_once=4)
    assert max(seen) == 4
    assert sum(seen) == sum(map(len, written))
    waits = 12 - 4
    assert seen[:waits] == [4] * waits


def test_rows_of_one_prompt_that_begin_together_read_it_once(model: Any) -> None:
    read: list[int] = []
    hook = model.base_model.register_forward_pre_hook(
        lambda module, args, kwargs: read.append(kwargs['input_ids'].numel()), with_kwargs=True
    )
    with hook:
        decode(model, Rows(PROMPTS, [0] * 6, range(1, 7)), Sampling(1), set(), Event())
    assert read == [len(PROMPTS[0]) - 1, 6]


@pytest.mark.parametrize('at_once', [None, 3])
def test_grouped_attention_changes_nothing(
    at_once: int | None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tiny_llama(tmp_path_factory.mktemp('tiny'), tokenizer_folder('smollm2'))
    model = AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float64).eval()
    rows = Rows(PROMPTS, [2, 0, 1, 0, 2, 0], seeds=range(1, 7))
    sampling = Sampling(12, temperature=1.5, top_k=0)
    expected = decode(model, rows, sampling, set(), Event(), at_once=at_once)
    enable_grouped_attention(model)
    assert model.config._attn_implementation == grouped_attention.NAME
    assert decode(model, rows, sampling, set(), Event(), at_once=at_once) == expected
    ids = torch.tensor([PROMPTS[0]])
    grouped = model(ids).logits
    model.config._attn_implementation = 'sdpa'
    torch.testing.assert_close(grouped, model(ids).logits, rtol=1e-12, atol=1e-12)


def test_grouped_attention_needs_no_mask_for_rows_of_one_length(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_llama(tmp_path_factory.mktemp('tiny'), tokenizer_folder('smollm2'))
    model = AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float64).eval()
    rows = Rows([PROMPTS[0]], [0, 0, 0], seeds=range(1, 4))
    sampling = Sampling(12, temperature=1.5, top_k=0)
    expected = decode(model, rows, sampling, set(), Event())
    enable_grouped_attention(model)
    # transformers' function, which copies the keys for every query, sees the prompt alone.
    lengths: list[int] = []

    def look(module: Any, query: torch.Tensor, *args: Any, **options: Any) -> Any:
        lengths.append(query.shape[2])
        return sdpa_attention_forward(module, query, *args, **options)

    monkeypatch.setattr(grouped_attention, 'sdpa_attention_forward', look)
    assert decode(model, rows, sampling, set(), Event()) == expected
    assert 1 not in lengths
