from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.engines import decoding
from maskdpo_xtuner.engines.base import Completion, Failure, Request, Sampling
from maskdpo_xtuner.engines.transformers import TransformersEngine
from maskdpo_xtuner.records import Message
from tests.models import tiny_llama
from tests.tokenizers import load_tokenizer, tokenizer_folder

SAMPLING = Sampling(max_new_tokens=8, temperature=1.5, top_k=0)
GREEDY = Sampling(max_new_tokens=8, temperature=0)


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp('models') / 'tiny', tokenizer_folder('smollm2'))


@pytest.fixture(scope='module')
def engine(folder: Path) -> TransformersEngine:
    # In fp64 rounding cannot move a token from one batch to another.
    return TransformersEngine(str(folder), dtype='float64', device='cpu')


def ask_about(text: str, sampling: Sampling = SAMPLING, seed: int = 1) -> Request:
    return Request((Message(role='user', content=text),), sampling, seed)


def complete(engine: TransformersEngine, *requests: Request) -> list[Completion | Failure]:
    return asyncio.run(engine.complete(requests))


def answer(engine: TransformersEngine, request: Request) -> Completion:
    (outcome,) = complete(engine, request)
    assert isinstance(outcome, Completion)
    return outcome


def test_prompts_are_rendered_by_the_chat_template(engine: TransformersEngine) -> None:
    messages = [{'role': 'user', 'content': 'What is gold?'}]
    ids = load_tokenizer('smollm2').apply_chat_template(messages, add_generation_prompt=True)
    assert answer(engine, ask_about('What is gold?')).prompt_tokens == len(ids)


def test_an_answer_at_the_token_limit_is_marked(engine: TransformersEngine) -> None:
    outcome = answer(engine, ask_about('What is gold?'))
    assert (outcome.finish_reason, outcome.completion_tokens) == ('length', 8)


def test_an_answer_ends_at_any_end_token_of_the_generation_config(
    engine: TransformersEngine, folder: Path, tmp_path: Path
) -> None:
    written = written_ids(engine, ask_about('What is gold?', GREEDY))
    ending = shutil.copytree(folder, tmp_path / 'ending')
    config = {'eos_token_id': [2, written[3]]}
    (ending / 'generation_config.json').write_text(json.dumps(config))
    short = TransformersEngine(str(ending), dtype='float64', device='cpu')
    outcome = answer(short, ask_about('What is gold?', GREEDY))
    place = written.index(written[3])
    assert outcome.finish_reason == 'stop'
    assert outcome.completion_tokens == place
    assert outcome.text == load_tokenizer('smollm2').decode(written[:place])


def written_ids(engine: TransformersEngine, request: Request) -> list[int]:
    """What the model writes greedily, by transformers' own generation."""
    import torch

    messages = [message.model_dump() for message in request.messages]
    ids = load_tokenizer('smollm2').apply_chat_template(messages, add_generation_prompt=True)
    whole = engine._model.generate(
        torch.tensor([ids]), do_sample=False, max_new_tokens=request.sampling.max_new_tokens
    )
    new: list[int] = whole[0, len(ids) :].tolist()
    return new


def test_texts_lose_special_tokens_and_nothing_else(engine: TransformersEngine) -> None:
    tokenizer = load_tokenizer('smollm2')
    text = ' It is  , well , gold .\n\n- " Au "  '
    ids = tokenizer.encode(text, add_special_tokens=False)
    specials = tokenizer.convert_tokens_to_ids(['<|im_start|>', '<|endoftext|>'])
    completion = engine._completion([1], [specials[0], *ids, specials[1]])
    assert completion.text == text


def test_outcomes_stand_in_the_order_of_the_requests(engine: TransformersEngine) -> None:
    requests = [
        ask_about('What is gold?', GREEDY),
        ask_about('What is tin?', SAMPLING, seed=3),
        ask_about('What is tin?', Sampling(max_new_tokens=3)),
        ask_about('What is gold?', SAMPLING, seed=4),
        ask_about('What is gold?', SAMPLING, seed=3),
    ]
    assert complete(engine, *requests) == [answer(engine, request) for request in requests]


def test_an_answer_follows_from_its_seed(engine: TransformersEngine) -> None:
    texts = [answer(engine, ask_about('What is gold?', seed=seed)).text for seed in (1, 1, 2, 3)]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 3


def test_a_prompt_that_does_not_fit_fails_alone(engine: TransformersEngine) -> None:
    long = ask_about('gold ' * 3000)
    fine = ask_about('What is gold?')
    failure, completion = complete(engine, long, fine)
    assert isinstance(failure, Failure)
    assert 'do not fit the context of 2048' in failure.reason
    assert not failure.transient
    assert completion == answer(engine, fine)


def test_how_much_of_a_call_is_answered_can_be_asked_meanwhile(
    engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    choose = decoding.choose_tokens

    def choose_and_look(*args: Any) -> Any:
        seen.append(engine.in_call())
        return choose(*args)

    monkeypatch.setattr(decoding, 'choose_tokens', choose_and_look)
    short = Sampling(max_new_tokens=2, temperature=0)
    requests = [ask_about('What is gold?'), ask_about('Why?', short), ask_about('tin ' * 9000)]
    complete(engine, *requests)
    assert {asked for _, asked in seen} == {3}
    assert [ended for ended, _ in seen] == sorted(ended for ended, _ in seen)
    assert {ended for ended, _ in seen} == {1, 2}
    assert engine.in_call() == (3, 3)


def test_decoding_stops_when_the_call_is_cancelled(
    engine: TransformersEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, told = threading.Event(), []

    def wait_for_stop(requests: Sequence[Request], stop: threading.Event) -> list[Any]:
        began.set()
        told.append(stop.wait(60))
        return []

    async def cancel() -> None:
        call = asyncio.create_task(engine.complete([ask_about('What is gold?')]))
        await asyncio.to_thread(began.wait)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)

    monkeypatch.setattr(engine, '_complete', wait_for_stop)
    asyncio.run(cancel())
    assert told == [True]


def test_the_identity_follows_the_content_of_the_folder_and_not_its_place(
    engine: TransformersEngine, folder: Path, tmp_path: Path
) -> None:
    moved = shutil.copytree(folder, tmp_path / 'tiny')
    (moved / 'trainer.log').write_text('no part of the model')
    assert TransformersEngine(str(moved), dtype='float64').identity == engine.identity
    weights = moved / 'model.safetensors'
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert TransformersEngine(str(moved), dtype='float64').identity != engine.identity


def test_the_identity_names_dtype_and_template(engine: TransformersEngine, folder: Path) -> None:
    other = TransformersEngine(str(folder), dtype='float32')
    assert other.identity['chat_template'] == engine.identity['chat_template']
    assert other.identity['dtype'] != engine.identity['dtype']
    varied = TransformersEngine(str(folder), template_kwargs={'chat_template': '{{ messages }}'})
    assert varied.identity['chat_template'] != engine.identity['chat_template']


@pytest.mark.parametrize('model', ['/no/such/model', './no_such_model', 'a/b/c'])
def test_a_path_without_a_model_is_refused_with_a_way_out(model: str) -> None:
    with pytest.raises(ValueError, match='no such model folder') as error:
        TransformersEngine(model)
    assert 'python -m maskdpo_xtuner.builtin.model' in str(error.value)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='holds no config.json'):
        TransformersEngine(str(tmp_path))


def test_a_model_without_a_chat_template_is_refused(folder: Path, tmp_path: Path) -> None:
    plain = shutil.copytree(folder, tmp_path / 'plain')
    path = plain / 'tokenizer_config.json'
    config = json.loads(path.read_text())
    config.pop('chat_template', None)
    path.write_text(json.dumps(config))
    (plain / 'chat_template.jinja').unlink(missing_ok=True)
    with pytest.raises(ValueError, match='has no chat template'):
        TransformersEngine(str(plain))


def test_a_model_that_names_no_end_token_is_refused(folder: Path, tmp_path: Path) -> None:
    endless = shutil.copytree(folder, tmp_path / 'endless')
    (endless / 'generation_config.json').write_text(json.dumps({'bos_token_id': 1}))
    engine = TransformersEngine(str(endless), device='cpu')
    with pytest.raises(ValueError, match='names no eos_token_id'):
        complete(engine, ask_about('What is gold?'))
