from pathlib import Path

import pytest

from maskdpo_xtuner.masking import LabelledResponse
from maskdpo_xtuner.reports.tokens import CONTINUATION, load_tokenizer, response_tokens
from tests.tokenizers import tokenizer_folder

PROMPT = [{'role': 'user', 'content': 'What is tin?'}]


def test_tokens_of_supervised_sentences_and_the_end_of_turn_are_marked() -> None:
    tokenizer = load_tokenizer(tokenizer_folder('smollm2'))
    text = 'Tin is a metal. It sings.'
    tokens = response_tokens(tokenizer, LabelledResponse(PROMPT, text, [(0, 16), (16, 25)], [1, 0]))
    assert ''.join(token.text for token in tokens).startswith(text)
    marked = ''.join(token.text for token in tokens if token.supervised)
    assert marked == 'Tin is a metal.<|im_end|>'


def test_a_response_that_was_cut_has_no_supervised_end_of_turn() -> None:
    tokenizer = load_tokenizer(tokenizer_folder('smollm2'))
    tokens = response_tokens(
        tokenizer, LabelledResponse(PROMPT, 'Tin is', [(0, 6)], [1], finished=False)
    )
    assert ''.join(token.text for token in tokens if token.supervised) == 'Tin is'


def test_a_character_of_several_tokens_is_shown_once() -> None:
    tokenizer = load_tokenizer(tokenizer_folder('smollm2'))
    tokens = response_tokens(tokenizer, LabelledResponse(PROMPT, '錫 🜩', [(0, 3)], [1]))
    shown = ''.join(token.text for token in tokens)
    assert shown.replace(CONTINUATION, '').startswith('錫 🜩<|im_end|>')
    assert shown.count('🜩') == 1
    assert CONTINUATION in shown


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'there is no tokenizer_config\.json'):
        load_tokenizer(tmp_path)
    with pytest.raises(ValueError, match='nowhere'):
        load_tokenizer(tmp_path / 'nowhere')
