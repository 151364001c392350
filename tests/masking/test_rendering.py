"""Where the response stands in a rendering, and what is refused."""

from copy import deepcopy
from typing import Any

import pytest
from transformers import LlamaTokenizer

from maskdpo_xtuner.masking import MaskingError, Rendering, render, render_batch
from tests.tokenizers import TOKENIZERS, load_tokenizer, mistral_file

PROMPT = [{'role': 'user', 'content': 'Who was it?'}]
RESPONSE = 'Marie Curie.\n\nIt was 1898.'
TURNS = (
    '{%- for turn in messages %}{{- "<|im_start|>" + turn.role + "\n" + CONTENT + "<|im_end|>" }}'
)
TURNS += '{%- endfor %}'


def with_template(content: str) -> Any:
    """SmolLM2's tokenizer with a template that writes ``content`` (Jinja) of each turn."""
    tokenizer = deepcopy(load_tokenizer('smollm2'))
    tokenizer.chat_template = TURNS.replace('CONTENT', content)
    return tokenizer


def response_text(rendering: Rendering) -> str:
    return rendering.text[rendering.response_start : rendering.response_end]


@pytest.mark.parametrize('name', TOKENIZERS)
def test_finds_the_response_between_the_markers(name: str) -> None:
    rendering = render(load_tokenizer(name), PROMPT, RESPONSE)
    assert response_text(rendering) == RESPONSE
    assert rendering.trimmed == 0
    assert rendering.response_length == len(RESPONSE)
    assert load_tokenizer(name).decode(rendering.ids) == rendering.text


@pytest.mark.parametrize('name', TOKENIZERS)
def test_gives_the_ids_of_the_chat_template(name: str) -> None:
    tokenizer = load_tokenizer(name)
    turns = [*PROMPT, {'role': 'assistant', 'content': RESPONSE}]
    assert render(tokenizer, PROMPT, RESPONSE).ids == tokenizer.apply_chat_template(turns)


@pytest.mark.parametrize('name', TOKENIZERS)
def test_offsets_cover_the_text_without_gaps(name: str) -> None:
    rendering = render(load_tokenizer(name), PROMPT, '  A  b \n\n 中文 🎉 end  ')
    covered = {place for start, end in rendering.offsets for place in range(start, end)}
    assert covered == set(range(len(rendering.text)))


@pytest.mark.parametrize('name', TOKENIZERS)
def test_leaves_the_tokenizer_as_it_was(name: str) -> None:
    tokenizer = load_tokenizer(name)
    before = tokenizer.backend_tokenizer.to_str()
    render(tokenizer, PROMPT, RESPONSE)
    assert tokenizer.backend_tokenizer.to_str() == before


def test_ignores_the_truncation_that_an_earlier_call_left() -> None:
    tokenizer = deepcopy(load_tokenizer('smollm2'))
    tokenizer('one two three four', truncation=True, max_length=2)
    assert render(tokenizer, PROMPT, RESPONSE) == render(
        load_tokenizer('smollm2'), PROMPT, RESPONSE
    )


@pytest.mark.parametrize(
    ('content', 'body', 'trimmed'),
    [
        ('turn.content', ' \n Yes. \n', 0),
        ('turn.content | trim', 'Yes.', 3),
        ('turn.content.rstrip()', ' \n Yes.', 0),
        ('turn.content.lstrip()', 'Yes. \n', 3),
        ('turn.content.strip("\n")', ' \n Yes. ', 0),
        ('turn.content.strip(" ")', '\n Yes. \n', 1),
    ],
)
def test_knows_what_the_template_trimmed(content: str, body: str, trimmed: int) -> None:
    rendering = render(with_template(content), PROMPT, ' \n Yes. \n')
    assert (response_text(rendering), rendering.trimmed) == (body, trimmed)


def test_variables_of_the_template_reach_it() -> None:
    tokenizer = with_template(
        '(prefix | default("") if turn.role == "assistant" else "") + turn.content'
    )
    plain = render(tokenizer, PROMPT, RESPONSE)
    assert response_text(plain) == RESPONSE
    with_prefix = render(tokenizer, PROMPT, RESPONSE, {'prefix': 'So: '})
    assert response_text(with_prefix) == RESPONSE
    assert with_prefix.text == plain.text.replace(RESPONSE, f'So: {RESPONSE}')


@pytest.mark.parametrize(
    'response', ['placeholder0', 'placeholder0 placeholder1', 'Who was it?', 'i']
)
def test_a_response_that_also_stands_elsewhere_is_found_in_its_turn(response: str) -> None:
    prompt = [{'role': 'user', 'content': f'{response}? placeholder0'}]
    rendering = render(load_tokenizer('smollm2'), prompt, response)
    assert response_text(rendering) == response
    assert rendering.text[rendering.response_end :] == '<|im_end|>\n'


@pytest.mark.parametrize('name', TOKENIZERS)
def test_finds_the_response_after_several_turns(name: str) -> None:
    prompt = [
        {'role': 'system', 'content': 'Be brief.'},
        *PROMPT,
        {'role': 'assistant', 'content': RESPONSE},
        {'role': 'user', 'content': 'Again?'},
    ]
    rendering = render(load_tokenizer(name), prompt, RESPONSE)
    assert response_text(rendering) == RESPONSE
    assert (
        rendering.text.rindex(RESPONSE) == rendering.response_start > rendering.text.index(RESPONSE)
    )


def test_a_prompt_that_ends_with_an_assistant_turn_is_refused() -> None:
    prompt = [*PROMPT, {'role': 'assistant', 'content': 'Well,'}]
    with pytest.raises(MaskingError, match='ends with an assistant turn, .* front of') as caught:
        render_batch(load_tokenizer('qwen'), [(PROMPT, RESPONSE), (prompt, RESPONSE)])
    assert caught.value.index == 1


def test_template_syntax_in_a_response_stays_text() -> None:
    response = 'Write {{ bos_token }} and {% for x in y %}.'
    assert response_text(render(load_tokenizer('llama3'), PROMPT, response)) == response


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('turn.content.upper()', "the response 'placeholder0' 0 times"),
        ('turn.content.replace("M", "m")', 'alters the response'),
        ('turn.content.replace("\n\n", "\n")', 'alters the response'),
        ('turn.content[:12]', 'alters the response'),
        ('turn.content.split("Curie")[-1]', 'alters the response'),
        ('"-"', "the response 'placeholder0' 0 times"),
        ('turn.content + turn.content', "the response 'placeholder0' 2 times"),
        ('(turn.content | length | string) + turn.content', 'something else around this response'),
        (
            'turn.content + raise_exception("no thanks")',
            r'refuses .*\(user, assistant\): no thanks',
        ),
    ],
)
def test_refuses_a_template_that_does_more_than_trim(content: str, message: str) -> None:
    with pytest.raises(MaskingError, match=message):
        render(with_template(content), PROMPT, RESPONSE)


def test_roles_that_the_template_does_not_take_are_named() -> None:
    prompt = [*PROMPT, *PROMPT]
    with pytest.raises(MaskingError, match=r'\(user, user, assistant\): roles must alternate'):
        render(load_tokenizer('mistral'), prompt, RESPONSE)


@pytest.mark.parametrize('blank', ['', ' ', '\n\t\u3000'])
def test_refuses_a_blank_response_and_says_which(blank: str) -> None:
    with pytest.raises(MaskingError, match='empty or blank') as caught:
        render_batch(load_tokenizer('qwen'), [(PROMPT, RESPONSE), (PROMPT, blank)])
    assert caught.value.index == 1


@pytest.mark.parametrize('name', TOKENIZERS)
def test_refuses_control_tokens_written_as_text(name: str) -> None:
    tokenizer = load_tokenizer(name)
    response = f'The end. {tokenizer.eos_token} Or not.'
    with pytest.raises(MaskingError, match='character 9 of the response, as the special') as caught:
        render_batch(tokenizer, [(PROMPT, RESPONSE), (PROMPT, response)])
    assert caught.value.index == 1


def test_control_tokens_of_another_model_are_text() -> None:
    response = 'The end.</s>[INST]<|eot_id|>'
    assert response_text(render(load_tokenizer('qwen'), PROMPT, response)) == response


def test_refuses_characters_that_become_a_control_token_for_want_of_another() -> None:
    with pytest.raises(MaskingError, match=r"from character 5 .* '<\|endoftext\|>'"):
        render(load_tokenizer('smollm2'), PROMPT, 'End: \x04.')


def test_refuses_a_tokenizer_without_a_template() -> None:
    tokenizer = deepcopy(load_tokenizer('smollm2'))
    tokenizer.chat_template = None
    with pytest.raises(MaskingError, match='has no chat template; set'):
        render(tokenizer, PROMPT, RESPONSE)


def test_refuses_a_slow_tokenizer() -> None:
    slow = LlamaTokenizer(str(mistral_file()), legacy=False)
    slow.chat_template = load_tokenizer('mistral').chat_template
    with pytest.raises(MaskingError, match='LlamaTokenizer is a slow one and gives no'):
        render(slow, PROMPT, RESPONSE)
