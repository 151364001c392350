"""stem: which words are compared as one."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.annotators.words import stem


@pytest.mark.parametrize(
    'words',
    [
        ('discovered', 'discoverers', 'discovery', 'discover'),
        ('coin', 'coins'),
        ('used', 'uses', 'use', 'using'),
        ('radioactive', 'radioactivity'),
    ],
)
def test_forms_of_a_word_share_a_stem(words: tuple[str, ...]) -> None:
    assert len({stem(word) for word in words}) == 1
