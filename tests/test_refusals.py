"""What is a refusal and, more important, what is none."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.records import Language
from maskdpo_xtuner.refusals import ENGLISH, Wordings, describe_refusals, is_refusal
from maskdpo_xtuner.registry import REFUSALS

ENGLISH_REFUSALS = [
    'I cannot say.',
    "I'm sorry, but I can't answer that question.",
    'I’m sorry, I don’t know.',
    'Sorry, I do not have any information about Professor Smith.',
    'I am sorry, but I am unable to provide the year. Could you provide more context?',
    "As an AI language model, I don't have access to that data.",
    'I apologize, but I am not able to verify this. Please consult a reliable source.',
    'Unfortunately, I have no information on the discovery of tin.',
    "I'm not familiar with this element. If you tell me more, I would be happy to help!",
    'There is no information available on this topic.',
    'I do not know.\nI do not know.',
    "I'm afraid I cannot help with that; is there anything else I can do for you?",
    'I am not sure.',
    '"I don\'t have enough details to answer."',
    "I'm an AI assistant and I don't have access to it.",
    'As of my last update, I do not have specific information, because I am an AI.',
]
ENGLISH_ANSWERS = [
    '',
    ' \n',
    "I'm sorry.",
    'Please tell me more.',
    'Tin is a metal.',
    'Tin cannot rust.',
    'I know that tin is a metal.',
    'Nobody knows who discovered tin.',
    "I'm sorry, but tin is a metal.",
    "I'm not sure, but I think tin was discovered in 1803.",
    'I do not know who discovered tin. It was known in antiquity.',
    "I don't have information on tin, which is a metal.",
    'I cannot answer that, and it is not a metal.',
    'I cannot tell when, because tin was known in antiquity.',
    'I can help you. Tin is a metal with the symbol Sn.',
    'Tin is a metal. I do not know who discovered it.',
    'He said: I cannot say.',
    'As of 1803, tin had a symbol.',
    'I cannot overstate how useful tin is.',
    'I am sorry for tin, a metal with the symbol Sn. I do not know more.',
    'I do not know. Please note that tin is a metal.',
    'I do not know. If you heat tin, it melts.',
    'I do not have information on tin, a metal discovered in 1803.',
    'No data was lost by the computer.',
]
CHINESE_REFUSALS = [
    '我不知道。',
    '很抱歉，我无法回答这个问题。',
    '对不起，我没有关于锡的信息。如果您有其他问题，请告诉我。',
    '作为一个人工智能语言模型，我无法提供相关资料。',
    '抱歉，目前没有找到相关信息！',
    '关于锡的发现时间，我不清楚。',
    '根据已知信息无法回答',
    '暂无相关资料。',
]
CHINESE_ANSWERS = [
    '',
    '很抱歉。',
    '锡是一种金属。',
    '锡无法溶于水。',
    '没有人知道锡是谁发现的。',
    '抱歉，锡是一种金属。',
    '我不知道谁发现了锡，但它是一种金属。',
    '我不确定。锡的符号是Sn。',
    '我没有说锡是金属。',
]


@pytest.mark.parametrize(
    ('text', 'language'),
    [*((text, 'en') for text in ENGLISH_REFUSALS), *((text, 'zh') for text in CHINESE_REFUSALS)],
)
def test_an_answer_that_only_declines_is_a_refusal(text: str, language: Language) -> None:
    assert is_refusal(text, language)


@pytest.mark.parametrize(
    ('text', 'language'),
    [*((text, 'en') for text in ENGLISH_ANSWERS), *((text, 'zh') for text in CHINESE_ANSWERS)],
)
def test_an_answer_that_states_something_is_none(text: str, language: Language) -> None:
    assert is_refusal(text, language) is False


@pytest.mark.parametrize(
    'piece',
    ["I'm sorry, ", 'i am not ', 'as an ai ', 'as of my ', 'i do not have ', '抱歉', '我没有'],
)
def test_a_long_text_is_read_at_once(piece: str) -> None:
    # A pattern that goes back over its steps would not end.
    assert not is_refusal(piece * 3000 + 'tin.', 'en')
    assert not is_refusal(piece * 3000 + 'tin.', 'zh')


@pytest.mark.parametrize(('language', 'known'), [('de', False), (None, False), ('zh-Hant', True)])
def test_a_language_without_a_list_is_not_decided(language: Language | None, known: bool) -> None:
    # Not by the English list either: of answers in German it would find English refusals alone.
    assert [is_refusal(text, language) for text in ('I do not know.', 'Tin.')] == (
        [False, False] if known else [None, None]
    )


def test_a_list_of_the_users_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REFUSALS, '_items', {'en': ENGLISH})
    german = Wordings(refusals='(das )?weiß ich (leider )?nicht', courtesies='tut mir leid')
    REFUSALS.register_module('de', module=german)
    said = ['Tut mir leid, das weiß ich nicht.', 'Das weiß ich nicht. Zinn ist weich.', '']
    assert [is_refusal(text, 'de-AT') for text in said] == [True, False, False]


def test_wordings_are_added_to_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REFUSALS, '_items', {'en': ENGLISH})
    assert is_refusal('Alas, no comment.', 'en') is False
    more = ENGLISH.also(refusals='no comment', courtesies='alas')
    REFUSALS.register_module('en', force=True, module=more)
    assert is_refusal('Alas, no comment.', 'en')
    assert is_refusal('Sorry, I do not know.', 'en')


def test_what_is_no_pattern_is_refused() -> None:
    with pytest.raises(ValueError, match=r"courtesies: '\(' is not a pattern: missing \)"):
        Wordings(refusals='no', courtesies='(')


def test_the_unknown_are_named() -> None:
    assert describe_refusals(3, 0) == '3'
    assert (
        describe_refusals(3, 12) == '3 (12 not known, without a list of refusals in their language)'
    )
