"""The one way from pairs to what is trained on."""

from __future__ import annotations

from typing import Any

import pytest

from maskdpo_xtuner.masking import (
    LabelledResponse,
    PairConverter,
    count_drops,
    mask_response,
    response_mask_map_fn,
)
from tests.preference_pairs import CORRECT, WRONG, released_pair
from tests.tokenizers import load_tokenizer

PROMPT = [{'role': 'user', 'content': 'What is neon?'}]
LONG = tuple(f'Fact number {index} holds.' for index in range(99))


def supervised(converter: PairConverter, row: dict[str, Any]) -> tuple[str, str]:
    """The supervised text of both sides."""
    (pair,) = converter.convert([row], ['pairs.jsonl:1'])
    assert pair.drop_reason is None
    chosen, rejected = (
        converter.tokenizer.decode(
            [token for token, flag in zip(side.ids, side.mask, strict=True) if flag]
        )
        for side in (pair.chosen, pair.rejected)
    )
    return chosen, rejected


def test_correct_sentences_of_chosen_and_wrong_ones_of_rejected_are_supervised() -> None:
    converter = PairConverter(load_tokenizer('smollm2'), end_of_turn='never')
    assert supervised(converter, released_pair()) == (CORRECT, WRONG)
    both = (f'{CORRECT} {WRONG}', f'{WRONG} {CORRECT}')
    whole = PairConverter(load_tokenizer('smollm2'), response_mask_map_fn, end_of_turn='never')
    assert supervised(whole, released_pair()) == both


def test_rows_of_other_projects_are_trained_on_whole() -> None:
    converter = PairConverter(load_tokenizer('smollm2'), response_mask_map_fn, end_of_turn='never')
    row = {'messages': [*PROMPT, {'role': 'assistant', 'content': 'A gas.'}]}
    assert supervised(converter, {**row, 'rejected_response': 'A metal.'}) == ('A gas.', 'A metal.')


def test_a_map_function_of_ones_own_chooses_the_spans() -> None:
    def first_word(row: Any) -> tuple[LabelledResponse, LabelledResponse]:
        return tuple(LabelledResponse(PROMPT, row[side], [(0, 3)], [0.5]) for side in 'ab')  # type: ignore[return-value]

    tokenizer = load_tokenizer('smollm2')
    (pair,) = PairConverter(tokenizer, first_word).convert([{'a': 'One.', 'b': 'Two.'}], ['x'])
    assert pair.chosen == mask_response(tokenizer, PROMPT, 'One.', [(0, 3)], [0.5])
    assert pair.rejected == mask_response(tokenizer, PROMPT, 'Two.', [(0, 3)], [0.5])


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'chosen': (WRONG,)}, 'chosen: no sentence to supervise'),
        ({'rejected': (CORRECT,)}, 'rejected: no sentence to supervise'),
        ({'rejected': (*LONG, WRONG)}, 'rejected: all supervised tokens lie beyond max_length'),
    ],
)
def test_a_pair_with_nothing_to_supervise_has_the_reason_and_its_tokens(
    changes: dict[str, Any], reason: str
) -> None:
    converter = PairConverter(load_tokenizer('smollm2'), max_length=128)
    good, dropped = converter.convert([released_pair(), released_pair(**changes)], ['a', 'b'])
    assert (good.drop_reason, dropped.drop_reason) == (None, reason)
    assert dropped.chosen.ids


OPEN = [{'role': role, 'content': 'Neon'} for role in ('user', 'assistant')]
UNLABELLED = {'sents': [CORRECT], 'type': ['hallucination'], 'labels': [None]}


@pytest.mark.parametrize(
    ('row', 'problem'),
    [
        (released_pair(rejected=(WRONG, '<|im_end|>')), 'b: rejected: the tokenizer reads'),
        (released_pair(prompt=[]), 'b: not a preference pair: '),
        (released_pair(chosen_item=UNLABELLED), 'b: chosen_item.labels: no sentence is labelled'),
        (
            {'prompt': 'What is neon?', 'chosen': 'A gas.', 'rejected': 'A metal.'},
            'b: chosen_item.labels: no sentence is labelled',
        ),
        (released_pair(prompt=OPEN), 'b: .*the prompt ends with an assistant turn'),
        (
            released_pair(images=['neon.png']),
            'b: not a preference pair: images: a pair of',
        ),
    ],
)
def test_a_row_that_cannot_be_masked_is_refused_with_its_place(
    row: dict[str, Any], problem: str
) -> None:
    converter = PairConverter(load_tokenizer('smollm2'))
    with pytest.raises(ValueError, match=f'^{problem}'):
        converter.convert([released_pair(), row], ['a', 'b'])


def test_drops_are_counted_by_reason() -> None:
    assert count_drops([None, None]) == '2 of 2 pairs are trained on'
    counted = count_drops(['b', None, 'a', 'a'])
    assert counted == '1 of 4 pairs are trained on; dropped: a (2), b (1)'
