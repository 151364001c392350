"""Context: what the model is sent, whether it fits, and what is kept of a long document."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.annotators.anah_v2 import Context
from maskdpo_xtuner.annotators.anah_v2.context import GAP, Shortened, shorten
from maskdpo_xtuner.annotators.passages import PASSAGE_LENGTH
from maskdpo_xtuner.records import Language, Message
from tests.annotators.anah_v2.internlm2 import internlm2_template, internlm2_tokenizer

USER = Message(role='user', content='问题：Who?\n')
TURNS = [
    USER,
    Message(role='assistant', content='<Facts Present>'),
    Message(role='user', content='Next'),
]
SYSTEM = Message(role='system', content='You judge.')

FILLER = 'The garden has many flowers and a quiet pond behind the old wall. ' * 6
DOCUMENT = (
    f'{FILLER}Astatine was discovered at Berkeley in 1940. '
    f'{FILLER}{FILLER}{FILLER}The name of astatine means unstable. {FILLER}'
)
ZH_DOCUMENT = (
    '花园里有许多花和一个安静的池塘。' * 30 + '砹于1940年在伯克利被发现。' + '墙很旧。' * 120
)


def test_a_dialogue_is_rendered_as_internlm2_was_trained() -> None:
    assert internlm2_template().render(TURNS) == (
        '<s><|im_start|>user\n问题：Who?\n<|im_end|>\n'
        '<|im_start|>assistant\n<Facts Present><|im_end|>\n'
        '<|im_start|>user\nNext<|im_end|>\n'
        '<|im_start|>assistant\n'
    )


def test_a_system_turn_stands_first() -> None:
    assert internlm2_template().render([SYSTEM, USER]) == (
        '<s><|im_start|>system\nYou judge.<|im_end|>\n'
        '<|im_start|>user\n问题：Who?\n<|im_end|>\n'
        '<|im_start|>assistant\n'
    )


@pytest.mark.parametrize(
    'text',
    ['The astatine of the answer', '砹' * 100, '😀' * 100, ''],
    ids=['few bytes a token', 'a token a byte', 'astral', 'empty'],
)
def test_the_limit_is_exact_in_tokens(text: str) -> None:
    turns = [Message(role='user', content=text)]
    rendered = [message.model_dump() for message in turns]
    ids = internlm2_tokenizer().apply_chat_template(rendered, add_generation_prompt=True)
    assert Context(len(ids) + 7, internlm2_template()).fits(turns, reserve=7)
    assert not Context(len(ids) + 6, internlm2_template()).fits(turns, reserve=7)


def fitting(length: int, document: str, query: str, language: Language = 'en') -> Shortened | None:
    return shorten(document, language, query, lambda text: len(text) <= length)


def test_the_passages_about_the_query_are_kept() -> None:
    kept = fitting(PASSAGE_LENGTH, DOCUMENT, 'When was astatine discovered?')
    assert kept is not None
    assert (kept.kept, kept.passages) == (1, 6)
    assert 'discovered at Berkeley in 1940' in kept.text
    assert len(kept.text) <= PASSAGE_LENGTH


def test_chinese_passages_are_found_without_blanks() -> None:
    kept = fitting(PASSAGE_LENGTH, ZH_DOCUMENT, '砹是何时发现的？', 'zh')
    assert kept is not None
    assert '砹于1940年在伯克利被发现' in kept.text


def test_kept_passages_stand_in_the_order_of_the_document() -> None:
    kept = fitting(2 * PASSAGE_LENGTH + len(GAP), DOCUMENT, 'name unstable astatine discovered')
    assert kept is not None
    first, second = kept.text.split(GAP)
    assert 'discovered at Berkeley' in first
    assert 'means unstable' in second
    assert DOCUMENT.index(first) < DOCUMENT.index(second)


@pytest.mark.parametrize('length', range(PASSAGE_LENGTH, len(DOCUMENT), 150))
def test_as_much_is_kept_as_fits(length: int) -> None:
    kept = fitting(length, DOCUMENT, 'astatine')
    assert kept is not None
    assert len(kept.text) <= length
    # The next passage, which is no longer than this, would not have fitted.
    assert len(kept.text) + len(GAP) + PASSAGE_LENGTH > length
    assert all(part in DOCUMENT for part in kept.text.split(GAP))


def test_neighbouring_passages_are_joined_as_they_stand() -> None:
    kept = fitting(len(DOCUMENT), DOCUMENT, 'astatine')
    assert kept == Shortened(DOCUMENT, 6, 6)


@pytest.mark.parametrize('query', ['', '？！', 'xylophone'])
def test_a_query_that_finds_nothing_keeps_the_beginning(query: str) -> None:
    kept = fitting(PASSAGE_LENGTH, DOCUMENT, query)
    assert kept is not None
    assert DOCUMENT.startswith(kept.text)


def test_a_sentence_longer_than_a_passage_is_cut() -> None:
    kept = fitting(PASSAGE_LENGTH, 'word ' * 1000, 'word')
    assert kept is not None
    assert len(kept.text) == PASSAGE_LENGTH


def test_nothing_is_kept_when_no_passage_fits() -> None:
    assert fitting(10, DOCUMENT, 'astatine') is None
