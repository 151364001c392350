"""Registries: names, dotted names, files, and what a wrong name is answered with."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from maskdpo_xtuner.registry import ANNOTATORS, Registry, load_object

NAMES = ['ANNOTATORS', 'ENGINES', 'LOSSES', 'METRICS', 'PAIRINGS', 'QUESTIONS', 'SPLITTERS']


def test_a_decorated_thing_is_found_by_its_name_or_its_own() -> None:
    rules: Registry[type] = Registry('rule')

    @rules.register_module('short')
    class First: ...

    @rules.register_module()
    class Second: ...

    rules.register_module(name='third', module=int)
    assert [rules.get(name) for name in ('short', 'Second', 'third')] == [First, Second, int]
    assert list(rules) == ['short', 'Second', 'third']
    assert [rules.name_of(item) for item in (First, str)] == ['short', None]


def test_a_name_is_given_once_unless_it_is_forced() -> None:
    rules: Registry[type] = Registry('rule')
    rules.register_module('number', module=int)
    rules.register_module('number', module=int)  # the same again, as in a module imported twice
    with pytest.raises(ValueError, match=r'the rule "number" is registered by builtins\.int'):
        rules.register_module('number', module=float)
    rules.register_module('number', force=True, module=float)
    assert rules.get('number') is float


@pytest.mark.parametrize('name', ['pathlib.Path', 'pathlib:Path'])
def test_a_dotted_name_needs_no_registration(name: str) -> None:
    assert Registry[type]('rule').get(name) is Path


def test_a_file_is_imported_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / 'mine.py'
    path.write_text('class Rule: ...\n')
    rule = load_object(f'{path}:Rule')
    monkeypatch.chdir(tmp_path)
    assert load_object('mine.py:Rule') is rule


@pytest.mark.parametrize(
    ('name', 'said'),
    [
        ('lexicl', 'there is no annotator "lexicl"; did you mean "lexical"? registered are lexic'),
        ('zzz', 'there is no annotator "zzz"; registered are lexical, table, anah_v2'),
        ('nowhere.Judge', 'the module nowhere cannot be imported'),
        ('pathlib.Judge', 'pathlib holds nothing named Judge'),
        ('nowhere.py:Judge', 'nowhere.py: there is no such file'),
        ('pathlib.', '"pathlib." is neither module.NAME nor path/to/file.py:NAME'),
    ],
)
def test_a_name_that_leads_nowhere_is_answered(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        ANNOTATORS.get(name)


def test_a_module_that_imports_what_is_not_there_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'rule_of_mine.py').write_text('from pathlib import nothing_like_it\n')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match='rule_of_mine cannot be imported: .*nothing_like_it'):
        load_object('rule_of_mine.Rule')


def test_a_file_that_fails_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / 'broken.py'
    path.write_text('raise RuntimeError("not yet")\n')
    with pytest.raises(RuntimeError, match='not yet'):
        load_object(f'{path}:x')
    path.write_text('x = 3\n')
    assert load_object(f'{path}:x') == 3


def test_what_is_built_in_is_there_without_an_import() -> None:
    code = (
        'from maskdpo_xtuner import registry\n'
        f'for name in {NAMES!r}:\n'
        '    each = getattr(registry, name)\n'
        '    assert list(each) and all(map(each.is_built_in, each)), name\n'
    )
    subprocess.run([sys.executable, '-c', code], check=True)


def test_registries_import_nothing_until_they_are_asked() -> None:
    code = (
        'import sys, maskdpo_xtuner.registry\n'
        'third = {n.partition(".")[0] for n in sys.modules} - set(sys.stdlib_module_names)\n'
        'ours = [n for n in sys.modules if n.startswith("maskdpo_xtuner.")]\n'
        'assert ours == ["maskdpo_xtuner.registry"], ours\n'
        'assert not third & {"torch", "mmengine", "pydantic"}, third\n'
    )
    subprocess.run([sys.executable, '-c', code], check=True)
