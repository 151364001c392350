"""What of a sentence can be looked up: stems, numbers, names, clauses and their subjects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdpo_xtuner.annotators.lexical.clauses import Clause, read_claim
from maskdpo_xtuner.annotators.lexical.tokens import stem
from maskdpo_xtuner.annotators.lexical.values import Name, Number

NORWAY = frozenset([stem('norway')])


def clauses(text: str, topic: frozenset[str] = NORWAY) -> tuple[Clause, ...]:
    return read_claim(text, topic, frozenset()).clauses


def numbers(text: str) -> tuple[Number, ...]:
    return tuple(number for clause in clauses(text) for number in clause.numbers)


def number(text: str) -> Number:
    (found,) = numbers(text)
    return found


def names(text: str) -> tuple[Name, ...]:
    return tuple(name for clause in clauses(text) for name in clause.names)


@pytest.mark.parametrize(
    'words',
    [
        ('discovered', 'discoverers', 'discovery', 'discover'),
        ('coin', 'coins'),
        ('used', 'uses', 'use', 'using'),
        ('radioactive', 'radioactivity'),
        ('population', 'inhabitants'),
        ('borders', 'neighbours', 'neighbor'),
        ('nature', 'natural'),
    ],
)
def test_forms_of_a_word_and_its_synonyms_share_a_stem(words: tuple[str, ...]) -> None:
    assert len({stem(word) for word in words}) == 1


@pytest.mark.parametrize('pair', [('electron', 'electrolysis'), ('atomic', 'automatic')])
def test_other_words_have_other_stems(pair: tuple[str, str]) -> None:
    assert stem(pair[0]) != stem(pair[1])


def test_grammar_and_accents_do_not_count() -> None:
    (clause,) = clauses('It was of the café')
    assert clause.words == {stem('cafe')}


def test_chinese_words_are_pairs_of_characters() -> None:
    (clause,) = clauses('卤素的元素')
    assert clause.words == {'卤素', '元素'}


def test_a_list_marker_is_no_number() -> None:
    assert [found.value for found in numbers('8.3 hours')] == [8.3]
    assert numbers('1. Coins') == numbers('2) Coins') == ()


@pytest.mark.parametrize(
    ('text', 'values'),
    [
        ('It melts at 1,064.18 °C.', [1064.18]),
        ('It boils at -34.04 °C.', [-34.04]),
        ('Found in 1940 by 20th attempt', [1940, 20]),
        ('At-210 has eleven isotopes', [210, 11]),
        ('about 5.4 million people', [5.4e6]),
        ('in g/cm3 of CO2', []),
        ('砹于1940年发现', [1940]),
    ],
)
def test_numbers_are_read_in_digits_and_words(text: str, values: list[float]) -> None:
    assert [found.value for found in numbers(text)] == pytest.approx(values)


@pytest.mark.parametrize(
    ('one', 'other', 'equal'),
    [
        ('660.32', '660', True),
        ('660.32', '660.3', True),
        ('660.32', '661', False),
        ('1940', '1941', False),
        ('1.4', '1.5', False),
        ('8000', '8,000', True),
        ('5.4 million', '5,379,475', True),
        ('5,400,000', '5,379,475', True),
        ('5 million', '5,379,475', False),
        ('302 °C', '302 K', False),
        ('302 °C', '302 degrees Celsius', True),
        ('385,207 km2', '385,207 square kilometres', True),
        ('385,207 km', '385,207 square kilometres', False),
    ],
)
def test_numbers_are_equal_up_to_rounding_and_unit(one: str, other: str, equal: bool) -> None:
    first, second = number(one), number(other)
    assert first.equals(second) is equal
    assert second.equals(first) is equal


def test_numbers_count_the_same_when_a_word_beside_them_says_so() -> None:
    atomic = number('the atomic number 26')
    assert atomic.counts_the_same_as(number('its atomic number is 56'))
    assert not atomic.counts_the_same_as(number('stands in period 4'))
    assert number('found in 1898').counts_the_same_as(number('made in 1940'))
    assert not number('found in 1898').counts_the_same_as(number('found in 26'))


@pytest.mark.parametrize(
    ('text', 'last_words'),
    [
        ('It was found by D. R. Corson, Marie Curie and E.Segré.', ['corson', 'curie', 'segre']),
        ('Marie Curie found it.', ['curie']),
        ('Scientists found it.', []),
        ('**Uses**: Coins are made of it.', []),
        ('the symbol Au', ['au']),
        ('Its symbol is He.', ['he']),
        ('Its domain is .no.', ['.no']),
        ('Norway borders Sweden.', ['sweden']),
    ],
)
def test_names_are_runs_of_capitals_known_by_their_last_word(
    text: str, last_words: list[str]
) -> None:
    assert [name.texts[-1] for name in names(text)] == last_words


@pytest.mark.parametrize(
    ('one', 'other', 'fits'),
    [
        ('by Ramsay', 'by Sir William Ramsey', True),
        ('in North Korea', 'in South Korea', False),
        ('in South Africa', 'in Africa', False),
        ('by Po', 'by Pope', False),
        ('the symbol Se', "the symbol 'Se'", True),
        ('the symbol Se', 'the symbol SE', False),
        ('the sign MOS', 'the sign MO', False),
    ],
)
def test_a_name_fits_another_spelling_and_not_another_direction(
    one: str, other: str, fits: bool
) -> None:
    (first,), (second,) = names(one), names(other)
    assert first.fits(second) is fits


@pytest.mark.parametrize(
    ('text', 'subject', 'head'),
    [
        ('It borders Sweden.', None, set()),
        ('Its capital is Oslo.', None, {'capit'}),
        ('The country lies in Europe.', None, set()),
        ('The capital of Norway is Oslo.', None, {'capit'}),
        ("Norway's capital is Oslo.", None, {'capit'}),
        ('In 1905, Norway became a kingdom.', None, set()),
        ('The capital of Sweden is Oslo.', {'sweden'}, {'capit'}),
        ('The people of Sweden are old.', {'sweden'}, {'peopl'}),
        ('Norway is the capital of Sweden.', {'sweden'}, set()),
        ('East Timor has a capital.', {'timor'}, set()),
    ],
)
def test_the_subject_is_the_topic_or_another(
    text: str, subject: set[str] | None, head: set[str]
) -> None:
    (clause,) = clauses(text)
    expected = None if subject is None else {stem(word) for word in subject}
    assert clause.subject.stems == expected
    assert {word[:5] for word in clause.subject.head} <= {word[:5] for word in head}


@pytest.mark.parametrize(
    ('text', 'count'),
    [
        ('It borders Sweden and Finland.', 1),
        ('It borders Sweden and its capital is Oslo.', 2),
        ('Norway, whose capital is Oslo, is a kingdom.', 3),
        ('It is a kingdom that borders Sweden, which is one too.', 3),
    ],
)
def test_each_verb_with_its_own_subject_is_a_clause(text: str, count: int) -> None:
    assert len(clauses(text)) == count


@pytest.mark.parametrize(
    ('text', 'negated'),
    [
        ('It does not occur in nature.', {'occur', 'nature'}),
        ("It doesn't occur.", {'occur'}),
        ('It has no uses.', {'uses'}),
        ('It is not only rare.', set()),
        ('It occurs in nature.', set()),
    ],
)
def test_negation_knows_what_it_denies(text: str, negated: set[str]) -> None:
    (clause,) = clauses(text)
    assert clause.negated == {stem(word) for word in negated}
    assert clause.is_denied is bool(negated)


def test_chinese_negation_denies_the_pair_behind_it() -> None:
    (clause,) = clauses('它不稳定')
    assert clause.negated == {'稳定'}


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    claim = read_claim(text, NORWAY, frozenset())
    assert all(clause.name_stems.isdisjoint(NORWAY) or clause.names for clause in claim.clauses)
