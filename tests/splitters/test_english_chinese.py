"""Spans cover the text exactly, and end where a reader would end a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdpo_xtuner.splitters import split_sentences

TRAPS = st.sampled_from(
    ['. ', '.', '! ', '?', '。', '…', '”', '"', '\n', '\n\n', ' ', '```', '`', '1. ', '- ', '# ']
    + ['Key: ', 'a\n', '2. ', '\\[', '\\]', '$$', '《', '》', '. . .', '，', '●', 'said.', '(5).']
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
    'Roman numbers': ['See vol. IV and ch. XII. ', 'It was Henry V. ', 'He won.'],
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
    'lines of keys': ['Colour: yellow\n', 'Melting point: 12 K\n', 'Kind: metal'],
    'lines of keys in bold': ['**Colour:** yellow\n', '**Kind:** metal\n', '*Sign*: Au'],
    'lines of keys in lower case': ['Data:\n', 'melting point: 12 K\n', 'kind: metal'],
    'a colon in wrapped prose is no key': [
        'Gold is one of the few of the so called noble\nmetals: it does not rust.'
    ],
    'lines that begin with a capital': ['Gold shines\n', 'Iron rusts\n', 'Tin is soft'],
    'lines that begin with a number': ['2 eggs\n', '250 g flour\n', '1 lemon'],
    'lines of entries in lower case': ['Metals:\n', 'gold\n', 'white gold\n', 'tin'],
    'lines in brackets': ['[Name]\n', '[Address]\n', '(Phone)'],
    'a line that introduces and one that follows': ['Uses:\n', 'Gold is for coins. ', 'Or rings.'],
    'an item with a title and its text': ['1. **Colour:**\n   ', 'Gold is yellow.\n', '2. Next.'],
    'list letters': ['Metals\n', 'a. Gold\n', 'b. Iron\n', 'c) tin\n', 'D) Lead'],
    'list letters in capitals': ['Metals\n', 'A. Gold\n', 'B. Iron'],
    'list letters in brackets': ['Metals\n', '(a) Gold\n', '(B) Iron\n', '(iv) Tin'],
    'list bullets': ['Metals\n', '● Gold\n', '○ Iron\n', '▪ Tin\n', '⁃Lead'],
    'list dashes': ['Metals\n', '– Gold\n', '— Iron'],
    'list numbers of several levels': ['Metals\n', '1.1 Gold\n', '1.2 Iron\n', '2.1.1 Tin'],
    'list numbers of several levels with a stop': ['1.1. Gold\n', '1.2. Iron shines. ', 'So.'],
    'list numbers in Roman': ['Metals\n', 'I. Gold\n', 'II. Iron\n', 'iii. Tin'],
    'list numbers in Chinese': ['金属\n', '1）金\n', '2）铁\n', '①锡\n', '②铅'],
    'lines in Chinese': ['颜色：黄色\n', '熔点：很高\n', '金是金属\n', '铁会生锈'],
    'lines of verse that run on': ['Gold may shine,\nBut iron is the\nBetter one.'],
    'equations run on': ['The sum is 2 + 2\n= 4\n', 'That is all.'],
    'wrapped prose with names': [
        'Polonium was discovered in the year 1898 by Marie and\n'
        'Pierre Curie, who named it after the country that\n'
        'she was born in, and it was isolated only later in\n'
        'France. ',
        'It is rare.',
    ],
    'wrapped Chinese prose': [
        '金是一种化学元素其符号为两个字母它的原子序数为七十九\n'
        '质地柔软并且具有很好的延展性所以它自古以来常被用来制\n'
        '作首饰。',
        '它不生锈。',
    ],
    'a list item wrapped without indentation': [
        '1. Gold is a soft metal that has been known\nsince antiquity.\n',
        '2. Iron rusts.',
    ],
    'a line after a list': ['- gold\n', '- iron\n', 'the rest\n', 'All of it'],
    'a line that ends in an abbreviation': ['They met Dr.\nRay. ', 'He left.'],
    'a formula': ['So\n\\[\na = 1. B\nC = 2\n\\]\n', 'Therefore it holds.'],
    'a formula in dollars': ['So:\n$$\na = 1. B\nC = 2\n$$\n', 'Therefore it holds.'],
    'dollars are no formula': ['Rings are $$ or $$$. ', 'Coins are $$. ', 'Good.'],
    'a list within a line': ['1. Mix it ', '2. Bake it ', '3. Eat it'],
    'a list with brackets within a line': ['1) mix it ', '2) bake it ', '3) eat it'],
    'a list with stops and brackets within a line': ['1.) Mix it ', '2.) Bake it'],
    'a list of letters within a line': ['a. Mix it ', 'b. Bake it ', 'c. Eat it'],
    'a list in brackets within a line': ['(1) Mix it ', '(2) Bake it'],
    'a list of letters in brackets within a line': ['(a) mix it; ', '(b) bake it'],
    'a list of brackets that is a sentence': ['Gold is (1) soft and (2) yellow. ', 'So.'],
    'a list with bullets within a line': ['• 9. Mix it ', '• 10. Bake it'],
    'a numbered thing is no item': ['1. It began in chapter 2. ', 'Later it ended.'],
    'an attribution in English': ['“Is it gold?” Mary asked. ', '"No." The old man said.'],
    'an attribution is no order': ['He said “Stop.” ', 'Mary asked him to go.'],
    'an attribution in Chinese': ['“这是金。”他说。', '“对吗？”小明问道，然后走了。'],
    'terminators in a title': ['《金！铁？》好看吗？', '好。'],
    'a source behind a quotation': ['It is “a metal [...]” (Smith 55). ', 'So it is.'],
    'blanks in an ellipsis': ['Well . . . I mean gold. ', 'It shines . . . and glows.'],
    'an ellipsis behind a sentence': ['Gold shines. . . . ', 'Iron rusts.'],
    'abbreviations before currency': ['It is approx. $5 a gram, or ca. €4. ', 'Cheap.'],
    'abbreviations before fractions': ['Take ca. ½ kg of it. ', 'Stir.'],
    'abbreviations before brackets': ['Acme Inc. (NASDAQ: X) fell. ', 'It rose.'],
    'a number sign': ['It stands at N°. 10. ', 'Go there.'],
    'a junior before a name': ['It was Luther King Jr. Day. ', 'He met King Jr. ', 'They spoke.'],
    'a time before a name': [
        'At 5 a.m. Mr. Ray woke. ',
        'He slept until 6 P.M. ',
        'Mr. Oh did not.',
    ],
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
    'unit',
    ['. ', 'A.', '`', '`a', '```\n', '```x`\n', '."', '.((((', ' ', '\n', '。', '**a', 'x']
    + [
        'A\n',
        'a: b\n',
        '中\n',
        '.\n',
        '\\[',
        '$$a',
        '. . ',
        '1. A 2. B ',
        '《。',
        '。”中',
        '." A ',
    ],
)
def test_a_long_text_of_one_pattern_is_split_in_linear_time(unit: str) -> None:
    text = unit * (300_000 // len(unit))
    assert split_sentences(text, 'en')[-1][1] == len(text)
