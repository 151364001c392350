"""From labelled characters to supervised tokens, exactly."""

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
from maskdpo_xtuner.masking.printing import format_mask
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
    'MaskedResponse',
    'MaskingError',
    'Prompt',
    'Rendering',
    'SIDES',
    'Side',
    'check_tokenizer',
    'format_mask',
    'labelled_response',
    'mask_batch',
    'mask_response',
    'render',
    'render_batch',
    'supervised_spans',
    'token_mask',
    'token_weights',
]
