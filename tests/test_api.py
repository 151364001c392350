"""The names that the package gives at its top."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys

import pytest

import maskdpo_xtuner


@pytest.mark.parametrize('name', maskdpo_xtuner.__all__)
def test_a_name_is_there_and_said_in_the_docstring(name: str) -> None:
    assert getattr(maskdpo_xtuner, name) is not None
    assert name in dir(maskdpo_xtuner)
    assert f'`{name}`' in (maskdpo_xtuner.__doc__ or '')


def test_a_name_is_what_type_checkers_see() -> None:
    (block,) = (
        node
        for node in ast.parse(inspect.getsource(maskdpo_xtuner)).body
        if isinstance(node, ast.If)
    )
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(seen) == set(maskdpo_xtuner.__all__)
    for name, module in seen.items():
        assert module == f'maskdpo_xtuner.{maskdpo_xtuner._HOMES[name]}'


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'load_setings'"):
        _ = maskdpo_xtuner.load_setings


def test_the_import_loads_nothing_else() -> None:
    code = 'import sys, maskdpo_xtuner; print(*sys.modules)'
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {'pydantic', 'torch', 'mmengine', 'numpy'}
    assert {name for name in loaded if name.startswith('maskdpo')} == {'maskdpo_xtuner'}
