"""The lock, what it takes against other packages' pins, and what is gathered of it for a GPU."""

from __future__ import annotations

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

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


@pytest.fixture(scope='module')
def script() -> Any:
    spec = spec_from_file_location('gpu_wheels', ROOT / 'benchmarks/gpu_wheels.py')
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules['gpu_wheels'] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('minor', [10, 11, 12])
def test_what_goes_to_a_gpu_is_locked_for_every_python(script: Any, minor: int) -> None:
    versions = script.locked(ROOT / 'requirements.lock', (3, minor))
    assert set(script.PACKAGES) <= versions.keys()
    (transformers,) = pins('requirements.lock')['transformers']
    assert versions['transformers'] == f'transformers=={transformers}'


def test_what_is_large_or_compiled_on_the_way_does_not_go(script: Any) -> None:
    assert not {'torch', 'deepspeed', 'bitsandbytes'}.intersection(script.PACKAGES)


CLASSES = [path for folder in ('maskdpo_xtuner', 'tools') for path in (ROOT / folder).rglob('*.py')]


def test_class_variables_name_their_type() -> None:
    # pydantic cannot read a ClassVar alone on Python 3.10, and every command would end there.
    bare = re.compile(r'^\s+\w+: ClassVar *(=|$)', re.MULTILINE)
    assert not [path for path in CLASSES if bare.search(path.read_text(encoding='utf-8'))]
