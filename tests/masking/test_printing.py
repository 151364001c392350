"""What a person sees of a mask."""

import pytest

from maskdpo_xtuner.masking import format_mask, mask_response
from tests.tokenizers import TOKENIZERS, load_tokenizer

PROMPT = [{'role': 'user', 'content': 'Hi 中文'}]
ANSWER = 'One two.\n 🎉 \U0001f9ff'


@pytest.mark.parametrize('name', TOKENIZERS)
@pytest.mark.parametrize('borders', [False, True])
def test_shows_every_character_once(name: str, borders: bool) -> None:
    tokenizer = load_tokenizer(name)
    masked = mask_response(tokenizer, PROMPT, ANSWER, [], [], 'never')
    shown = format_mask(tokenizer, masked.ids, masked.mask, color=False, borders=borders)
    text = tokenizer.apply_chat_template(
        [*PROMPT, {'role': 'assistant', 'content': ANSWER}], tokenize=False
    )
    assert shown.count('|') - text.count('|') == (len(masked.ids) if borders else 0)
    assert (shown.replace('|', '') if borders else shown) == (
        text.replace('|', '') if borders else text
    )


def test_marks_the_prompt_and_the_supervised_tokens_by_side() -> None:
    tokenizer = load_tokenizer('mistral')
    masked = mask_response(tokenizer, PROMPT, ANSWER, [(0, 9)], [True], 'never')
    args = (tokenizer, masked.ids, masked.mask)
    shown = format_mask(*args, side='chosen', prompt_length=masked.prompt_length)
    prompt, answer, rest = '<s>[INST] Hi 中文[/INST]', '·One·two.⏎\n·', '🎉 \U0001f9ff</s>'
    assert shown == f'\x1b[2m{prompt}\x1b[0m\x1b[32m{answer}\x1b[0m{rest}'
    shown = format_mask(*args, side='rejected')
    assert shown == f'{prompt}\x1b[31m{answer}\x1b[0m{rest}'
    assert format_mask(*args, color=False) == f'{prompt}⟦{answer}⟧{rest}'


def test_shows_tokens_cut_inside_of_a_character() -> None:
    tokenizer = load_tokenizer('qwen')
    ids = tokenizer('a \U0001f9ff')['input_ids'][:-1]
    assert format_mask(tokenizer, ids, [False] * len(ids), color=False) == 'a \ufffd'
