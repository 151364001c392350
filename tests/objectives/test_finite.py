from __future__ import annotations

import re

import pytest
import torch

from maskdpo_xtuner.objectives import check_finite

SOURCES = ['pairs.jsonl:3', 'pairs.jsonl:8', 'more.jsonl:1']


@pytest.mark.parametrize('value', [float('nan'), float('inf'), float('-inf')])
def test_the_pairs_whose_loss_is_not_finite_are_named(value: float) -> None:
    loss = torch.tensor([0.7, value, value], requires_grad=True)
    expected = re.escape(f': pairs.jsonl:8 ({value}), more.jsonl:1 ({value}). ')
    with pytest.raises(FloatingPointError, match=expected):
        check_finite(loss, SOURCES)


def test_a_loss_of_both_sides_names_the_pair_of_either() -> None:
    loss = torch.tensor([0.0, 0.0, 0.0, float('nan'), 0.0, 0.0])
    with pytest.raises(FloatingPointError, match=r': pairs\.jsonl:3 \(nan\)\. '):
        check_finite(loss, SOURCES)


def test_a_finite_loss_passes() -> None:
    check_finite(torch.tensor([0.0, -1.0, 3e38]), SOURCES)
