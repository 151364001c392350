from maskdpo_xtuner.masking import mask_response
from maskdpo_xtuner.reports.tokens import CONTINUATION, Token, response_tokens
from tests.tokenizers import load_tokenizer

PROMPT = [{'role': 'user', 'content': 'What is tin?'}]


def tokens_of(
    text: str, spans: list[tuple[int, int]], weights: list[float], finished: bool = True
) -> list[Token]:
    tokenizer = load_tokenizer('smollm2')
    masked = mask_response(tokenizer, PROMPT, text, spans, weights, finished=finished)
    return response_tokens(tokenizer, masked)


def test_tokens_of_supervised_sentences_and_the_end_of_turn_are_marked() -> None:
    text = 'Tin is a metal. It sings.'
    tokens = tokens_of(text, [(0, 16), (16, 25)], [1, 0])
    assert ''.join(token.text for token in tokens) == f'{text}<|im_end|>\n'
    marked = ''.join(token.text for token in tokens if token.supervised)
    assert marked == 'Tin is a metal.<|im_end|>'


def test_a_response_that_was_cut_has_no_supervised_end_of_turn() -> None:
    tokens = tokens_of('Tin is', [(0, 6)], [1], finished=False)
    assert ''.join(token.text for token in tokens if token.supervised) == 'Tin is'


def test_a_character_of_several_tokens_is_shown_once() -> None:
    shown = ''.join(token.text for token in tokens_of('錫 🜩', [(0, 3)], [1]))
    assert shown.replace(CONTINUATION, '').startswith('錫 🜩<|im_end|>')
    assert shown.count('🜩') == 1
    assert CONTINUATION in shown
