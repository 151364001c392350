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
        ('The answer is “<No Hallucination>”.', Label.NO_HALLUCINATION),
        ('The points say 1940, but the sentence 1950: <Contradictory>', Label.CONTRADICTORY),
        ('The sentence says “it is not gold”: <Contradictory>', Label.CONTRADICTORY),
        ("The document doesn't mention it: <Unverifiable>", Label.UNVERIFIABLE),
        ('日期不同，所以是<矛盾>。', Label.CONTRADICTORY),
        ('要点没有提到地点：<无法验证>', Label.UNVERIFIABLE),
        ('“<矛盾>”，与要点不符', Label.CONTRADICTORY),
        ('<Contradictory> because the year differs.', Label.CONTRADICTORY),
        ('Based on the points, the correct label is **<Unverifiable>**.', Label.UNVERIFIABLE),
        ("I'd say <No Hallucination>.", Label.NO_HALLUCINATION),
        ('It is classified as [<Contradictory>]', Label.CONTRADICTORY),
        ('综上所述，该句子的类型应为<无幻觉>。', Label.NO_HALLUCINATION),
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
    ],
)
def test_ambiguous_answers_are_refused(answer: str, reason: str) -> None:
    with pytest.raises(UnreadableAnswer, match=reason):
        read_type(answer)


DENIALS = [
    'This is not {}.',
    "It isn't a “{}”",
    'The label {} does not apply here.',
    'There is no {} here.',
    'It cannot be called {}.',
    'It can hardly be called {}.',
    'Neither {} nor anything else.',
    'Anything but {}.',
    '{} is wrong.',
    '{} would be wrong here.',
    '{}? No.',
    '{}?',
    '{}. This label does not apply.',
    '{}, but the sentence agrees with the points.',
    '{} — however, that would need a date.',
    'If the year were another, it would be {}.',
    'It might be {}.',
    'Perhaps {}.',
    'I am unsure: {}',
    'I rule out {}.',
    'I would say {} unless the points are incomplete.',
    'Rather than {}, I see a fact.',
    'It is far from {}.',
    'It fails to be {}.',
    'The sentence is without {}.',
    'It is not contradictory, but cannot be confirmed: {}',
    'The points do not conflict with it: {}',
    '不是“{}”',
    '没有{}',
    '不构成{}',
    '并非{}。',
    '{}不适用。',
    '{}吗？',
    '可能是{}。',
    '除了{}以外。',
    "I'd hesitate to say {}",
    'I hesitate: {}',
    'I considered {}',
    'It would be a mistake to say {}',
    'The previous annotator said {}',
    'Some would label it {}',
    'Calling it {} would go too far',
    '{} was my first thought',
    '{} is out of the question',
    '{} is absent',
    'Is it {}',
    'Options: {}',
    '~~{}~~',
    '看似{}，其实一致',
    '我考虑过{}',
    '{}为时过早',
    '有人认为是{}',
    '如果年份不同，就是{}。',
    '{}，但与要点一致。',
    '与要点并无矛盾：{}',
    '并非不同：{}',
]


@pytest.mark.parametrize('denial', DENIALS)
@pytest.mark.parametrize('marker', TYPE_MARKERS)
def test_an_answer_that_could_turn_its_marker_is_refused(marker: str, denial: str) -> None:
    with pytest.raises(UnreadableAnswer, match='^(a denied or doubted marker|no marker)'):
        read_type(denial.format(marker))


@pytest.mark.parametrize(
    'answer',
    ['There are no <Facts Present>', 'No <No Facts> here', '没有<有事实>', '并非<无事实>'],
)
def test_a_denied_marker_of_turn_1_is_refused(answer: str) -> None:
    with pytest.raises(UnreadableAnswer, match='^a denied or doubted marker'):
        read_existence(answer)


@pytest.mark.parametrize(
    'answer',
    ['The points do not name the place: {}', '要点没有提到地点：{}', '日期不同，{}'],
)
def test_a_reason_of_one_type_is_a_denial_beside_another(answer: str) -> None:
    with pytest.raises(UnreadableAnswer, match='^a denied or doubted marker'):
        read_type(answer.format('<No Hallucination>'))


ASIDES = [
    '<think>Is it <Unverifiable>? No, not at all.</think>\n{}',
    '<think></think>{}',
    'It could be <无法验证>。</think>\n\n{}',
    '{}<|im_end|>',
    '{}</s>',
    '{}<|im_end|>\n<|im_start|>user\nNo, <Unverifiable>',
    '<think>Hm.</think>“{}”<|eot_id|>',
    '{}<｜end▁of▁sentence｜>',
]


@pytest.mark.parametrize('aside', ASIDES)
@pytest.mark.parametrize('tolerant', [True, False])
@pytest.mark.parametrize(('marker', 'meaning'), TYPE_MARKERS.items())
def test_thoughts_before_a_marker_and_a_stop_token_after_it_are_not_read(
    marker: str, meaning: Label, tolerant: bool, aside: str
) -> None:
    if tolerant or '“' not in aside:
        assert read_type(aside.format(marker), tolerant) is meaning


def test_thoughts_without_an_answer_are_refused() -> None:
    with pytest.raises(UnreadableAnswer, match='no marker'):
        read_type('<think>It is <Contradictory>')
    with pytest.raises(UnreadableAnswer, match='no text'):
        read_points('<think>The document says that it is gold.')


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
        ('<think>Is it A?\nNo.</think>\nA.<SEP>B.<|im_end|>', ('A.', 'B.')),
        ('Sorry is a song.', ('Sorry is a song.',)),
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


@pytest.mark.parametrize(
    'answer', ['', ' \n', '<SEP>', ' <SEP> \n<SEP>', 'None.', 'N/A', '无。', 'None<SEP>-']
)
def test_an_answer_without_points_is_refused(answer: str) -> None:
    with pytest.raises(UnreadableAnswer, match='no text'):
        read_points(answer)


@pytest.mark.parametrize(
    'answer',
    [
        "I'm sorry, but I can't",
        'I’m sorry, I cannot help with that.',
        'As an AI, I have no opinion.',
        'As a large language model I can not say.',
        'I cannot find the points.<SEP>Sorry.',
        '“抱歉，我无法回答这个问题。”',
        '作为一个人工智能，我没有看法。',
        'Unfortunately, I do not have information on that.',
        '<think>Hm.</think>I am unable to do that.',
    ],
)
@pytest.mark.parametrize('tolerant', [True, False])
def test_a_refusal_is_no_point_of_the_document(answer: str, tolerant: bool) -> None:
    with pytest.raises(UnreadableAnswer, match='^a refusal'):
        read_points(answer, tolerant)
