from __future__ import annotations

import pytest

from maskdpo_xtuner.evaluation.text import distinct_share, repetition


def test_a_text_in_which_nothing_stands_twice_repeats_nothing() -> None:
    assert repetition('Gold is a soft yellow metal with the symbol Au.') == 0


def test_repetition_is_the_share_of_ngrams_that_stood_before() -> None:
    # Seven tokens, four bigrams of ab ba ab ba ab ba: two different ones of six.
    assert repetition('a b a b a b a', n=2) == pytest.approx(1 - 2 / 6)


def test_a_sentence_repeated_without_end_repeats_nearly_all() -> None:
    sentence = 'Its atomic number is three.'
    assert repetition(' '.join([sentence] * 4)) == pytest.approx(1 - 6 / 21)
    assert repetition(' '.join([sentence] * 100), n=4) > 0.98  # type: ignore[operator]


def test_case_and_white_space_do_not_hide_a_repetition() -> None:
    assert repetition('one two THREE four\n\nOne  Two three Four') == pytest.approx(1 / 5)


@pytest.mark.parametrize('text', ['', '   ', 'Yes, it', 'gold is soft'])
def test_a_text_shorter_than_one_ngram_has_no_repetition_at_all(text: str) -> None:
    assert repetition(text) is None


def test_marks_alone_can_repeat() -> None:
    assert repetition('! ! ! ! ! ! ! !') == repetition('!!!!!!!!') == pytest.approx(1 - 1 / 5)


def test_chinese_is_counted_by_characters() -> None:
    assert repetition('金是金属金是金属') == pytest.approx(1 - 4 / 5)
    assert repetition('金是一种黄色的金属') == 0


def test_words_within_chinese_stay_whole() -> None:
    assert repetition('元素lithium') is None
    assert repetition('化学元素lithium') == 0


def test_distinct_share_counts_different_answers() -> None:
    assert distinct_share(['a', 'b', 'c', 'd']) == 1
    assert distinct_share(['a', 'a', 'a', 'a']) == 0.25
    assert distinct_share(['It is  gold.', 'it is gold.\n', 'It is tin.']) == pytest.approx(2 / 3)


def test_no_answers_have_no_distinct_share() -> None:
    with pytest.raises(ValueError, match='no texts'):
        distinct_share([])
