"""Deferred imports, tried with small modules in processes of their own."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from maskdpo_xtuner.deferred import deferred

ROOT = Path(__file__).parents[1]


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that imports ``slow_one``, which is deferred meanwhile."""
    (tmp_path / 'slow_one.py').write_text('VALUE = 7\n')
    (tmp_path / 'user_of_it.py').write_text('import slow_one\n')
    monkeypatch.syspath_prepend(tmp_path)
    for name in ('slow_one', 'user_of_it'):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with deferred('slow_one'):
        return importlib.import_module('user_of_it')


def test_a_deferred_module_is_not_loaded(user: ModuleType) -> None:
    assert 'slow_one' not in sys.modules


def test_it_is_loaded_when_it_is_used(user: ModuleType) -> None:
    assert user.slow_one.VALUE == 7
    assert sys.modules['slow_one'] is not user.slow_one


def test_whoever_imports_it_later_has_the_same(user: ModuleType) -> None:
    slow_one = importlib.import_module('slow_one')
    vars(slow_one)['VALUE'] = 8
    assert user.slow_one.VALUE == 8


def test_what_it_lacks_is_missed(user: ModuleType) -> None:
    with pytest.raises(AttributeError, match='no attribute'):
        _ = user.slow_one.OTHER


def test_what_is_loaded_already_stays(user: ModuleType) -> None:
    slow_one = importlib.import_module('slow_one')
    with deferred('slow_one'):
        assert importlib.import_module('slow_one') is slow_one


def test_what_is_not_installed_is_missed_at_once() -> None:
    with deferred('no_such_module'), pytest.raises(ModuleNotFoundError):
        importlib.import_module('no_such_module')


def test_settings_are_read_without_torch_and_torch_works_afterwards() -> None:
    code = (
        'import sys\n'
        'from maskdpo_xtuner.settings import load_settings\n'
        'load_settings("configs/data/smollm2_135m_elements.py")\n'
        'assert "torch" not in sys.modules\n'
        'import mmengine.registry.build_functions as user\n'
        'import torch.nn\n'
        'assert user.torch.__version__ == torch.__version__\n'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
