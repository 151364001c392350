"""Map functions: from a row of the data to the two responses with their supervised spans.

A map function takes one row and returns the chosen and the rejected response. Named by its
dotted path, or registered in XTuner's ``MAP_FUNC``, as ``dataset_map_fn`` of the data set, one's
own lets clauses, atomic facts or spans marked by people be supervised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from xtuner.registry import MAP_FUNC

from maskdpo_xtuner.masking import LabelledResponse, Side, supervised_spans
from maskdpo_xtuner.records import PairItem, PreferencePair

MapFunction = Callable[[Mapping[str, Any]], tuple[LabelledResponse, LabelledResponse]]
Spans = tuple[list[tuple[int, int]], list[float]]


@MAP_FUNC.register_module()
def sentence_mask_map_fn(row: Mapping[str, Any]) -> tuple[LabelledResponse, LabelledResponse]:
    """Mask-DPO: hallucination-free sentences of the chosen, hallucinated ones of the rejected.

    Raises:
        ValueError: when the row is no preference pair or a sentence is not in its response.
    """
    return _responses(row, supervised_spans)


@MAP_FUNC.register_module()
def response_mask_map_fn(row: Mapping[str, Any]) -> tuple[LabelledResponse, LabelledResponse]:
    """Plain DPO: the whole of both responses is supervised (paper, Table 2, "w/o mask").

    Raises:
        ValueError: when the row is no preference pair.
    """
    return _responses(row, _whole_response)


def _whole_response(side: Side, text: str, item: PairItem) -> Spans:
    return [(0, len(text))], [1.0]


def _responses(
    row: Mapping[str, Any], spans_of: Callable[[Side, str, PairItem], Spans]
) -> tuple[LabelledResponse, LabelledResponse]:
    try:
        pair = PreferencePair.model_validate(row)
    except ValidationError as error:
        raise ValueError(f'not a preference pair: {error}') from error
    prompt = [message.model_dump() for message in pair.prompt]

    def response(side: Side, text: str, item: PairItem) -> LabelledResponse:
        spans, weights = spans_of(side, text, item)
        # An answer cut at the token limit has no end-of-turn token of its own.
        return LabelledResponse(prompt, text, spans, weights, item.finish_reason != 'length')

    return (
        response('chosen', pair.chosen[0].content, pair.chosen_item),
        response('rejected', pair.rejected[0].content, pair.rejected_item),
    )
