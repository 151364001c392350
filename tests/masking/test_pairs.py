"""Sentences of a pair as supervised spans."""

from typing import Any

import pytest

from maskdpo_xtuner.masking import MaskingError, Side, supervised_spans
from maskdpo_xtuner.records import Label, PairItem

TEXT = 'It is so. It is not. It is so.\n'
SENTS = ('It is so.', 'It is not.', 'It is so.')
SPANS = ((0, 10), (10, 21), (21, 31))
TYPES = ('no_hallucination', 'hallucination', 'hallucination')


def item(**fields: Any) -> PairItem:
    return PairItem(**{'sents': SENTS, 'type': TYPES, **fields})


@pytest.mark.parametrize(
    ('side', 'supervised'), [('chosen', [True, False, False]), ('rejected', [False, True, True])]
)
def test_chosen_counts_what_is_right_and_rejected_what_is_wrong(
    side: Side, supervised: list[bool]
) -> None:
    assert supervised_spans(side, TEXT, item(spans=SPANS)) == (list(SPANS), supervised)


def test_sentences_without_spans_are_found_in_order() -> None:
    spans, _ = supervised_spans('chosen', TEXT, item())
    assert spans == [(0, 9), (10, 20), (21, 30)]


@pytest.mark.parametrize('side', ['chosen', 'rejected'])
def test_a_sentence_without_a_label_counts_on_neither_side(side: Side) -> None:
    labels = (None, Label.CONTRADICTORY, None)
    _, supervised = supervised_spans(side, TEXT, item(spans=SPANS, labels=labels))
    assert supervised == [False, side == 'rejected', False]


def test_an_empty_sentence_is_left_out_with_its_type() -> None:
    released = PairItem(
        sents=('It is so.', '', 'It is not.'),
        type=('no_hallucination', 'hallucination', 'no_hallucination'),
    )
    assert supervised_spans('chosen', TEXT, released) == ([(0, 9), (10, 20)], [True, True])


@pytest.mark.parametrize(
    'sents',
    [('It is so.', 'It was not.', 'It is so.'), ('It is not.', 'It is so.', 'It is not.')],
)
def test_names_the_sentence_that_is_not_in_the_text(sents: tuple[str, ...]) -> None:
    index = 1 if 'It was not.' in sents else 2
    with pytest.raises(MaskingError, match=rf'rejected_item.sents\[{index}\] is not in the'):
        supervised_spans('rejected', TEXT, item(sents=sents))


def test_names_the_span_that_is_not_its_sentence() -> None:
    shifted = ((0, 10), (10, 19), (19, 31))
    with pytest.raises(MaskingError, match=r'chosen_item.spans\[1\] is \[10, 19\), where'):
        supervised_spans('chosen', TEXT, item(spans=shifted))


@pytest.mark.parametrize('side', ['chosen', 'rejected'])
def test_weights_stand_for_themselves_on_both_sides(side: Side) -> None:
    weighted = PairItem(sents=SENTS, weights=(0.5, 0, 2))
    assert supervised_spans(side, TEXT, weighted) == ([(0, 9), (10, 20), (21, 30)], [0.5, 0, 2])


def test_weighted_pieces_may_be_finer_than_sentences_and_leave_gaps() -> None:
    pieces = PairItem(sents=('is not', 'so'), spans=((13, 19), (27, 29)), weights=(1, 0.5))
    assert supervised_spans('rejected', TEXT, pieces) == ([(13, 19), (27, 29)], [1, 0.5])
