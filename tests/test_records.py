"""What a record refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from maskdpo_xtuner.records import PairItem


@pytest.mark.parametrize(
    ('fields', 'problem'),
    [
        ({}, 'either type or weights'),
        ({'type': ['hallucination'] * 2, 'weights': [1, 0]}, 'either type or weights'),
        ({'weights': [1]}, '2 sents but 1 weights'),
        ({'weights': [1, -0.5]}, 'greater than or equal to 0'),
        ({'weights': [1, float('inf')]}, 'finite number'),
        ({'type': ['hallucination']}, '2 sents but 1 type'),
    ],
)
def test_each_piece_of_a_pair_has_a_type_or_a_finite_weight(
    fields: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValidationError, match=problem):
        PairItem(sents=('It is so.', 'It is not.'), **fields)
