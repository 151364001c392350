"""Pairs whose sides are weighted by the selected tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from maskdpo_xtuner.masking import SIDES, MaskingError, Prompt, Side
from maskdpo_xtuner.records import PairItem, PreferencePair
from maskdpo_xtuner.sepo.spans import ScoredToken, select_spans

ResponseScorer = Callable[[Sequence[tuple[Prompt, str]]], list[list[ScoredToken]]]
"""Scores the tokens of a batch of ``(prompt, response)`` pairs."""


def select_tokens(
    pairs: Iterable[PreferencePair], score: ResponseScorer, share: float, batch_size: int = 8
) -> Iterator[PreferencePair]:
    """Weigh the key tokens of both sides of each pair 1 and leave out the others.

    The new pairs have ``weights`` in place of types and labels; all else is kept. Pairs stream:
    memory holds one batch.

    Args:
        pairs: as from sampling, or of the released trainer.
        score: scores the tokens of responses, such as a `LogRatioScorer`.
        share: of the tokens of a response to keep; 0.3 in SePO.
        batch_size: pairs that are scored together.

    Raises:
        ValueError: for a share outside of (0, 1], and, naming number and side of the pair, for a
            response that can not be scored.
    """
    if not 0 < share <= 1:
        raise ValueError(f'the share of tokens to keep must lie in (0, 1], not {share}')
    rest = iter(pairs)
    number = 0
    while batch := list(islice(rest, batch_size)):
        scored = _score(batch, score, number)
        for pair, chosen, rejected in zip(batch, scored[::2], scored[1::2], strict=True):
            tokens = {'chosen': chosen, 'rejected': rejected}
            yield pair.model_copy(
                update={f'{side}_item': _item(pair, side, tokens[side], share) for side in SIDES}
            )
        number += len(batch)


def _score(
    batch: Sequence[PreferencePair], score: ResponseScorer, number: int
) -> list[list[ScoredToken]]:
    """Tokens of the chosen and the rejected response of each pair in turn."""
    conversations = [
        ([message.model_dump() for message in pair.prompt], _text(pair, side))
        for pair in batch
        for side in SIDES
    ]
    try:
        return score(conversations)
    except MaskingError as error:
        if error.index is None:
            raise
        place = f'pair {number + error.index // 2 + 1}: {SIDES[error.index % 2]}'
        raise ValueError(f'{place}: {error}') from error


def _text(pair: PreferencePair, side: Side) -> str:
    (message,) = getattr(pair, side)
    text: str = message.content
    return text


def _item(
    pair: PreferencePair, side: Side, tokens: Sequence[ScoredToken], share: float
) -> PairItem:
    item: PairItem = getattr(pair, f'{side}_item')
    text = _text(pair, side)
    spans = tuple(select_spans(tokens, side, share))
    return item.model_copy(
        update={
            'sents': tuple(text[start:end] for start, end in spans),
            'spans': spans,
            'weights': (1.0,) * len(spans),
            'type': None,
            'labels': None,
        }
    )
