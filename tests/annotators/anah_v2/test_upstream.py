"""Official templates: taken without running the file, and equal to what running it gives."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdpo_xtuner.annotators.anah_v2 import Prompts, read_official_prompts
from maskdpo_xtuner.records import Language
from tests.annotators.anah_v2.official_prompts import SOURCE


@cache
def run_source(source: str) -> dict[str, Callable[[str, str, str, Language], str]]:
    """The three functions, as they run, with one order of parameters."""
    scope: dict[str, Callable[..., str]] = {}
    exec(source, scope)
    return {
        'existence': lambda q, s, _, lang: scope['fact_check_prompt'](q, s, lang),
        'reference': lambda q, s, r, lang: scope['reference_check_prompt'](q, r, s, lang),
        'type': lambda q, s, r, lang: scope['hallucination_check_prompt'](q, r, s, lang),
    }


@pytest.fixture(scope='module')
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Prompts:
    path = tmp_path_factory.mktemp('upstream') / 'anahv2_prompt.py'
    path.write_text(SOURCE, encoding='utf-8')
    return read_official_prompts(path)


TEXT = st.text() | st.sampled_from(['{question}', '{}', '{{', '%s', '\\n', '\r\n', '<SEP>', ' '])


@given(question=TEXT, sentence=TEXT, reference=TEXT)
@pytest.mark.parametrize('language', ['en', 'zh'])
@pytest.mark.parametrize('turn', ['existence', 'reference', 'type'])
def test_rendered_text_is_what_the_functions_return(
    prompts: Prompts, turn: str, language: Language, question: str, sentence: str, reference: str
) -> None:
    expected = run_source(SOURCE)[turn](question, sentence, reference, language)
    values = {'question': question, 'sentence': sentence}
    if turn != 'existence':
        values['reference'] = reference
    assert prompts.render(turn, language, **values) == expected


def test_a_checkout_is_searched_for_the_file(tmp_path: Path, prompts: Prompts) -> None:
    path = tmp_path / 'eval' / 'anah_v2' / 'anahv2_prompt.py'
    path.parent.mkdir(parents=True)
    path.write_text(SOURCE, encoding='utf-8')
    assert read_official_prompts(tmp_path) == prompts
    assert prompts.source == 'anahv2_prompt.py'


def test_the_file_is_not_run(tmp_path: Path) -> None:
    touched = tmp_path / 'touched'
    path = tmp_path / 'anahv2_prompt.py'
    path.write_text(f'open({str(touched)!r}, "w")\n{SOURCE}', encoding='utf-8')
    with pytest.raises(ValueError, match=r'anahv2_prompt\.py: line 1: expected nothing but'):
        read_official_prompts(path)
    assert not touched.exists()


@pytest.mark.parametrize(
    ('before', 'after', 'message'),
    [
        ('{annotation}\n', '{annotation!r}\n', 'expected text and the plain parameters'),
        ('{annotation}\n', '{annotation:>9}\n', 'expected text and the plain parameters'),
        ('{annotation}\n', '{annotation.title()}\n', 'expected text and the plain parameters'),
        ('{annotation}\n', '{__name__}\n', 'expected text and the plain parameters'),
        ('cn_user_prompt = f', 'question = f', 'expected the assignment of one f-string'),
        ('cn_user_prompt = f', 'cn_user_prompt = "" + f', 'expected the assignment of one'),
        ('language == "zh"', 'language != "zh"', 'expected return'),
        ('language == "zh"', 'language == "en"', 'expected return'),
        ('else en_user_prompt', 'else english', 'expected that english was assigned'),
        ('def fact_check_prompt', '@cache\ndef fact_check_prompt', 'expected nothing but'),
        ('def fact_check_prompt', 'def check', 'expected nothing but'),
        (SOURCE[: SOURCE.index('def reference')], '', 'there is no function fact_check_prompt'),
        ('{question}\n    \t{annotation}', '{annotation}', 'must have the plain fields'),
        ('def fact', 'def def fact', 'not a Python file'),
    ],
)
def test_another_shape_is_refused(tmp_path: Path, before: str, after: str, message: str) -> None:
    assert before in SOURCE
    path = tmp_path / 'anahv2_prompt.py'
    path.write_text(SOURCE.replace(before, after, 1), encoding='utf-8')
    with pytest.raises(ValueError, match=message) as caught:
        read_official_prompts(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'anahv2_prompt\.py: there is no such file'):
        read_official_prompts(tmp_path)
