"""From labelled characters to supervised tokens, exactly."""

from maskdpo_xtuner.masking.asked import Prompts
from maskdpo_xtuner.masking.conversion import MaskedPair, PairConverter, count_drops
from maskdpo_xtuner.masking.map_fns import (
    MapFunction,
    response_mask_map_fn,
    sentence_mask_map_fn,
)
from maskdpo_xtuner.masking.masks import (
    EndOfTurn,
    LabelledResponse,
    MaskedResponse,
    mask_batch,
    mask_response,
    token_mask,
    token_weights,
)
from maskdpo_xtuner.masking.pairs import SIDES, Side, labelled_response, supervised_spans
from maskdpo_xtuner.masking.printing import (
    Look,
    format_mask,
    format_pair,
    harmless,
    token_texts,
)
from maskdpo_xtuner.masking.rendering import (
    MaskingError,
    Prompt,
    Rendering,
    check_tokenizer,
    render,
    render_batch,
)

__all__ = [
    'EndOfTurn',
    'LabelledResponse',
    'Look',
    'MapFunction',
    'MaskedPair',
    'MaskedResponse',
    'MaskingError',
    'PairConverter',
    'Prompt',
    'Prompts',
    'Rendering',
    'SIDES',
    'Side',
    'check_tokenizer',
    'count_drops',
    'format_mask',
    'format_pair',
    'harmless',
    'labelled_response',
    'mask_batch',
    'mask_response',
    'render',
    'render_batch',
    'response_mask_map_fn',
    'sentence_mask_map_fn',
    'supervised_spans',
    'token_mask',
    'token_texts',
    'token_weights',
]
