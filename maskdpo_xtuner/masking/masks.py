"""From weighted character spans to token weights and masks.

Rule: a token belongs to the sentence of its first non-blank character, a blank token to the
sentence before it. What tokens look like (byte pieces of a character, a leading blank, merges
across the response's borders) does not matter to it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from maskdpo_xtuner.chat_templates import TemplateKwargs
from maskdpo_xtuner.masking.rendering import MaskingError, Prompt, Rendering, render_batch
from maskdpo_xtuner.records import check_spans

EndOfTurn = Literal['always', 'never', 'last_sentence']
"""Whether the end-of-turn token is supervised; the released trainer does it always."""

Span = tuple[int, int]


@dataclass(frozen=True)
class LabelledResponse:
    """A conversation and how much each part of its response counts in the loss.

    Attributes:
        prompt: the turns before the response.
        response: the response, as it was labelled.
        spans: half-open character ranges of ``response``, in order, without overlap. They need
            not cover it; what lies outside is not supervised.
        weights: one for each span: the factor of its tokens' log-ratios in the loss; 0 is not
            supervised. True and False are 1 and 0.
        finished: False for a response that was cut at the token limit, which the model did not
            end: its end-of-turn token is never supervised.
    """

    prompt: Prompt
    response: str
    spans: Sequence[Span]
    weights: Sequence[float]
    finished: bool = True


@dataclass(frozen=True)
class MaskedResponse:
    """Token ids of prompt and response and their weights in the loss.

    Attributes:
        ids: (length,) token ids.
        weights: (length,) 0 where the token is not supervised.
        prompt_length: tokens before the first one that touches the response; more than there
            are ids when the cut at the maximal length took away the whole response.
    """

    ids: list[int]
    weights: list[float]
    prompt_length: int

    @property
    def mask(self) -> list[bool]:
        """(length,) True where the token is supervised."""
        return [weight != 0 for weight in self.weights]


def mask_response(
    tokenizer: Any,
    prompt: Prompt,
    response: str,
    spans: Sequence[Span],
    weights: Sequence[float],
    end_of_turn: EndOfTurn = 'always',
    max_length: int | None = None,
    finished: bool = True,
) -> MaskedResponse:
    """Mask one response; see `mask_batch`."""
    item = LabelledResponse(prompt, response, spans, weights, finished)
    return mask_batch(tokenizer, [item], end_of_turn, max_length)[0]


def mask_batch(
    tokenizer: Any,
    items: Sequence[LabelledResponse],
    end_of_turn: EndOfTurn = 'always',
    max_length: int | None = None,
    template_kwargs: TemplateKwargs | None = None,
) -> list[MaskedResponse]:
    """Render, tokenize and mask a batch of responses.

    Args:
        tokenizer: a fast transformers tokenizer with a chat template.
        items: the responses; those that share a prompt render it once.
        end_of_turn: whether the end-of-turn token is supervised.
        max_length: ids and weights are cut to it from the right; None keeps all. Nothing supervised
            may be left then, which is for the caller to count.
        template_kwargs: variables of the chat template beside the messages.

    Raises:
        MaskingError: with ``index`` set to the item, as of `render_batch` and `token_weights`.
    """
    conversations = [(item.prompt, item.response) for item in items]
    renderings = render_batch(tokenizer, conversations, template_kwargs)
    masked = []
    for index, (item, rendering) in enumerate(zip(items, renderings, strict=True)):
        try:
            weights = token_weights(
                rendering, item.spans, item.weights, end_of_turn, finished=item.finished
            )
        except MaskingError as error:
            raise MaskingError(str(error), index) from error
        prompt_length = sum(end <= rendering.response_start for _, end in rendering.offsets)
        kept = rendering.ids[:max_length], weights[:max_length]
        masked.append(MaskedResponse(*kept, prompt_length))
    return masked


def token_mask(
    rendering: Rendering,
    spans: Sequence[Span],
    weights: Sequence[float],
    end_of_turn: EndOfTurn = 'always',
    finished: bool = True,
) -> list[bool]:
    """Say of each token whether it is supervised; arguments and errors as of `token_weights`."""
    return [
        weight != 0 for weight in token_weights(rendering, spans, weights, end_of_turn, finished)
    ]


def token_weights(
    rendering: Rendering,
    spans: Sequence[Span],
    weights: Sequence[float],
    end_of_turn: EndOfTurn = 'always',
    finished: bool = True,
) -> list[float]:
    """Give each token the weight of the span that it belongs to.

    A token that touches the response belongs to the span of its first non-blank character. A
    blank one belongs to the span of the last non-blank character before it, and at the very
    front of the response to the span that covers it. The end-of-turn token is the first token
    after the response that is not blank.

    Args:
        rendering: the conversation.
        spans: character ranges of the original response, in order, without overlap.
        weights: one for each span; True and False are 1 and 0.
        end_of_turn: the end-of-turn token has the weight 1 (``always``), 0 (``never``), or that
            of the last span (``last_sentence``).
        finished: False when the response has no end of turn of its own.

    Returns:
        (length,) one weight for each token of the rendering, 0 outside of all spans.

    Raises:
        MaskingError: spans out of order, overlapping, empty or outside the response; another
            number of weights.
    """
    _check(rendering, spans, weights)
    starts = [start + rendering.shift for start, _ in spans]
    ends = [end + rendering.shift for _, end in spans]

    def weight_at(position: int | None) -> float:
        """The weight of the span that covers a character of ``text``."""
        if position is None:
            return 0.0
        index = bisect_right(starts, position) - 1
        return float(weights[index]) if index >= 0 and position < ends[index] else 0.0

    found = [weight_at(_deciding_character(rendering, *token)) for token in rendering.offsets]
    end, end_weight = _end_of_turn(rendering), _end_weight(end_of_turn, weights)
    if finished and end is not None:
        found[end] = end_weight
    return found


def _check(rendering: Rendering, spans: Sequence[Span], weights: Sequence[float]) -> None:
    if len(spans) != len(weights):
        raise MaskingError(f'{len(spans)} spans but {len(weights)} weights')
    try:
        check_spans(spans, rendering.response_length)
    except ValueError as error:
        raise MaskingError(str(error)) from error


def _deciding_character(rendering: Rendering, start: int, end: int) -> int | None:
    """The character of ``text`` whose span a token belongs to; None outside of the response."""
    if end <= rendering.response_start or start >= rendering.response_end:
        return None
    position = _first_non_blank(rendering.text, start, end)
    if position < end:
        inside = rendering.response_start <= position < rendering.response_end
        return position if inside else None
    before = rendering.text[rendering.response_start : start].rstrip()
    if before:
        return rendering.response_start + len(before) - 1
    return max(start, rendering.response_start)


def _end_weight(end_of_turn: EndOfTurn, weights: Sequence[float]) -> float:
    if end_of_turn not in get_args(EndOfTurn):
        raise ValueError(f'end_of_turn is one of {get_args(EndOfTurn)}, not {end_of_turn!r}')
    if end_of_turn == 'last_sentence':
        return float(weights[-1]) if weights else 0.0
    return 1.0 if end_of_turn == 'always' else 0.0


def _end_of_turn(rendering: Rendering) -> int | None:
    """Index of the first token after the response that is not blank."""
    for index, (start, end) in enumerate(rendering.offsets):
        if rendering.response_end <= _first_non_blank(rendering.text, start, end) < end:
            return index
    return None


def _first_non_blank(text: str, start: int, end: int) -> int:
    """Position of the first non-blank character of ``text[start:end]``, or ``end``."""
    return end - len(text[start:end].lstrip())
