"""LMDeploy's own pipeline in this process, over a stand-in for TurboMind."""

from __future__ import annotations

import asyncio
import gc
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.engines.base import Completion, Failure, Sampling
from maskdpo_xtuner.engines.lmdeploy import LMDeployEngine
from tests.engines.requests import ask, gather, request_of
from tests.engines.stand_in import StandIn, async_engine_class, stand_in_turbomind


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this machine pass for one with a GPU, in the eyes of our check alone."""
    monkeypatch.setattr('maskdpo_xtuner.engines.lmdeploy._check_machine', lambda device: None)


@pytest.fixture
def built(gpu: None) -> Iterator[list[StandIn]]:
    """The stand-ins that LMDeploy takes for TurboMind."""
    with stand_in_turbomind() as stand_ins:
        yield stand_ins


def engine_of(model: Path, **options: Any) -> LMDeployEngine:
    timeout = options.pop('timeout', 60.0)
    return LMDeployEngine(str(model), timeout=timeout, options=options)


def failure_of(engine: LMDeployEngine, content: str) -> Failure:
    (outcome,) = ask(engine, request_of(content))
    assert isinstance(outcome, Failure)
    return outcome


def test_an_answer_comes_with_its_finish_reason_and_counts(
    model_folder: Path, built: list[StandIn]
) -> None:
    done, cut = ask(
        engine_of(model_folder),
        request_of('hello'),
        request_of('[long]', sampling=Sampling(max_new_tokens=3)),
    )
    ids = next(seen['input_ids'] for seen in built[0].seen if 'hello' in seen['prompt'])
    assert done == Completion('answer to seed 7', 'stop', len(ids), 5)
    assert isinstance(cut, Completion)
    assert (cut.finish_reason, cut.completion_tokens) == ('length', 3)


def test_the_sampling_and_a_seed_of_its_own_arrive_with_every_request(
    model_folder: Path, built: list[StandIn]
) -> None:
    sampling = Sampling(max_new_tokens=9, temperature=0.35, top_k=5, top_p=0.75)
    requests = [request_of('q', seed=n, sampling=sampling) for n in range(1, 33)]
    outcomes = ask(engine_of(model_folder), *requests)
    assert [outcome.text for outcome in outcomes if isinstance(outcome, Completion)] == [
        f'answer to seed {n}' for n in range(1, 33)
    ]
    fields = ('max_new_tokens', 'temperature', 'top_k', 'top_p', 'repetition_penalty')
    assert {tuple(seen[name] for name in fields) for seen in built[0].seen} == {
        (9, 0.35, 5, 0.75, 1.0)
    }


def test_temperature_zero_is_greedy(model_folder: Path, built: list[StandIn]) -> None:
    greedy = Sampling(max_new_tokens=4, temperature=0, top_k=40)
    ask(engine_of(model_folder), request_of('hello', sampling=greedy))
    assert built[0].seen[0]['top_k'] == 1


def test_the_prompt_is_rendered_by_the_tokenizers_own_template(
    model_folder: Path, built: list[StandIn]
) -> None:
    from transformers import AutoTokenizer

    request = request_of('one', 'two', 'three')
    ask(engine_of(model_folder), request)
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    turns = [message.model_dump() for message in request.messages]
    expected = tokenizer.apply_chat_template(turns, add_generation_prompt=True)
    assert built[0].seen[0]['input_ids'] == expected


@pytest.mark.parametrize(
    ('content', 'reason', 'transient'),
    # Since v0.18 LMDeploy raises, with a text of its own.
    [
        ('[error]', 'error: internal error happened|RequestError: .*internal', True),
        ('[too long]', 'INPUT_LENGTH_ERROR|RequestError: .*(context|length)', False),
        ('[raise]', 'the engine ended without an answer|RequestError: .*internal', True),
        ('[break off]', 'the answer broke off|RequestError: .*internal', True),
    ],
)
def test_trouble_of_the_engine_is_never_an_answer(
    model_folder: Path, built: list[StandIn], content: str, reason: str, transient: bool
) -> None:
    failure = failure_of(engine_of(model_folder), content)
    assert re.search(reason, failure.reason, re.IGNORECASE)
    assert failure.transient is transient


def test_a_failed_request_leaves_the_others_alone(model_folder: Path, built: list[StandIn]) -> None:
    engine = engine_of(model_folder, max_batch_size=2)
    contents = ['[raise]', 'a', '[error]', 'b', '[break off]', 'c'] * 4
    outcomes = ask(engine, *(request_of(content) for content in contents))
    failed = [isinstance(outcome, Failure) for outcome in outcomes]
    assert failed == [content.startswith('[') for content in contents]


def test_a_prompt_longer_than_the_context_is_not_sent(
    model_folder: Path, built: list[StandIn]
) -> None:
    failure = failure_of(engine_of(model_folder, session_len=64), 'word ' * 100)
    assert 'does not fit the context of 64' in failure.reason
    assert not failure.transient
    assert built[0].seen == []


def test_a_slow_answer_ends_at_the_time_out_and_is_cancelled(
    model_folder: Path, built: list[StandIn]
) -> None:
    engine = engine_of(model_folder, timeout=2)
    slow, quick = ask(engine, request_of('[slow 300]'), request_of('hello'))
    assert slow == Failure('no answer within 2 s', transient=True)
    assert isinstance(quick, Completion)
    deadline = time.monotonic() + 30
    # LMDeploy cancels it in a thread of its own, and may do so after its answer has ended.
    while built[0].running or not built[0].cancelled:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert built[0].cancelled == 1


def test_answers_come_as_they_are_ready(model_folder: Path, built: list[StandIn]) -> None:
    async def finished() -> list[str]:
        order: list[str] = []
        engine = engine_of(model_folder)

        async def one(content: str) -> None:
            await engine.complete([request_of(content)])
            order.append(content)

        await asyncio.gather(one('[slow 1]'), one('[slow 0.1]'), one('hello'))
        return order

    assert asyncio.run(finished()) == ['hello', '[slow 0.1]', '[slow 1]']


def test_an_interruption_cancels_what_is_in_flight(
    model_folder: Path, built: list[StandIn]
) -> None:
    async def interrupted(engine: LMDeployEngine) -> None:
        task = asyncio.ensure_future(gather(engine, [request_of('[slow 30]')] * 3))
        while not built or built[0].running < 3:
            await asyncio.sleep(0.01)
        task.cancel()
        while built[0].running:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(interrupted(engine_of(model_folder)), 60))
    assert built[0].cancelled == 3


def test_prefix_caching_is_on_and_options_reach_the_engine(
    model_folder: Path, built: list[StandIn]
) -> None:
    ask(engine_of(model_folder, max_batch_size=3, cache_max_entry_count=0.5), request_of('hi'))
    config = built[0].engine_config
    assert config.enable_prefix_caching
    assert (config.max_batch_size, config.cache_max_entry_count) == (3, 0.5)


def test_an_unknown_option_is_an_error_though_turbomind_ignores_it(
    model_folder: Path, built: list[StandIn]
) -> None:
    engine = engine_of(model_folder, max_batch_sise=3)
    with pytest.raises(ValueError, match='did you mean "max_batch_size"'):
        ask(engine, request_of('hi'))


def test_a_silent_change_of_the_backend_is_an_error(
    model_folder: Path, gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lmdeploy import archs

    monkeypatch.setattr(archs, 'autoget_backend', lambda *_, **__: 'pytorch')
    monkeypatch.setattr(
        async_engine_class(),
        '_build_pytorch',
        lambda self, model_path, backend_config, **_: StandIn(model_path, backend_config),
    )
    engine = engine_of(model_folder, max_batch_size=4)
    with pytest.raises(ValueError, match='set backend="pytorch"'):
        ask(engine, request_of('hi'))


def test_one_engine_can_follow_another(model_folder: Path, built: list[StandIn]) -> None:
    for _ in range(2):
        assert isinstance(ask(engine_of(model_folder), request_of('hi'))[0], Completion)
    assert [stand_in.closed for stand_in in built] == [True, True]


def test_the_gpu_is_free_again_when_the_engine_is_dropped(
    model_folder: Path, built: list[StandIn]
) -> None:
    engine = engine_of(model_folder)
    ask(engine, request_of('hi'), request_of('[raise]'))
    assert not built[0].closed
    gc.disable()
    try:
        del engine
        assert built[0].closed
    finally:
        gc.enable()


def test_without_a_gpu_it_says_which_engine_to_use_before_it_asks_the_hub(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    with pytest.raises(ValueError, match='needs an NVIDIA GPU.*type="transformers".*base_urls'):
        LMDeployEngine('a/model-on-the-hub')


def test_without_lmdeploy_it_says_what_to_install(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'lmdeploy', None)
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    with pytest.raises(ValueError, match=r'pip install "maskdpo_xtuner\[lmdeploy\]"'):
        ask(engine_of(model_folder), request_of('hi'))


def test_identity_has_what_changes_answers_and_nothing_else(model_folder: Path, gpu: None) -> None:
    plain = engine_of(model_folder).identity
    assert plain == engine_of(model_folder, tp=2, cache_max_entry_count=0.5).identity
    assert plain != engine_of(model_folder, quant_policy=8).identity
    assert plain != LMDeployEngine(str(model_folder), backend='pytorch').identity
