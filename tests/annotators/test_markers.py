"""Markers in what a judge wrote: which one counts, and what is no verdict."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.annotators.asking import UnreadableAnswer
from maskdpo_xtuner.annotators.markers import Markers, Rule
from maskdpo_xtuner.records import Label

YES, NO, OPEN = Label.NO_HALLUCINATION, Label.CONTRADICTORY, Label.UNVERIFIABLE
NONE = Label.NO_FACTS
BRACKETS = {YES: '[[SUPPORTED]]', NO: '[[CONTRADICTED]]', OPEN: '[[UNKNOWN]]'}
WORDS = {YES: 'SUPPORTED', NO: 'NOT SUPPORTED', OPEN: '不知道', NONE: 'NOT SUPPORTED AS SUCH'}


@pytest.mark.parametrize(
    ('text', 'label'),
    [
        ('[[SUPPORTED]]', YES),
        ('It says 505 K.\n**[[CONTRADICTED]]**.', NO),
        ('Not [[SUPPORTED]], since it says 505 K: [[CONTRADICTED]]', NO),
    ],
)
def test_the_last_marker_counts(text: str, label: Label) -> None:
    assert Markers(BRACKETS).read(text) is label


@pytest.mark.parametrize(
    ('text', 'label'),
    [
        ('SUPPORTED', YES),
        ('NOT SUPPORTED', NO),
        ('SUPPORTED? NOT SUPPORTED!', NO),
        ('NOT SUPPORTED AS SUCH', NONE),
        ('我不知道。', OPEN),
    ],
)
def test_of_markers_that_overlap_the_longer_is_read(text: str, label: Label) -> None:
    assert Markers(WORDS).read(text) is label


@pytest.mark.parametrize('text', ['', 'UNSUPPORTED', 'SUPPORTED2', 'supported', '[[YES]]', '知道'])
@pytest.mark.parametrize('rule', ['last', 'one'])
def test_what_is_no_marker_is_no_verdict(text: str, rule: Rule) -> None:
    with pytest.raises(UnreadableAnswer, match='^no marker: '):
        Markers(WORDS, rule).read(text)


@pytest.mark.parametrize(
    'text',
    [
        'It is not [[SUPPORTED]].',
        'This cannot be called [[SUPPORTED]].',
        "It isn't quite a case of [[SUPPORTED]]",
        '[[SUPPORTED]] does not apply.',
        '[[SUPPORTED]] would be wrong.',
        'It says 505 K: [[CONTRADICTED]]? No, not [[SUPPORTED]]',
        '这不是[[SUPPORTED]]',
        '[[SUPPORTED]]不适用',
    ],
)
@pytest.mark.parametrize('rule', ['last', 'one'])
def test_a_denied_marker_is_no_verdict(text: str, rule: Rule) -> None:
    with pytest.raises(UnreadableAnswer, match='^a denied marker: |^markers of more'):
        Markers(BRACKETS, rule).read(text)


@pytest.mark.parametrize(
    'text',
    [
        'The document does not say so, [[UNKNOWN]]',
        'It is not in the document so [[UNKNOWN]]',
        'It is not there. [[UNKNOWN]]',
        '[[UNKNOWN]], since it is not there',
        '文档没有提到，[[UNKNOWN]]',
    ],
)
def test_a_denial_of_something_else_leaves_the_marker(text: str) -> None:
    assert Markers(BRACKETS).read(text) is OPEN


@pytest.mark.parametrize(
    'text',
    [
        '<think>[[SUPPORTED]]? It says not so.</think>[[UNKNOWN]]',
        '[[UNKNOWN]]<|im_end|>\n<|im_start|>user\nIs it [[SUPPORTED]]',
    ],
)
@pytest.mark.parametrize('rule', ['last', 'one'])
def test_thoughts_and_what_follows_a_stop_token_are_not_read(text: str, rule: Rule) -> None:
    assert Markers(BRACKETS, rule).read(text) is OPEN


def test_thoughts_have_no_lines_about_sentences() -> None:
    text = '<think>\n1. [[SUPPORTED]]\n</think>\n1. [[UNKNOWN]]\n2. not [[SUPPORTED]]<|im_end|>'
    assert Markers(BRACKETS).read_lines(text, 2) == {0: OPEN}


def test_by_the_rule_one_two_labels_are_no_verdict_but_one_twice_is() -> None:
    markers = Markers(BRACKETS, 'one')
    assert markers.read('[[SUPPORTED]] as I said [[SUPPORTED]]') is YES
    with pytest.raises(UnreadableAnswer, match='markers of more than one verdict'):
        markers.read('[[SUPPORTED]] or [[CONTRADICTED]]')


def test_lines_say_their_sentence_at_their_beginning() -> None:
    text = (
        'The 3 sentences compare [[SUPPORTED]] with the rest.\n'
        '1. It says 505 K: [[SUPPORTED]]\n'
        '- **2**: [[CONTRADICTED]], 12 K is wrong\n'
        'Sentence 3 — [[UNKNOWN]]\n'
        '第4句：[[SUPPORTED]]\n'
        '5: hard to say\n'
    )
    found = Markers(BRACKETS).read_lines(text, 5)
    assert found == {0: YES, 1: NO, 2: OPEN, 3: YES}


def test_markers_may_be_numbers_themselves() -> None:
    markers = Markers({YES: '1', NO: '0'})
    assert markers.read_lines('1: 0\n2: 1\n10: 1\n', 10) == {0: NO, 1: YES, 9: YES}


@pytest.mark.parametrize(('rule', 'label'), [('last', NO), ('one', None)])
def test_two_lines_about_a_sentence_are_read_by_the_rule(rule: Rule, label: Label | None) -> None:
    text = '1: [[SUPPORTED]]\n1: on second thoughts [[CONTRADICTED]]'
    assert Markers(BRACKETS, rule).read_lines(text, 1).get(0) is label


@pytest.mark.parametrize('number', [0, 3])
def test_a_verdict_on_a_sentence_that_there_is_not_makes_the_answer_unreadable(number: int) -> None:
    text = f'1: [[SUPPORTED]]\n{number}: [[SUPPORTED]]'
    with pytest.raises(UnreadableAnswer, match=f'a verdict on sentence {number} of 2'):
        Markers(BRACKETS).read_lines(text, 2)
