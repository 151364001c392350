"""The lock, and what it takes against other packages' pins."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from maskdpo_xtuner.modeling.versions import FIRST, check_transformers

ROOT = Path(__file__).parents[1]
PIN = re.compile(r'^([\w.-]+)==([^\s;\\]+)', re.MULTILINE)


def pins(name: str) -> dict[str, set[str]]:
    """Versions by package; some differ by version of Python."""
    found: dict[str, set[str]] = {}
    for package, version in PIN.findall((ROOT / name).read_text()):
        found.setdefault(package, set()).add(version)
    return found


@pytest.mark.parametrize('name', ['requirements.lock', 'requirements.4.48'])
def test_training_takes_the_transformers_of_both_files(name: str) -> None:
    (version,) = pins(name)['transformers']
    check_transformers(version)


def test_the_older_one_is_the_first_that_training_takes() -> None:
    (version,) = pins('requirements.4.48')['transformers']
    assert version == '{}.{}.0'.format(*FIRST)


def test_the_lock_follows_the_overrides_and_each_says_why() -> None:
    lock, overrides = pins('requirements.lock'), pins('requirements.overrides')
    assert {name: lock[name] for name in overrides} == overrides
    _, *reasons = (ROOT / 'requirements.overrides').read_text().strip().split('\n\n')
    assert all(reason.startswith('# ') for reason in reasons)
    assert sum(len(PIN.findall(reason)) for reason in reasons) == len(overrides)


CLASSES = [path for folder in ('maskdpo_xtuner', 'tools') for path in (ROOT / folder).rglob('*.py')]


def test_class_variables_name_their_type() -> None:
    # pydantic cannot read a ClassVar alone on Python 3.10, and every command would end there.
    bare = re.compile(r'^\s+\w+: ClassVar *(=|$)', re.MULTILINE)
    assert not [path for path in CLASSES if bare.search(path.read_text(encoding='utf-8'))]
