"""Prompts: the project's own wording, and the file of imported ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from maskdpo_xtuner.annotators.anah_v2 import Prompts, own_prompts, read_prompts, write_prompts
from maskdpo_xtuner.annotators.anah_v2.parsing import (
    EXISTENCE_MARKERS,
    NO_REFERENCE_MARKERS,
    SEPARATOR,
    TYPE_MARKERS,
)
from maskdpo_xtuner.records import Language

VALUES = {'question': 'Who?', 'sentence': 'It was {them}.', 'reference': 'A. <SEP> B.'}
ASKED_FOR = {
    'existence': EXISTENCE_MARKERS,
    'reference': (*NO_REFERENCE_MARKERS, SEPARATOR),
    'type': TYPE_MARKERS,
}


def values(turn: str) -> dict[str, str]:
    return {k: v for k, v in VALUES.items() if turn != 'existence' or k != 'reference'}


@pytest.mark.parametrize('language', ['en', 'zh'])
@pytest.mark.parametrize('turn', ASKED_FOR)
def test_own_wording_asks_for_the_markers_of_its_language(turn: str, language: Language) -> None:
    text = own_prompts().render(turn, language, **values(turn))
    for marker in ASKED_FOR[turn]:
        expected = marker == SEPARATOR or marker.isascii() == (language == 'en')
        assert (marker in text) == expected, marker


@pytest.mark.parametrize('language', ['en', 'zh'])
@pytest.mark.parametrize('turn', ASKED_FOR)
def test_values_are_put_in_as_they_are(turn: str, language: Language) -> None:
    text = own_prompts().render(turn, language, **values(turn))
    for value in values(turn).values():
        assert text.count(value) == 1


def test_prompts_come_back_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / 'folder' / 'prompts.json'
    prompts = Prompts(own_prompts().templates, 'anahv2_prompt.py')
    write_prompts(path, prompts)
    assert read_prompts(path) == prompts
    assert read_prompts(path).sha256 == own_prompts().sha256


def test_the_hash_follows_every_byte_of_every_template() -> None:
    own = own_prompts()
    for turn in own.templates:
        for language in ('en', 'zh'):
            changed = json.loads(json.dumps(own.templates))
            changed[turn][language] += ' '
            assert Prompts(changed, own.source).sha256 != own.sha256


def test_an_edited_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'prompts.json'
    write_prompts(path, own_prompts())
    path.write_text(path.read_text(encoding='utf-8').replace('Greetings', 'Jokes'))
    with pytest.raises(ValueError, match=r'prompts\.json: the templates do not have the hash'):
        read_prompts(path)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{', 'not a file of prompts'),
        ('[]', 'not a file of prompts'),
        ('{"source": "x"}', 'not a file of prompts'),
        ('{"source": "x", "templates": {}}', 'no template of turn "existence" in language "en"'),
        (
            '{"source": "x", "templates": {"existence": {"en": "{question}", "zh": ""}}}',
            'must have the plain fields',
        ),
        (
            '{"source": "x", "templates": {"existence": {"en": "{question!r} {sentence}"}}}',
            'must have the plain fields',
        ),
    ],
)
def test_another_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / 'prompts.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_prompts(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named_with_the_tool_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='no such file; make it with .*import-anah-prompts'):
        read_prompts(tmp_path / 'prompts.json')
