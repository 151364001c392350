"""Map functions: from a row of the data to the two responses with their supervised spans.

A map function takes one row and returns the chosen and the rejected response. Named by its
dotted path, or registered in XTuner's ``MAP_FUNC``, as ``dataset_map_fn`` of the data set, one's
own lets clauses, atomic facts or spans marked by people be supervised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from maskdpo_xtuner.forms import read_row
from maskdpo_xtuner.masking.masks import LabelledResponse
from maskdpo_xtuner.masking.pairs import SIDES, Side, Spans, labelled_response
from maskdpo_xtuner.records import PairItem, PreferencePair

MapFunction = Callable[[Mapping[str, Any]], tuple[LabelledResponse, LabelledResponse]]


def sentence_mask_map_fn(row: Mapping[str, Any]) -> tuple[LabelledResponse, LabelledResponse]:
    """Supervise correct sentences of the chosen and hallucinated ones of the rejected: Mask-DPO.

    Raises:
        ValueError: when the row is no preference pair, a sentence is not in its response, or no
            sentence of a side is labelled.
    """
    pair = _pair(row)
    for side in SIDES:
        _refuse_unlabelled(side, getattr(pair, f'{side}_item'))
    return labelled_response('chosen', pair), labelled_response('rejected', pair)


def response_mask_map_fn(row: Mapping[str, Any]) -> tuple[LabelledResponse, LabelledResponse]:
    """Supervise the whole of both responses: plain DPO (paper, Table 2, "w/o mask").

    Raises:
        ValueError: when the row is no preference pair.
    """
    pair = _pair(row)
    return (
        labelled_response('chosen', pair, _whole_response),
        labelled_response('rejected', pair, _whole_response),
    )


def _whole_response(side: Side, text: str, item: PairItem) -> Spans:
    return [(0, len(text))], [1.0]


def _pair(row: Mapping[str, Any]) -> PreferencePair:
    try:
        return PreferencePair.model_validate(read_row(row, text_only=True).value)
    except ValueError as error:
        raise ValueError(f'not a preference pair: {error}') from error


def _refuse_unlabelled(side: Side, item: PairItem) -> None:
    if item.is_unlabelled:
        raise ValueError(
            f'{side}_item.labels: no sentence is labelled, so there is nothing to mask by; label '
            'the answers, or train on whole answers with dataset_map_fn="response_mask_map_fn" '
            '(plain DPO)'
        )
