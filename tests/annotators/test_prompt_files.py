"""Prompts of the user's: what is wrong with one is named by file, line and variable."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from maskdpo_xtuner.annotators.prompt_files import Prompt


def prompt_of(folder: Path, text: str) -> Prompt:
    path = folder / 'my.j2'
    path.write_text(text, encoding='utf-8')
    return Prompt(path, ('question', 'sentence', 'sentences'), [('sentence',)])


def test_nothing_is_escaped_and_block_tags_leave_no_lines(tmp_path: Path) -> None:
    text = 'Q: {{ question }}\n{% if sentence %}\n  {% set s = sentence %}\n{{ s }}\n{% endif %}\n'
    prompt = prompt_of(tmp_path, text)
    assert prompt.render(question='<a & b>', sentence='"锡"') == 'Q: <a & b>\n"锡"\n'


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        (
            '{{ sentence }}\n\n{{ sentense }}',
            'my.j2:3: there is no variable "sentense" here;',
        ),
        ('{{ sentence }}\n{% if x %}{% endif %}', 'my.j2:2: there is no variable "x"'),
        ('{{ sentence }\n', 'my.j2:1: unexpected'),
        ('a\n{% if sentence %}', 'my.j2:2: Unexpected end of template'),
        ('Say yes.', 'my.j2: the prompt must use sentence'),
        ('{{ sentence }}\n{% include "other.j2" %}', 'my.j2:2: a prompt is one file'),
    ],
)
def test_what_cannot_be_filled_is_refused_when_it_is_read(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        prompt_of(tmp_path, text)


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('{{ sentence }}\n{{ question.text }}', r"my\.j2:2: .*has no attribute 'text'"),
        ('{{ sentence }}\n\n{{ sentences[3] }}', r'my\.j2:3: .*has no element 3'),
        ('{{ sentence + 1 }}', r'my\.j2:1: can only concatenate'),
        ('{{ 1 / (sentence | length - 1) }}', r'my\.j2:1: .*division by zero'),
    ],
)
def test_what_goes_wrong_with_the_values_is_named_with_its_line(
    tmp_path: Path, text: str, said: str
) -> None:
    prompt = prompt_of(tmp_path, text)
    with pytest.raises(ValueError, match=said):
        prompt.render(question='q', sentence='s', sentences=['s'])


def test_the_hash_is_that_of_the_text_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / 'elsewhere').mkdir()
    first = prompt_of(tmp_path, '{{ sentence }}')
    again = prompt_of(tmp_path / 'elsewhere', '{{ sentence }}')
    assert (again.sha256, again.source) == (first.sha256, 'my.j2')
    assert prompt_of(tmp_path, '{{ sentence }}!').sha256 != first.sha256


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'gone\.j2: there is no such file; correct'):
        Prompt(tmp_path / 'gone.j2', ())
