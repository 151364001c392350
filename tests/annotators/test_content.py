"""read_content: what of a sentence can be looked up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdpo_xtuner.annotators.content import Number, read_content, stem


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


def test_function_words_and_accents_do_not_count() -> None:
    assert read_content('It was of the café').words == {'caf'}
    assert read_content('a cafe').words == read_content('a café').words


def test_chinese_words_are_pairs_of_characters() -> None:
    assert read_content('卤素的元素').words == {'卤素', '元素'}


def test_a_list_marker_is_no_number() -> None:
    assert [number.value for number in read_content('8.3 hours').numbers] == [8.3]
    assert read_content('1. Coins').numbers == read_content('2) Coins').numbers == ()


@pytest.mark.parametrize(
    ('text', 'values'),
    [
        ('It melts at 1,064.18 °C.', [1064.18]),
        ('Found in 1940 by 20th attempt', [1940, 20]),
        ('At-210 has eleven isotopes', [210, 11]),
        ('in g/cm3 of CO2', []),
        ('砹于1940年发现', [1940]),
    ],
)
def test_numbers_are_read_in_digits_and_words(text: str, values: list[float]) -> None:
    assert [number.value for number in read_content(text).numbers] == values


@pytest.mark.parametrize(
    ('one', 'other', 'equal'),
    [
        ('660.32', '660', True),
        ('660.32', '660.3', True),
        ('660.32', '661', False),
        ('1940', '1941', False),
        ('1.4', '1.5', False),
        ('8000', '8,000', True),
    ],
)
def test_numbers_are_equal_up_to_rounding(one: str, other: str, equal: bool) -> None:
    (first,), (second,) = read_content(one).numbers, read_content(other).numbers
    assert first.equals(second) is equal
    assert second.equals(first) is equal


def numbers_of(text: str) -> Number:
    (number,) = read_content(text).numbers
    return number


def test_numbers_count_the_same_when_a_word_beside_them_says_so() -> None:
    atomic = numbers_of('the atomic number 26')
    assert atomic.counts_the_same_as(numbers_of('its atomic number is 56'))
    assert not atomic.counts_the_same_as(numbers_of('stands in period 4'))
    assert numbers_of('found in 1898').counts_the_same_as(numbers_of('made in 1940'))
    assert not numbers_of('found in 1898').counts_the_same_as(numbers_of('found in 26'))


@pytest.mark.parametrize(
    ('text', 'surnames'),
    [
        ('It was found by D. R. Corson, Marie Curie and E.Segré.', {'corson', 'curi', 'segr'}),
        ('Marie Curie found it.', {'curi'}),
        ('Scientists found it.', set()),
        ('**Uses**: Coins are made of it.', set()),
        ('The French chemist found it.', set()),
        ('the symbol Au', {'au'}),
    ],
)
def test_names_are_runs_of_capitals_known_by_their_last_word(text: str, surnames: set[str]) -> None:
    assert read_content(text).surnames == surnames


def test_a_name_is_found_in_another_spelling_but_not_in_a_common_word() -> None:
    assert read_content('by William Ramsey').mentions(stem('ramsay'))
    assert read_content('Ramsey found it').mentions(stem('ramsay'))
    assert not read_content('static electricity').mentions(stem('states'))


@pytest.mark.parametrize(
    ('text', 'negated'),
    [
        ('It does not occur in nature.', {'occur', 'natur'}),
        ("It doesn't occur.", {'occur'}),
        ('It has no uses.', {'us'}),
        ('它不稳定', {'稳定'}),
        ('It occurs in nature.', set()),
    ],
)
def test_negation_knows_what_it_denies(text: str, negated: set[str]) -> None:
    assert read_content(text).negated == negated


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    content = read_content(text)
    assert not content.words & content.name_words
    assert content.surnames <= content.name_words
