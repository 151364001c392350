"""Which part of a pair's sides to supervise."""

from __future__ import annotations

from typing import Literal

from maskdpo_xtuner.masking.rendering import MaskingError
from maskdpo_xtuner.records import BinaryType, PairItem

Side = Literal['chosen', 'rejected']

SUPERVISED_TYPE: dict[Side, BinaryType] = {
    'chosen': 'no_hallucination',
    'rejected': 'hallucination',
}
"""Mask-DPO, eq. 5-6: what is right in the chosen and what is wrong in the rejected response."""


def supervised_spans(
    side: Side, text: str, item: PairItem
) -> tuple[list[tuple[int, int]], list[bool]]:
    """Character spans of the sentences of one side, and whether each counts in the loss.

    Spans are the item's own; a file made for the released trainer has none, and its sentences
    are looked up in the text in order. A sentence that was not labelled (label None) counts on
    neither side.

    Args:
        side: which side of the pair.
        text: the response.
        item: its sentences with their types.

    Returns:
        ``(spans, supervised)``, of equal length. An empty sentence is left out.

    Raises:
        MaskingError: naming the sentence that is not in the text, or not at its span.
    """
    if item.spans is None:
        spans = _find_sentences(side, text, item.sents)
    else:
        _check_sentences(side, text, item.sents, item.spans)
        spans = list(item.spans)
    labelled = [True] * len(spans) if item.labels is None else [x is not None for x in item.labels]
    wanted = SUPERVISED_TYPE[side]
    flags = [kind == wanted and known for kind, known in zip(item.type, labelled, strict=True)]
    return _without_empty(spans, flags)


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


def _without_empty(
    spans: list[tuple[int, int]], flags: list[bool]
) -> tuple[list[tuple[int, int]], list[bool]]:
    """An empty sentence labels no token."""
    kept = [index for index, (start, end) in enumerate(spans) if start < end]
    return [spans[index] for index in kept], [flags[index] for index in kept]
