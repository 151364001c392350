"""How much each part of a pair's sides counts in the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from maskdpo_xtuner.masking.masks import LabelledResponse
from maskdpo_xtuner.masking.rendering import MaskingError
from maskdpo_xtuner.records import BinaryType, PairItem, PreferencePair

Side = Literal['chosen', 'rejected']
SIDES: tuple[Side, Side] = ('chosen', 'rejected')

Spans = tuple[list[tuple[int, int]], list[float]]
"""Character spans of a response, and the weight of each in the loss."""

SUPERVISED_TYPE: dict[Side, BinaryType] = {
    'chosen': 'no_hallucination',
    'rejected': 'hallucination',
}
"""Mask-DPO, eq. 5-6: what is right in the chosen and what is wrong in the rejected response."""


def supervised_spans(side: Side, text: str, item: PairItem) -> Spans:
    """Character spans of the sentences of one side, and the weight of each in the loss.

    Spans are the item's own; a file made for the released trainer has none, and its sentences
    are looked up in the text in order. The weight is the item's own, or 1 for a type that its side
    supervises and 0 for the other. A sentence that was not labelled (label None) counts on neither
    side.

    Args:
        side: which side of the pair.
        text: the response.
        item: its sentences, or other pieces, with their types or weights.

    Returns:
        ``(spans, weights)``, of equal length. An empty sentence is left out.

    Raises:
        MaskingError: naming the sentence that is not in the text, or not at its span.
    """
    if item.spans is None:
        spans = _find_sentences(side, text, item.sents)
    else:
        _check_sentences(side, text, item.sents, item.spans)
        spans = list(item.spans)
    return _without_empty(spans, _weights(side, item))


def labelled_response(
    side: Side,
    pair: PreferencePair,
    spans_of: Callable[[Side, str, PairItem], Spans] = supervised_spans,
) -> LabelledResponse:
    """Give one side of a pair as Mask-DPO supervises it, or as ``spans_of`` says.

    Raises:
        MaskingError: as of `supervised_spans`.
    """
    text = getattr(pair, side)[0].content
    item: PairItem = getattr(pair, f'{side}_item')
    prompt = [message.model_dump() for message in pair.prompt]
    # An answer cut at the token limit has no end-of-turn token of its own.
    finished = item.finish_reason != 'length'
    return LabelledResponse(prompt, text, *spans_of(side, text, item), finished)


def _weights(side: Side, item: PairItem) -> Sequence[float]:
    if item.type is None:
        assert item.weights is not None  # a PairItem has one of the two
        return item.weights
    labelled = (
        [True] * len(item.type) if item.labels is None else [x is not None for x in item.labels]
    )
    wanted = SUPERVISED_TYPE[side]
    kinds = zip(item.type, labelled, strict=True)
    return [float(kind == wanted and known) for kind, known in kinds]


def _find_sentences(side: Side, text: str, sents: tuple[str, ...]) -> list[tuple[int, int]]:
    spans = []
    position = 0
    for index, sent in enumerate(sents):
        start = text.find(sent, position)
        if start < 0:
            raise MaskingError(
                f'{side}_item.sents[{index}] is not in the response after character {position}: '
                f'{sent[:80]!r}; sentences have to be pieces of the response, in order'
            )
        position = start + len(sent)
        spans.append((start, position))
    return spans


def _check_sentences(
    side: Side, text: str, sents: tuple[str, ...], spans: tuple[tuple[int, int], ...]
) -> None:
    for index, (sent, (start, end)) in enumerate(zip(sents, spans, strict=True)):
        if text[start:end].strip() != sent.strip():
            raise MaskingError(
                f'{side}_item.spans[{index}] is [{start}, {end}), where the response has '
                f'{text[start:end][:80]!r} and sents[{index}] is {sent[:80]!r}; they have to agree'
            )


def _without_empty(spans: Sequence[tuple[int, int]], weights: Sequence[float]) -> Spans:
    """An empty sentence has no token."""
    kept = [index for index, (start, end) in enumerate(spans) if start < end]
    return [spans[index] for index in kept], [weights[index] for index in kept]
