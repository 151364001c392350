"""The scorer against the model's own logits, one conversation at a time."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from maskdpo_xtuner.evaluation.perplexity import PerplexityScorer, ResponseNll
from tests.models import tiny_llama
from tests.tokenizers import tokenizer_folder

QUESTION = 'What is gold?'
ANSWERS = ['Gold is a metal.', 'It is  soft,\nand yellow. ', 'Au', '金是一种金属。', 'no ' * 40]


@pytest.fixture(scope='module')
def chat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp('models') / 'chat', tokenizer_folder('smollm2'))


@pytest.fixture(scope='module')
def plain(chat: Path) -> Path:
    """The same model without a chat template, as GPT-2 is."""
    folder = shutil.copytree(chat, chat.parent / 'plain')
    edit(folder / 'tokenizer_config.json', chat_template=None)
    (folder / 'chat_template.jinja').unlink(missing_ok=True)
    return folder


def edit(path: Path, **changes: Any) -> None:
    content = {**json.loads(path.read_text()), **changes}
    kept = {key: value for key, value in content.items() if value is not None}
    path.write_text(json.dumps(kept))


def scorer(folder: Path, **options: Any) -> PerplexityScorer:
    return PerplexityScorer(str(folder), dtype='float64', device='cpu', **options)


def direct(folder: Path, before: list[int], answer: str) -> ResponseNll:
    """Ids put together by hand, all logits at once, no batch."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, torch_dtype=torch.float64).eval()
    own = tokenizer.encode(answer, add_special_tokens=False)
    with torch.no_grad():
        logits = model(torch.tensor([[*before, *own]])).logits[0].log_softmax(dim=-1)
    places = range(len(before), len(before) + len(own))
    total = -sum(float(logits[p - 1, t]) for p, t in zip(places, own, strict=True))
    return ResponseNll(total, len(own))


def prompt_ids(folder: Path) -> list[int]:
    turns = [{'role': 'user', 'content': QUESTION}]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids: list[int] = tokenizer.apply_chat_template(turns, add_generation_prompt=True)
    return ids


def assert_close(found: list[ResponseNll], expected: list[ResponseNll]) -> None:
    assert [each.tokens for each in found] == [each.tokens for each in expected]
    assert [each.total for each in found] == pytest.approx([e.total for e in expected], rel=1e-9)


def test_with_a_chat_template_the_answer_is_conditioned_on_the_question(chat: Path) -> None:
    found = scorer(chat).score([(QUESTION, answer) for answer in ANSWERS])
    assert_close(found, [direct(chat, prompt_ids(chat), answer) for answer in ANSWERS])


def test_without_a_chat_template_the_answer_stands_alone(plain: Path) -> None:
    start = [AutoTokenizer.from_pretrained(plain).bos_token_id]
    expected = [direct(plain, start, answer) for answer in ANSWERS]
    assert_close(scorer(plain).score([(QUESTION, answer) for answer in ANSWERS]), expected)


def test_without_a_question_the_answer_stands_alone(chat: Path, plain: Path) -> None:
    found = scorer(chat).score([(None, answer) for answer in ANSWERS])
    assert_close(found, scorer(plain).score([(None, answer) for answer in ANSWERS]))


def test_where_there_is_no_start_token_the_end_token_stands_before(
    plain: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(plain, tmp_path / 'no_start')
    for name in ('tokenizer_config.json', 'special_tokens_map.json'):
        edit(folder / name, bos_token=None)
    end = AutoTokenizer.from_pretrained(plain).eos_token_id
    expected = direct(plain, [end], 'Gold is a metal.')
    assert_close(scorer(folder).score([(None, 'Gold is a metal.')]), [expected])


def test_a_tokenizer_that_knows_neither_is_refused(plain: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(plain, tmp_path / 'nothing')
    for name in ('tokenizer_config.json', 'special_tokens_map.json'):
        edit(folder / name, bos_token=None, eos_token=None)
    with pytest.raises(ValueError, match='add "bos_token"'):
        scorer(folder).score([(None, 'Gold')])


def test_the_batch_does_not_matter(chat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conversations = [(QUESTION if n % 2 else None, answer) for n, answer in enumerate(ANSWERS)]
    expected = scorer(chat, batch_size=1).score(conversations)
    assert_close(scorer(chat, batch_size=4).score(conversations), expected)
    monkeypatch.setattr('maskdpo_xtuner.evaluation.perplexity.LOGITS_AT_ONCE', 8)
    assert_close(scorer(chat).score(conversations), expected)


def test_logits_are_made_of_answer_tokens_only_and_few_at_a_time(
    chat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('maskdpo_xtuner.evaluation.perplexity.LOGITS_AT_ONCE', 12)
    scoring = scorer(chat)
    made: list[int] = []
    scoring._model.get_output_embeddings().register_forward_hook(
        lambda head, inputs, logits: made.append(logits.shape[:-1].numel())
    )
    found = scoring.score([(QUESTION, answer) for answer in ANSWERS[:4]])
    assert sum(made) == sum(answer.tokens for answer in found)
    assert max(made) <= 12


def test_an_answer_beyond_the_context_is_read_in_windows(chat: Path, tmp_path: Path) -> None:
    short = shutil.copytree(chat, tmp_path / 'short')
    edit(short / 'config.json', max_position_embeddings=16)
    answer = 'gold and silver and tin ' * 8
    ids = AutoTokenizer.from_pretrained(chat).encode(answer, add_special_tokens=False)
    (found,) = scorer(short).score([(None, answer)])
    assert found.tokens == len(ids)
    whole = [AutoTokenizer.from_pretrained(chat).bos_token_id, *ids]
    model = AutoModelForCausalLM.from_pretrained(chat, torch_dtype=torch.float64).eval()
    total = 0.0
    for place in range(1, len(whole)):
        # Windows of 16 ids begin at 0, 8, 16, ...; the last one ends with the text.
        end = min(len(whole), max(16, 8 * math.ceil((place + 1) / 8)))
        before = whole[max(0, end - 16) : place]
        with torch.no_grad():
            logits = model(torch.tensor([before])).logits[0, -1].log_softmax(dim=-1)
        total -= float(logits[whole[place]])
    assert found.total == pytest.approx(total, rel=1e-9)


def test_empty_answers_have_no_tokens(chat: Path, plain: Path) -> None:
    for folder in (chat, plain):
        empty, some = scorer(folder).score([(QUESTION, ''), (QUESTION, 'Gold')])
        assert empty == ResponseNll(0.0, 0)
        assert some.tokens > 0


def test_no_answers_load_no_model(chat: Path) -> None:
    scoring = scorer(chat)
    assert scoring.score([]) == []
    assert '_model' not in vars(scoring)


def test_a_model_that_gives_nan_is_an_error_and_no_number(chat: Path, tmp_path: Path) -> None:
    broken = scorer(chat)
    with torch.no_grad():
        broken._model.get_input_embeddings().weight.fill_(math.nan)
    with pytest.raises(ValueError, match="the answer 'Gold'"):
        broken.score([(QUESTION, 'Gold')])


def test_the_identity_follows_the_weights(chat: Path, plain: Path) -> None:
    assert scorer(chat).identity == scorer(chat).identity
    assert scorer(chat).identity['revision'] != scorer(plain).identity['revision']
    assert scorer(chat).identity['dtype'] == 'float64'


def test_what_is_read_before_an_answer_is_said(chat: Path, plain: Path) -> None:
    assert scorer(chat).context == 'the question in the chat template'
    assert scorer(plain).context.startswith("its start token '<")


def test_a_template_of_ones_own_is_read_where_the_tokenizer_has_none(plain: Path) -> None:
    own = {'chat_template': "{% for m in messages %}Q: {{ m['content'] }} A: {% endfor %}"}
    templated = PerplexityScorer(str(plain), dtype='float64', device='cpu', template_kwargs=own)
    assert templated.context == 'the question in the chat template'
    (found,) = templated.score([(QUESTION, 'Gold')])
    (alone,) = scorer(plain).score([(QUESTION, 'Gold')])
    assert found.tokens == alone.tokens
    assert found.total != alone.total
