"""What a person sees of a mask."""

import pytest

from maskdpo_xtuner.masking import (
    Look,
    MaskedPair,
    MaskedResponse,
    format_mask,
    format_pair,
    harmless,
    mask_response,
)
from tests.tokenizers import TOKENIZERS, load_tokenizer

PROMPT = [{'role': 'user', 'content': 'Hi 中文'}]
RESPONSE = 'One two.\n 🎉 \U0001f9ff'


@pytest.mark.parametrize('name', TOKENIZERS)
@pytest.mark.parametrize('borders', [False, True])
def test_shows_every_character_once(name: str, borders: bool) -> None:
    tokenizer = load_tokenizer(name)
    masked = mask_response(tokenizer, PROMPT, RESPONSE, [], [], 'never')
    shown = format_mask(tokenizer, masked, look=Look(color=False, borders=borders))
    text = tokenizer.apply_chat_template(
        [*PROMPT, {'role': 'assistant', 'content': RESPONSE}], tokenize=False
    )
    assert shown.count('|') - text.count('|') == (len(masked.ids) if borders else 0)
    assert (shown.replace('|', '') if borders else shown) == (
        text.replace('|', '') if borders else text
    )


def test_marks_the_prompt_and_the_supervised_tokens_by_side() -> None:
    tokenizer = load_tokenizer('mistral')
    masked = mask_response(tokenizer, PROMPT, RESPONSE, [(0, 9)], [True], 'never')
    shown = format_mask(tokenizer, masked)
    prompt, response, rest = '<s>[INST] Hi 中文[/INST]', '·One·two.⏎\n·', '🎉 \U0001f9ff</s>'
    assert shown == f'\x1b[2m{prompt}\x1b[0m\x1b[32m{response}\x1b[0m{rest}'
    shown = format_mask(tokenizer, masked, 'rejected')
    assert shown == f'\x1b[2m{prompt}\x1b[0m\x1b[31m{response}\x1b[0m{rest}'
    shown = format_mask(tokenizer, masked, look=Look(color=False))
    assert shown == f'{prompt}⟦{response}⟧{rest}'


def test_shows_tokens_cut_inside_of_a_character() -> None:
    tokenizer = load_tokenizer('qwen')
    ids = tokenizer('a \U0001f9ff')['input_ids'][:-1]
    masked = MaskedResponse(ids, [0.0] * len(ids), 0)
    assert format_mask(tokenizer, masked, look=Look(color=False)) == 'a \ufffd'


def test_marks_can_be_written_in_ascii() -> None:
    tokenizer = load_tokenizer('llama3')
    masked = mask_response(tokenizer, PROMPT, 'One\ttwo.\nThree.', [(0, 8)], [True], 'never')
    shown = format_mask(tokenizer, masked, look=Look(color=False, ascii_only=True))
    assert shown.endswith('[[One\\ttwo.\\n\n]]Three.<|eot_id|>')


@pytest.mark.parametrize('name', TOKENIZERS)
def test_what_would_steer_a_terminal_is_escaped(name: str) -> None:
    tokenizer = load_tokenizer(name)
    response = 'a \x1b[31m b\r c \x9b2J \u202ed'
    masked = mask_response(tokenizer, PROMPT, response, [(0, len(response))], [True], 'never')
    shown = format_mask(tokenizer, masked, look=Look(color=False))
    # Mistral's template begins an answer with a blank.
    assert 'a·\\x1b[31m·b\\r·c·\\x9b2J·\\u202ed⟧' in shown
    assert harmless(shown) == shown


@pytest.mark.parametrize(
    ('text', 'escaped'),
    [
        ('tab\tand\nnew line stay', 'tab\tand\nnew line stay'),
        ('\x07 \x7f \x85', '\\x07 \\x7f \\x85'),
        ('\u2066 \u200f \u2028', '\\u2066 \\u200f \\u2028'),
        ('\ud800', '\\ud800'),
        ('👩‍👩‍👧 e\u0301 العالم', '👩‍👩‍👧 e\u0301 العالم'),
    ],
)
def test_only_what_steers_is_escaped(text: str, escaped: str) -> None:
    assert harmless(text) == escaped


def test_a_side_is_headed_by_its_count_and_by_its_weights_where_they_differ() -> None:
    tokenizer = load_tokenizer('smollm2')
    ids = tokenizer('One two three')['input_ids']
    pair = MaskedPair(MaskedResponse(ids, [0, 1, 1], 0), MaskedResponse(ids, [0, 0.5, 2], 0))
    lines = list(format_pair(tokenizer, pair, Look(color=False)))
    assert lines[::2] == [
        '--- chosen: 2 of 3 tokens supervised',
        '--- rejected: 2 of 3 tokens supervised, weights 0.5 to 2',
    ]
    assert len(list(format_pair(tokenizer, pair, Look(), ('chosen',)))) == 2
