"""Spans cover the text exactly, and end where a reader would end a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdpo_xtuner.splitters import split_sentences

TRAPS = st.sampled_from(
    ['. ', '.', '! ', '?', '。', '…', '”', '"', '\n', '\n\n', ' ', '```', '`', '1. ', '- ', '# ']
    + ['|', '**', 'U.S.', 'Dr. ', 'e\u0301', '😀', '\U00020000', '\r\n', '\u2028', 'A', '中']
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=['Cs'])), st.lists(TRAPS, max_size=40).map(''.join)
)


def split(text: str, language: str = 'en') -> list[str]:
    return [text[start:end] for start, end in split_sentences(text, language)]


@given(TEXTS, st.sampled_from(['en', 'zh']))
def test_spans_are_ordered_not_empty_and_cover_the_text(text: str, language: str) -> None:
    spans = split_sentences(text, language)
    assert ''.join(text[start:end] for start, end in spans) == text
    position = 0
    for start, end in spans:
        assert start == position < end
        position = end
    assert position == len(text)


@given(TEXTS)
def test_white_space_belongs_to_the_sentence_before_it(text: str) -> None:
    assert not any(sentence[0].isspace() for sentence in split(text)[1:])


CASES = {
    'plain sentences': ['Iron is a metal. ', 'It rusts!  ', 'Does gold? ', 'No.'],
    'a sentence may start in lower case': ['Iron rusts. ', 'gold does not.'],
    'titles before names': ['Dr. Ray met Prof. Lee and Mrs. Oh on Mt. Fuji. ', 'St. John left.'],
    'a street is no saint': ['They live on Main St. ', 'The house is old.'],
    'initials': ['It was J. R. R. Tolkien. ', 'John F. Kennedy read him.'],
    'initials that open the sentence': ['J. R. R. Tolkien wrote it. ', 'He did.'],
    'dotted abbreviation before a name': ['The U.S. Government paid.'],
    'dotted abbreviation at the end': ['He left the U.S. ', 'The end came.'],
    'dotted abbreviation before lower case': ['Metals, e.g. iron, i.e. Fe, rust at 5 p.m. daily.'],
    'references': ['See Fig. 3, No. 5, pp. 7 and vol. 2. ', 'Then rest.'],
    'no as a word': ['Is it so? ', 'No. ', 'It is not.'],
    'et al.': ['Perey et al. 1939 said so. ', 'So did Smith et al. ', 'The rest did not.'],
    'months': ['Born on Jan. 5 in Paris. ', 'Died in Dec. ', 'Nobody knew.'],
    'etc. in the middle and at the end': [
        'Coins, rings etc. are gold. ',
        'Wires etc. ',
        'Rust not.',
    ],
    'company': ['Acme Inc. makes it. ', 'He works for Acme Inc. ', 'She does not.'],
    'decimals': ['It weighs 1.5 million tons. ', 'At 3.14 K. ', 'It boils.'],
    'a number at the end': ['It was found in 1940. ', 'Later it was made.'],
    'dates': ['Released on 2024.03.01 in Rome. ', 'Good.'],
    'version numbers': ['Use Python 3.10.1 or v2.0. ', 'Not 4.'],
    'a contraction is no initial': ["They said it's. ", "I know who you'd. ", 'Metals rust.'],
    'a symbol is no initial': ['The symbol is K. ', 'Potassium burns.'],
    'a unit is no initial': ['It melts at 25 °C. ', 'Mercury does not.'],
    'list numbers': ['1. Mix it. ', 'Stir.\n', '2. Bake it.\n', '10) Eat it.'],
    'list numbers in a line': ['Steps: 1. Mix it. ', '2. Bake it.'],
    'list letters in a line': ['A. Iron. ', 'B. Gold.'],
    'a number after a colon is an answer': ['The answer: 42. ', 'It is known.'],
    'list items': ['Uses:\n', '- coins\n', '- rings\n', '* wires\n\n', 'That is all.'],
    'a wrapped list item': ['- gold is\n  a metal\n', '- iron\n', 'The rest follows.'],
    'nested list items': ['- metals\n  ', '- gold\n  ', '- iron\n', '- gases'],
    'a heading is one sentence': ['# 1. Gold. And more\n', 'It is a metal. ', 'It shines.'],
    'a heading ends the line before it': ['Gold shines\n', '## Iron\n', 'It rusts.'],
    'an underlined heading': ['Gold\n====\n', 'It shines.'],
    'a bold line is a heading': ['**Discovery:**\n', 'It was early.\n', '**Uses**\n', 'Coins.'],
    'bold in a sentence is not': ['**Gold** shines. ', '**Iron rusts.** ', 'Yes.'],
    'a rule belongs to what stands before it': ['Gold.\n\n---\n\n', 'Iron.'],
    'table rows': ['| a. B | c |\n|---|---|\n', '| 1. D | 2 |\n', 'After it.'],
    'fenced code': ['See:\n', '```py\nx = 1.\n\n# A. B\n- c\n```\n', 'Done. ', 'Good.'],
    'fenced code with tildes': ['~~~\nOne. Two.\n```\nThree.\n~~~\n', 'Done.'],
    'fenced code that is never closed': ['See:\n', '```\nOne. Two.\n\n# Three. Four.'],
    'three backticks within a line': ['Use ```x. y``` here. ', 'Good.'],
    'inline code': ['Use `a. B` or ``c! D``. ', 'Then run `e`. ', 'Good.'],
    'a lone backtick is no code': ['A ` stands here. ', 'Good.'],
    'URLs': ['See https://a.org/b.c?d=E!f. ', 'Or www.a.org/B. ', 'Good.'],
    'e-mail': ['Mail a.b@c.org. ', 'Good.'],
    'file names': ['Edit config.py and .gitignore in Node.js. ', 'Good.'],
    'quotation marks close after the stop': ['He said “Stop.” ', '“Why?” ', '"So!" ', 'He left.'],
    'a quotation goes on': ['"Why?" he asked. ', '"Stop!" and he left.'],
    'brackets close after the stop': ['(See it.) ', '[It is so.] ', 'Gold (a metal.) shines.'],
    'ellipses': ['Well... no. ', 'Wait... ', 'Now… ', 'Gold… is here.'],
    'runs of marks': ['What?! ', 'No!!! ', 'Really??? ', 'Yes.'],
    'a name with a mark': ['He works for Yahoo! now. ', 'She does not.'],
    'soft wraps': ['Gold is\na metal. ', 'It\nshines.\n', 'Yes.'],
    'a blank line ends a sentence': ['Gold\n\n', 'Iron\n \n', 'Tin\r\n\r\n', 'Lead'],
    'leading white space': ['\n\n  Gold shines. ', 'Iron rusts.\n\n'],
    'emoji alone': ['Gold!\n\n😀😀\n\n', 'Iron.'],
    'a text without words': ['... 😀 !'],
    'block quotes': ['> Gold shines.\n', '> Iron rusts.'],
    'Chinese marks': ['金是金属。', '它生锈吗？', '不！', '铁会；', '铜也会……', '好。'],
    'Chinese closing quotes': ['他说：“金。”', '「铁？」', '『铜！』', '（锡。）', '走了。'],
    'a Chinese quotation before a comma': ['“好！”，他说。', '他走了。'],
    'Chinese runs of marks': ['什么？！', '真的。。。', '好！！！'],
    'Chinese numbers': ['圆周率是3.14。', '在2024.03.01发布1.5万份。', '好。'],
    'Chinese list items': ['用途：\n', '1、货币\n', '2、首饰\n', '一、金\n', '（二）银\n', '好。'],
    'English sentences in Chinese text': ['金是金属。', 'Gold shines. ', 'It is Au. ', '铁生锈。'],
    'a full stop directly before Chinese': ['This is gold.', '然后呢？', 'Iron!', '铜。'],
    'Chinese marks in English text': ['Gold shines。', 'Iron rusts！ ', 'Tin.'],
    'Latin names in Chinese text': ['Node.js和U.S.的版本2.0。', '由J.K.罗琳写。', '好。'],
    'astral and combining characters': ['𠀀是字。', 'Cafe\u0301. ', 'Good 😀. ', 'Yes.'],
}


@pytest.mark.parametrize('sentences', CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize('language', ['en', 'zh'])
def test_ends_where_a_reader_would(sentences: list[str], language: str) -> None:
    assert split(''.join(sentences), language) == sentences


def test_an_empty_text_has_no_sentences() -> None:
    assert split_sentences('', 'en') == []


def test_a_blank_text_is_one_sentence() -> None:
    assert split_sentences(' \n\n\t', 'zh') == [(0, 4)]


def test_an_unknown_language_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'fr' but in en and zh; set splitter='sentencex'"):
        split_sentences('Bonjour.', 'fr')


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    'unit', ['. ', 'A.', '`', '`a', '```\n', '```x`\n', '."', '.((((', ' ', '\n', '。', '**a', 'x']
)
def test_a_megabyte_of_one_pattern_is_split_in_linear_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    assert split_sentences(text, 'en')[-1][1] == len(text)
