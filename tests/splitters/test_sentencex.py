"""Sentences of other languages, by a library."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdpo_xtuner.splitters import find_splitter

GERMAN = 'Zürich liegt am See. Dr. Müller wohnt z. B. dort! 😀 Ja.\n\nEs hat 0,4 Mio. Einwohner.'


def sentences(text: str, language: str) -> list[str]:
    return [text[a:b] for a, b in find_splitter('sentencex')(text, language)]


def test_german_is_split_with_its_abbreviations() -> None:
    assert [s.strip() for s in sentences(GERMAN, 'de')] == [
        'Zürich liegt am See.',
        'Dr. Müller wohnt z. B. dort!',
        '😀 Ja.',
        'Es hat 0,4 Mio. Einwohner.',
    ]


@pytest.mark.parametrize(
    ('language', 'text', 'count'),
    [
        ('hi', 'यह एक वाक्य है। यह दूसरा है।', 2),
        ('ja', 'これは文です。これも文です。', 2),
        ('es', '¿Qué es? Es un metal. ¡Sí!', 3),
        ('ar', 'ما هذا؟ هذا معدن.', 2),
    ],
)
def test_other_scripts_are_split(language: str, text: str, count: int) -> None:
    assert len(sentences(text, language)) == count


@given(st.text(alphabet='aB1.!? \n😀é*-', max_size=60))
def test_spans_cover_any_text(text: str) -> None:
    assert ''.join(sentences(text, 'de')) == text
    assert all(sentences(text, 'de'))


def test_its_version_is_part_of_the_identity() -> None:
    assert dict(find_splitter('sentencex').identity).keys() == {'name', 'version'}


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'sentencex', None)
    with pytest.raises(ValueError, match=r"pip install 'maskdpo_xtuner\[languages\]'"):
        find_splitter('sentencex')('Ja.', 'de')
