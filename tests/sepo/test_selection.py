"""Selecting tokens over records."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from maskdpo_xtuner.masking import MaskingError, Prompt, supervised_spans
from maskdpo_xtuner.records import PreferencePair
from maskdpo_xtuner.sepo import ScoredToken, select_tokens
from tests.preference_pairs import released_pair


def word_lengths(conversations: Sequence[tuple[Prompt, str]]) -> list[list[ScoredToken]]:
    """Words are tokens, and long ones score high."""
    return [_words(text) for _, text in conversations]


def _words(text: str) -> list[ScoredToken]:
    tokens, position = [], 0
    for word in text.split():
        start = text.index(word, position)
        position = start + len(word)
        tokens.append(ScoredToken(start, position, float(len(word))))
    return tokens


def pairs(count: int) -> list[PreferencePair]:
    return [
        PreferencePair.model_validate(released_pair(question=f'What is element {i}?'))
        for i in range(count)
    ]


def test_pieces_weigh_1_in_place_of_labels_and_all_else_is_kept() -> None:
    (pair,) = pairs(1)
    (selected,) = select_tokens([pair], word_lengths, share=0.2)
    assert selected.chosen_item.sents == ('found', 'metal.')
    assert selected.rejected_item.sents == ('It', 'a')
    for side in ('chosen', 'rejected'):
        item = getattr(selected, f'{side}_item')
        assert item.weights == (1.0, 1.0)
        assert item.type is item.labels is None
        (message,) = getattr(selected, side)
        spans, weights = supervised_spans(side, message.content, item)
        assert [message.content[start:end] for start, end in spans] == list(item.sents)
        assert weights == [1.0, 1.0]
    items = {'chosen_item', 'rejected_item'}
    assert selected.model_dump(exclude=items) == pair.model_dump(exclude=items)


def test_the_result_is_read_back_from_its_json() -> None:
    (selected,) = select_tokens(pairs(1), word_lengths, share=0.2)
    assert PreferencePair.model_validate_json(selected.model_dump_json()) == selected


@pytest.mark.parametrize('batch_size', [1, 2, 5])
def test_batches_do_not_change_the_result(batch_size: int) -> None:
    expected = [next(select_tokens([pair], word_lengths, 0.3)) for pair in pairs(5)]
    assert list(select_tokens(pairs(5), word_lengths, 0.3, batch_size)) == expected


@pytest.mark.parametrize('share', [0.0, -0.1, 1.5, float('nan')])
def test_a_share_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=r'must lie in \(0, 1\]'):
        list(select_tokens(pairs(1), word_lengths, share))


def test_a_response_that_can_not_be_scored_is_named_by_pair_and_side() -> None:
    def fail_late(conversations: Sequence[tuple[Prompt, str]]) -> list[list[ScoredToken]]:
        if conversations[0][0][0]['content'] == 'What is element 2?':
            raise MaskingError('too long', index=3)
        return word_lengths(conversations)

    with pytest.raises(ValueError, match='^pair 4: rejected: too long$'):
        list(select_tokens(pairs(5), fail_late, 0.3, batch_size=2))
