"""What reaches an engine of LMDeploy when prompts are rendered by the tokenizer's own template."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerBase

from maskdpo_xtuner.engines.base import Completion, Request, Sampling
from maskdpo_xtuner.engines.lmdeploy import LMDeployEngine
from maskdpo_xtuner.engines.openai import OpenAIEngine
from maskdpo_xtuner.records import Message
from tests.annotators.anah_v2.internlm2 import internlm2_tokenizer
from tests.engines.lmdeploy_server import MODEL_NAME, Server, free_ports
from tests.engines.requests import ask, request_of
from tests.engines.stand_in import stand_in_turbomind
from tests.models import tiny_llama
from tests.tokenizers import TOKENIZERS, load_tokenizer, tokenizer_folder

DIALOGUE = Request(
    (
        Message(role='system', content='Judge.'),
        Message(role='user', content='one'),
        Message(role='assistant', content='two'),
        Message(role='user', content='three'),
    ),
    Sampling(max_new_tokens=16),
    seed=7,
)
INTERNLM2_PROMPT = (
    '<s><|im_start|>system\nJudge.<|im_end|>\n'
    '<|im_start|>user\none<|im_end|>\n'
    '<|im_start|>assistant\ntwo<|im_end|>\n'
    '<|im_start|>user\nthree<|im_end|>\n'
    '<|im_start|>assistant\n'
)


def internlm2_folder(folder: Path) -> Path:
    """A model whose folder LMDeploy takes for InternLM2, for which it has no template any more."""
    internlm2_tokenizer().save_pretrained(folder / 'tokenizer')
    return tiny_llama(folder / 'internlm2-chat-7b', folder / 'tokenizer')


def test_internlm2_keeps_its_role_markers_in_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('maskdpo_xtuner.engines.lmdeploy._check_machine', lambda device: None)
    with stand_in_turbomind() as built:
        ask(LMDeployEngine(str(internlm2_folder(tmp_path))), DIALOGUE)
        assert [seen['prompt'] for seen in built[0].seen] == [INTERNLM2_PROMPT]


@pytest.mark.slow
def test_internlm2_keeps_its_role_markers_behind_a_server(tmp_path: Path) -> None:
    folder = internlm2_folder(tmp_path)
    (seen,) = seen_by_server(folder, internlm2_tokenizer(), DIALOGUE)
    assert seen == internlm2_tokenizer().encode(INTERNLM2_PROMPT, add_special_tokens=False)


@pytest.mark.slow
@pytest.mark.parametrize('name', TOKENIZERS)
def test_a_served_engine_reads_the_ids_of_the_template(tmp_path: Path, name: str) -> None:
    folder = tiny_llama(tmp_path / 'model', tokenizer_folder(name), hidden_size=8)
    tokenizer = load_tokenizer(name)
    request = request_of('Who found it?', 'Nobody.', 'When? 何时？')
    (seen,) = seen_by_server(folder, tokenizer, request)
    turns = [message.model_dump() for message in request.messages]
    assert seen == tokenizer.apply_chat_template(turns, add_generation_prompt=True)


def seen_by_server(
    folder: Path, tokenizer: PreTrainedTokenizerBase, *requests: Request
) -> list[list[int]]:
    """Serve the model, ask with prompts rendered here, and give the ids that arrived."""
    server = Server(folder, free_ports(1))
    try:
        server.wait()
        engine = OpenAIEngine(MODEL_NAME, server.urls, tokenizer=str(folder))
        outcomes = ask(engine, *requests)
        assert all(isinstance(outcome, Completion) for outcome in outcomes), outcomes
        seen = server.seen()
        assert {path for paths in seen['paths'].values() for path in paths} >= {'/v1/completions'}
        return [request['input_ids'] for request in seen['engine']]
    finally:
        server.kill()
