"""Training renders the prompts that a model is asked with, or is refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from maskdpo_xtuner.chat_templates import describe_kwargs, render_chat
from maskdpo_xtuner.masking import PairConverter, response_mask_map_fn
from tests.thinking_templates import DEEPSEEK_R1, DEEPSEEK_V31, NO_THINKING, QWEN3
from tests.tokenizers import TOKENIZERS, load_tokenizer

TURN = {'role': 'user', 'content': 'What is gold?'}
EMPTY_THOUGHT = '<think>\n\n</think>\n\n'


def row_of(**more: Any) -> dict[str, Any]:
    said = {'chosen': 'A metal.', 'rejected': 'A gas.'}
    sides = {side: [{'role': 'assistant', 'content': text}] for side, text in said.items()}
    return {'prompt': [TURN], **sides, **more}


def with_template(template: str) -> Any:
    tokenizer = copy.deepcopy(load_tokenizer('smollm2'))
    tokenizer.chat_template = template
    return tokenizer


def prompt_text(tokenizer: Any, **settings: Any) -> str:
    """What stands before the response in the tokens of a pair."""
    converter = PairConverter(tokenizer, response_mask_map_fn, **settings)
    (pair,) = converter.convert([row_of()], ['pairs.jsonl:1'])
    text: str = tokenizer.decode(pair.chosen.ids[: pair.chosen.prompt_length])
    return text


@pytest.mark.parametrize(
    ('template', 'kwargs'),
    [(QWEN3, NO_THINKING), (DEEPSEEK_V31, None), (DEEPSEEK_V31, {'thinking': False})],
)
def test_training_renders_the_prompt_of_the_sampling(
    template: str, kwargs: dict[str, Any] | None
) -> None:
    tokenizer = with_template(template)
    asked = render_chat(tokenizer, [TURN], kwargs)
    assert prompt_text(tokenizer, template_kwargs=kwargs) == asked


@pytest.mark.parametrize('name', TOKENIZERS)
def test_a_template_without_thoughts_asks_as_it_renders(name: str) -> None:
    tokenizer = load_tokenizer(name)
    assert prompt_text(tokenizer).rstrip() == render_chat(tokenizer, [TURN]).rstrip()


@pytest.mark.parametrize(
    ('template', 'kwargs', 'said'),
    [
        (
            QWEN3,
            None,
            r"writes '.*<think>.*' before the response, and '' where .* set "
            r'template_kwargs=dict\(enable_thinking=False\) in training and wherever',
        ),
        (
            QWEN3,
            {'enable_thinking': True},
            r'.*; set template_kwargs=dict\(enable_thinking=False\)',
        ),
        (DEEPSEEK_R1, None, r"writes '' before .*, and '<think>' where .*dict\(chat_template="),
        (
            DEEPSEEK_V31,
            {'thinking': True},
            r"writes '</think>' before .*, and '<think>' where .*; set "
            r'template_kwargs=dict\(thinking=False\)',
        ),
    ],
)
def test_a_prompt_that_is_asked_otherwise_is_refused_with_what_makes_them_agree(
    template: str, kwargs: dict[str, Any] | None, said: str
) -> None:
    tokenizer = with_template(template)
    with pytest.raises(ValueError, match=rf'pairs\.jsonl:1: the chat template {said}') as refused:
        prompt_text(tokenizer, template_kwargs=kwargs)
    assert "prompts='as_rendered' trains on them in any case" in str(refused.value)


def test_it_is_trained_on_where_the_user_says_so() -> None:
    text = prompt_text(with_template(QWEN3), prompts='as_rendered')
    assert text.endswith(f'assistant\n{EMPTY_THOUGHT}')


@pytest.mark.parametrize('place', ['asked_with', 'provenance'])
def test_pairs_that_were_sampled_with_other_variables_are_refused(place: str) -> None:
    said = describe_kwargs(NO_THINKING)
    row = row_of(**{place: said if place == 'asked_with' else {'template_kwargs': said}})
    tokenizer = with_template(QWEN3)
    converter = PairConverter(tokenizer, response_mask_map_fn, template_kwargs=NO_THINKING)
    assert converter.convert([row], ['a:1'])
    other = PairConverter(tokenizer, response_mask_map_fn)
    with pytest.raises(ValueError, match=r'a:1: the responses were sampled with template_kwargs'):
        other.convert([row], ['a:1'])
    # For another model the variable means nothing.
    plain = PairConverter(load_tokenizer('smollm2'), response_mask_map_fn)
    assert plain.convert([row], ['a:1'])


def test_a_template_of_ones_own_is_compared_by_its_hash() -> None:
    own = {'chat_template': QWEN3, **NO_THINKING}
    said = describe_kwargs(own)
    assert QWEN3 not in (said or '')
    row = row_of(asked_with=said)
    tokenizer = load_tokenizer('smollm2')
    assert PairConverter(tokenizer, response_mask_map_fn, template_kwargs=own).convert([row], ['a'])
    other = {**own, 'chat_template': QWEN3 + ' '}
    with pytest.raises(ValueError, match='sampled with template_kwargs .*sha256'):
        PairConverter(tokenizer, response_mask_map_fn, template_kwargs=other).convert([row], ['a'])
    assert json.loads(said or '')['enable_thinking'] is False
