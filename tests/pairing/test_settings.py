"""The settings of the pairs: the paper's by default, refused where they say two things."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.pairing import PairSettings
from maskdpo_xtuner.registry import PAIRINGS
from maskdpo_xtuner.settings import load_settings

BASES = Path(__file__).parents[2] / 'configs' / '_base_'
REST = "work_dir = 'w'\nquestions = dict(type='table', table='elements', split='train')\n"


def settings_over(base: str, folder: Path, own: str = '') -> PairSettings:
    path = folder / 'config.py'
    path.write_text(f'_base_ = [{str(BASES / base)!r}]\n{REST}{own}')
    return load_settings(path).pairs


def test_the_base_of_the_papers_sampling_pairs_as_the_paper_does(tmp_path: Path) -> None:
    assert settings_over('sampling.py', tmp_path) == PairSettings()


def test_the_base_of_our_own_pairs_changes_two_things(tmp_path: Path) -> None:
    ours = PairSettings(no_facts='ignored', ties='most_facts')
    assert settings_over('facts_pairs.py', tmp_path) == ours
    more = settings_over('facts_pairs.py', tmp_path, 'pairs = dict(max_length_ratio=2)\n')
    assert more == ours.model_copy(update={'max_length_ratio': 2})


def test_the_rules_of_the_package_are_registered() -> None:
    assert {'best_worst', 'all', 'top_bottom'} <= set(PAIRINGS)


@pytest.mark.parametrize(
    ('pairs', 'problem'),
    [
        (
            "rule='worst'",
            'no rule of pairs "worst"; did you mean "best_worst"? registered are',
        ),
        ("no_facts='wrong'", "no_facts: Input should be 'correct' or 'ignored'"),
        ("ties='last'", "ties: Input should be 'first' or 'most_facts'"),
        ('max_length_ratio=0.5', 'max_length_ratio: Input should be greater than or equal to 1'),
        ('max_pairs=3', "max_pairs is for rule='all', not 'best_worst'; set it to None"),
        ("rule='all', top_bottom=3", "top_bottom is for rule='top_bottom', not 'all'"),
        ("rule='top_bottom'", "rule='top_bottom' needs the number of pairs, such as top_bottom=4"),
        ("rule='all', max_pairs=0", 'max_pairs: Input should be greater than or equal to 1'),
    ],
)
def test_a_wrong_setting_is_answered_with_its_mend(
    tmp_path: Path, pairs: str, problem: str
) -> None:
    with pytest.raises(ValueError, match='pairs') as caught:
        settings_over('sampling.py', tmp_path, f'pairs = dict({pairs})\n')
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ('settings', 'most'),
    [
        ({}, 1),
        ({'rule': 'all'}, None),
        ({'rule': 'all', 'max_pairs': 7}, 7),
        ({'rule': 'top_bottom', 'top_bottom': 4}, 4),
    ],
)
def test_the_most_pairs_of_a_question(settings: dict[str, Any], most: int | None) -> None:
    assert PairSettings(**settings).most_pairs == most
