"""Which characters are selected, and what becomes of them in another tokenizer."""

from __future__ import annotations

import random

import pytest

from maskdpo_xtuner.masking import Side, mask_response, render
from maskdpo_xtuner.sepo.spans import ScoredToken, scored_tokens, select_spans
from tests.tokenizers import TOKENIZERS, load_tokenizer

PROMPT = [{'role': 'user', 'content': 'What is radium?'}]
RESPONSE = 'Radium, found in 1898 by Marie Curie,\n\nglows faintly; it’s naïve to touch it.'


def tokens(*scores: float) -> list[ScoredToken]:
    """Tokens of two characters each, with one character between them."""
    return [ScoredToken(3 * i, 3 * i + 2, score) for i, score in enumerate(scores)]


@pytest.mark.parametrize(
    ('side', 'spans'), [('chosen', [(3, 5), (9, 11)]), ('rejected', [(0, 2), (6, 8)])]
)
def test_the_highest_of_the_chosen_and_the_lowest_of_the_rejected_are_kept(
    side: Side, spans: list[tuple[int, int]]
) -> None:
    assert select_spans(tokens(-2.0, 0.5, -0.1, 3.0), side, 0.5) == spans


def test_the_number_is_rounded_up_and_the_first_of_equals_is_kept() -> None:
    assert select_spans(tokens(1.0, 1.0, 1.0, 1.0), 'chosen', 0.3) == [(0, 2), (3, 5)]
    assert select_spans(tokens(1.0, 1.0), 'rejected', 0.01) == [(0, 2)]
    assert len(select_spans(tokens(1.0, 2.0, 3.0), 'chosen', 1.0)) == 3


def test_neighbours_and_pieces_of_one_character_are_one_span() -> None:
    pieces = [ScoredToken(0, 2, 1.0), ScoredToken(2, 3, 1.0), ScoredToken(2, 3, 1.0)]
    assert select_spans([*pieces, ScoredToken(3, 5, 0.0)], 'chosen', 0.75) == [(0, 3)]


def test_blank_tokens_and_tokens_around_the_response_are_left_out() -> None:
    rendering = render(load_tokenizer('llama3'), PROMPT, RESPONSE)
    found = scored_tokens(rendering, range(len(rendering.ids)))
    assert all(RESPONSE[token.start : token.end].strip() for token in found)
    assert found[0].start == 0
    assert found[-1].end == len(RESPONSE)
    assert '\n\n' not in {RESPONSE[token.start : token.end] for token in found}


def test_positions_are_those_of_the_original_where_the_template_trims_it() -> None:
    rendering = render(load_tokenizer('llama3'), PROMPT, '\n  Radium glows. ')
    found = scored_tokens(rendering, [0.0] * len(rendering.ids))
    assert (found[0].start, found[-1].end) == (3, 16)


@pytest.mark.parametrize('name', TOKENIZERS)
def test_in_the_same_tokenizer_the_selected_tokens_come_back(name: str) -> None:
    tokenizer, draw = load_tokenizer(name), random.Random(0)
    text = RESPONSE.replace('’', "'").replace('ï', 'i')  # no characters of several tokens
    rendering = render(tokenizer, PROMPT, text)
    for _ in range(20):
        scores = [draw.random() for _ in rendering.ids]
        found = scored_tokens(rendering, scores)
        kept = sorted((token.score for token in found), reverse=True)[: -(-len(found) * 3 // 10)]
        spans = select_spans(found, 'chosen', 0.3)
        masked = mask_response(tokenizer, PROMPT, text, spans, [True] * len(spans), 'never')
        solid = {token.score for token in found}
        supervised = [
            score
            for score, flag in zip(scores, masked.mask, strict=True)
            if flag and score in solid
        ]
        assert sorted(supervised, reverse=True) == kept


@pytest.mark.parametrize('oracle', TOKENIZERS)
@pytest.mark.parametrize('target', TOKENIZERS)
def test_selected_words_are_the_same_words_in_another_tokenizer(oracle: str, target: str) -> None:
    rendering = render(load_tokenizer(oracle), PROMPT, RESPONSE)
    words = ('Radium', 'Curie', 'naïve')
    found = scored_tokens(rendering, [0.0] * len(rendering.ids))
    chosen = [token for token in found if in_words(token, words)]
    scored = [ScoredToken(t.start, t.end, float(t in chosen)) for t in found]
    spans = select_spans(scored, 'chosen', len(chosen) / len(found))
    tokenizer = load_tokenizer(target)
    masked = mask_response(tokenizer, PROMPT, RESPONSE, spans, [1.0] * len(spans), 'never')
    kept = [token for token, flag in zip(masked.ids, masked.mask, strict=True) if flag]
    text = tokenizer.decode(kept).replace(' ', '')
    assert text == ''.join(words)


def in_words(token: ScoredToken, words: tuple[str, ...]) -> bool:
    starts = [(RESPONSE.index(word), len(word)) for word in words]
    first = token.end - len(RESPONSE[token.start : token.end].lstrip())
    return any(start <= first < start + length for start, length in starts)
