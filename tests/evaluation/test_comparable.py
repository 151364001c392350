"""What may stand side by side, and what may not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from maskdpo_xtuner.evaluation.comparable import (
    Aspect,
    Origin,
    check_comparable,
    obstacles,
    origin_of,
)
from tests.evaluation.test_comparison import evaluated

SAME = {
    'questions_sha256': 'abc',
    'judge': {'name': 'llm', 'model': 'm', 'prompts': 'p1'},
    'k': 32,
    'decoding': {'temperature': 0.8, 'top_k': 40},
}


def origin(**changes: Any) -> Origin:
    return Origin.model_validate({**SAME, **changes})


def test_results_of_the_same_making_may_stand_side_by_side() -> None:
    assert obstacles(origin(), origin()) == []
    check_comparable(origin(), origin())


@pytest.mark.parametrize(
    ('changes', 'aspect', 'reason'),
    [
        ({'questions_sha256': 'xyz'}, 'questions', 'questions or their documents are not the same'),
        ({'questions_sha256': ''}, 'questions', 'does not say which questions'),
        ({'judge': {**SAME['judge'], 'model': 'n'}}, 'judge', "model: 'm' -> 'n'"),  # type: ignore[dict-item]
        ({'judge': {**SAME['judge'], 'prompts': 'p2'}}, 'judge', "prompts: 'p1' -> 'p2'"),  # type: ignore[dict-item]
        ({'judge': {}}, 'judge', 'does not say what determines its verdicts'),
        ({'k': 64}, 'k', 'F1@32 is not F1@64'),
        ({'decoding': {'temperature': 0.8, 'top_k': 1}}, 'decoding', 'top_k: 40.0 -> 1.0'),
    ],
)
def test_what_differs_is_refused_with_the_reason_unless_it_may(
    changes: Mapping[str, Any], aspect: Aspect, reason: str
) -> None:
    (found,) = obstacles(origin(), origin(**changes))
    assert found.aspect == aspect
    assert reason in found.reason
    with pytest.raises(ValueError, match='may not stand side by side: ') as caught:
        check_comparable(origin(), origin(**changes))
    assert reason in str(caught.value)
    check_comparable(origin(), origin(**changes), allowed=[aspect])


def test_a_judge_that_says_nothing_is_not_even_its_own_equal() -> None:
    assert obstacles(origin(judge={}), origin(judge={}))


def test_a_result_knows_what_it_was_made_from() -> None:
    evaluation = evaluated(base='+u')
    found = origin_of(evaluation, evaluation.judges[0])
    assert found.judge == {'name': 'by hand'}
    assert (found.k, len(found.questions_sha256)) == (32, 64)
