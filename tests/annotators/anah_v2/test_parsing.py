"""Answers of the annotator: what is read, and what is refused."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.annotators.anah_v2.parsing import (
    EXISTENCE_MARKERS,
    NO_REFERENCE_MARKERS,
    TYPE_MARKERS,
    Existence,
    read_existence,
    read_points,
    read_type,
)
from maskdpo_xtuner.annotators.asking import UnreadableAnswer
from maskdpo_xtuner.records import Label

DISGUISES = [
    '{}\n',
    '  {}  ',
    '“{}”',
    '"{}".',
    '‘{}’',
    '**{}**',
    '`{}`',
    '「{}」',
    '《{}》',
    '“{}”。\n\n',
]
# The brackets themselves written in another way.
BRACKETS = ['＜{}＞', '《{}》', '〈{}〉', '«{}»', '【{}】', '<<{}>>', '< {} >', '{}', '<{}', '{}>']


@pytest.mark.parametrize(('marker', 'meaning'), TYPE_MARKERS.items())
def test_published_markers_of_turn_3_are_read(marker: str, meaning: Label) -> None:
    assert read_type(marker) is meaning
    assert read_type(marker, tolerant=False) is meaning


@pytest.mark.parametrize(('marker', 'meaning'), EXISTENCE_MARKERS.items())
def test_published_markers_of_turn_1_are_read(marker: str, meaning: Existence) -> None:
    assert read_existence(marker) is meaning
    assert read_existence(marker + '\n', tolerant=False) is meaning


@pytest.mark.parametrize('disguise', DISGUISES)
@pytest.mark.parametrize(('marker', 'meaning'), TYPE_MARKERS.items())
def test_quotation_marks_and_white_space_do_not_hide_a_marker(
    marker: str, meaning: Label, disguise: str
) -> None:
    assert read_type(disguise.format(marker)) is meaning


@pytest.mark.parametrize('bracket', BRACKETS)
@pytest.mark.parametrize(('marker', 'meaning'), TYPE_MARKERS.items())
def test_brackets_of_other_widths_or_none_do_not_hide_a_marker(
    marker: str, meaning: Label, bracket: str
) -> None:
    assert read_type(bracket.format(marker[1:-1])) is meaning


@pytest.mark.parametrize(
    ('answer', 'label'),
    [
        ('<no hallucination>', Label.NO_HALLUCINATION),
        ('<NoHallucination>', Label.NO_HALLUCINATION),
        ('<Ｎｏ　Ｈａｌｌｕｃｉｎａｔｉｏｎ>', Label.NO_HALLUCINATION),
        ('<无 幻觉>', Label.NO_HALLUCINATION),
        ('Contradiction', Label.CONTRADICTORY),
        ('The date differs, so the type is <Contradictory>.', Label.CONTRADICTORY),
        ('<Unverifiable>: the points do not name the place.', Label.UNVERIFIABLE),
        ('<Unverifiable>\n<Unverifiable>', Label.UNVERIFIABLE),
        ('It is not contradictory, but cannot be confirmed: <Unverifiable>', Label.UNVERIFIABLE),
        ('与要点并无矛盾，但要点没有提到：<无法验证>', Label.UNVERIFIABLE),
    ],
)
def test_the_one_marker_of_an_answer_decides(answer: str, label: Label) -> None:
    assert read_type(answer) is label


@pytest.mark.parametrize(
    ('answer', 'reason'),
    [
        ('', 'no marker'),
        ('无矛盾', 'no marker'),
        ('<无矛盾>', 'no marker'),
        ('没有矛盾', 'no marker'),
        ('The sentence is contradictory.', 'no marker'),
        ('The sentence is not contradictory.', 'no marker'),
        ('<No Facts>', 'no marker'),
        ('<Contradictory> or <Unverifiable>', 'more than one'),
        ('<无幻觉><矛盾>', 'more than one'),
        ('<无矛盾>，不是<矛盾>', 'more than one'),
        ('This is not <Contradictory>.', 'denied'),
        ("It isn't a “<Contradictory>”", 'denied'),
        ('不是“<矛盾>”', 'denied'),
        ('没有<矛盾>', 'denied'),
    ],
)
def test_ambiguous_answers_are_refused(answer: str, reason: str) -> None:
    with pytest.raises(UnreadableAnswer, match=reason):
        read_type(answer)


def test_the_reason_quotes_the_answer_and_shortens_it() -> None:
    with pytest.raises(UnreadableAnswer, match=r"^no marker: 'maybe'$"):
        read_existence('maybe')
    with pytest.raises(UnreadableAnswer, match=r"^no marker: '(x{77})\.\.\.'$"):
        read_existence('x' * 500)


@pytest.mark.parametrize('answer', ['“<No Facts>”', '<no facts>', 'No Facts', '<No Facts> indeed'])
def test_the_strict_reading_takes_published_markers_alone(answer: str) -> None:
    assert read_existence(answer) is Existence.NO_FACTS
    with pytest.raises(UnreadableAnswer, match='not a marker'):
        read_existence(answer, tolerant=False)


def test_the_strict_reading_knows_no_synonym() -> None:
    assert read_type('<Contradiction>') is Label.CONTRADICTORY
    with pytest.raises(UnreadableAnswer, match='not a marker'):
        read_type('<Contradiction>', tolerant=False)


@pytest.mark.parametrize(
    ('answer', 'points'),
    [
        ('It is radioactive.', ('It is radioactive.',)),
        ('A.<SEP>B.', ('A.', 'B.')),
        ('A. <SEP>\n B. <sep>C.', ('A.', 'B.', 'C.')),
        ('甲。＜SEP＞乙。《SEP》丙。', ('甲。', '乙。', '丙。')),
        ('<SEP>A.<SEP>', ('A.',)),
        ('  x < 3 and y > 2 ', ('x < 3 and y > 2',)),
        ('The report gives no information on it.', ('The report gives no information on it.',)),
    ],
)
def test_points_are_split_and_otherwise_left_as_they_are(
    answer: str, points: tuple[str, ...]
) -> None:
    assert read_points(answer) == points


@pytest.mark.parametrize('disguise', DISGUISES)
@pytest.mark.parametrize('marker', NO_REFERENCE_MARKERS)
def test_no_reference_information_gives_no_points(marker: str, disguise: str) -> None:
    assert read_points(disguise.format(marker)) == ()
    assert read_points(marker + '\n', tolerant=False) == ()


@pytest.mark.parametrize(
    'answer',
    [
        'It is radioactive.<SEP><No Reference Information>',
        '<无参考信息>，但文档提到了砹。',
        'There is no reference information about it.',
    ],
)
def test_points_beside_no_reference_information_are_refused(answer: str) -> None:
    with pytest.raises(UnreadableAnswer, match='among other text'):
        read_points(answer)


@pytest.mark.parametrize('answer', ['', ' \n', '<SEP>', ' <SEP> \n<SEP>'])
def test_an_answer_without_points_is_refused(answer: str) -> None:
    with pytest.raises(UnreadableAnswer, match='no text'):
        read_points(answer)
