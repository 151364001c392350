"""The configs and tools that come with the package: where they lie, and what names them.

In a checkout ``configs/`` and ``tools/`` stand beside the package, in an installed wheel inside.
"""

from __future__ import annotations

import ast
import difflib
import functools
import sys
from collections.abc import MutableMapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeGuard

PREFIX = 'maskdpo_xtuner::'
_PACKAGE = Path(__file__).resolve().parent


def shipped(folder: str) -> Path:
    """Give the path of ``configs`` or ``tools``."""
    inside = _PACKAGE / folder
    return inside if inside.is_dir() else _PACKAGE.parent / folder


def need_transformers(least: str, model: str) -> None:
    """Refuse a config whose model the installed transformers does not know.

    Args:
        least: the first version that knows it, such as ``4.51``.
        model: its name, for the message.

    Raises:
        ValueError: naming both versions.
    """
    found = version('transformers')
    if [int(part) for part in found.split('.')[:2]] < [int(part) for part in least.split('.')[:2]]:
        raise ValueError(
            f'{model} needs transformers {least} or newer, and {found} is installed; install the '
            'versions of requirements.lock'
        )


def config_names() -> dict[str, Path]:
    """Name every config that can be run, without the parts in ``_base_``.

    Returns:
        the file's name without its ending, as in XTuner, to its path; in the order of the paths.
    """
    root = shipped('configs')
    paths = (path for path in sorted(root.rglob('*.py')) if '_base_' not in path.parts)
    return {path.stem: path for path in paths}


def config_file(name: str) -> str:
    """Give the path of a config of this package, for ``_base_`` of a config that lies elsewhere.

    Args:
        name: ``llama3_8b_maskdpo``, as `config_names` has it, or a path below ``configs/``
            (``_base_/sampling.py``); ``maskdpo_xtuner::`` may stand before it.

    Raises:
        ValueError: for a config that there is not, with the nearest name.
    """
    known = config_names()
    asked = name.removeprefix(PREFIX)
    path = known.get(asked.removesuffix('.py')) or _below(shipped('configs'), asked)
    if path is None:
        near = difflib.get_close_matches(Path(asked).stem, known, n=1)
        hint = f'did you mean "{near[0]}"? ' if near else ''
        raise ValueError(f'{name}: there is no such config; {hint}`maskdpo list-cfg` lists ours')
    return str(path)


def _below(root: Path, name: str) -> Path | None:
    path = (root / name).resolve()
    return path if path.is_file() and path.is_relative_to(root) else None


def find_config(config: Path | str) -> Path:
    """Give the path of a file, or of a config of this package by its name.

    Raises:
        ValueError: when it is neither.
    """
    return Path(config) if Path(config).is_file() else Path(config_file(str(config)))


def search_beside(config: Path | str) -> None:
    """Let modules that a config names, in ``custom_imports`` or by dotted names, lie beside it.

    Its folder is searched last, so that nothing installed is hidden.
    """
    folder = str(Path(config).resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)


def know_our_bases(config_class: Any) -> None:
    """Let ``_base_ = 'maskdpo_xtuner::NAME'`` stand in what `mmengine.Config` reads.

    It does so for the packages of OpenMMLab alone, whose names are written into its code.
    """
    original = config_class._get_cfg_path
    if original.__module__ == __name__:
        return

    @functools.wraps(original, assigned=())
    def get_cfg_path(cfg_path: str, filename: str) -> tuple[str, str | None]:
        if cfg_path.startswith(PREFIX):
            return config_file(cfg_path), None
        found: tuple[str, str | None] = original(cfg_path, filename)
        return found

    config_class._get_cfg_path = staticmethod(get_cfg_path)


def know_our_names(names: MutableMapping[str, str]) -> None:
    """Add the configs of this package to those that XTuner finds by name.

    Args:
        names: `xtuner.configs.cfgs_name_path`.
    """
    names.update({name: str(path) for name, path in config_names().items()})


def copy_config(name: str, folder: Path) -> Path:
    """Copy a config of this package so that it can be read where it lies then.

    Its bases are named by `config_file`, which plain ``xtuner train`` reads too.

    Returns:
        the copy, ``NAME_copy.py`` as XTuner calls it.

    Raises:
        ValueError: for a config that there is not, or a copy that is there already.
    """
    source = Path(config_file(name))
    target = folder / f'{source.stem}_copy.py'
    if target.exists():
        raise ValueError(f'{target} exists; remove it first, or copy to another folder')
    text = _with_our_bases(source.read_text(encoding='utf-8'), source.parent)
    folder.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding='utf-8')
    return target


def _with_our_bases(text: str, folder: Path) -> str:
    """Replace the relative paths in ``_base_`` by names that hold anywhere."""
    node = next((node for node in ast.parse(text).body if _assigns_bases(node)), None)
    if node is None:
        return text
    bases = ast.literal_eval(node.value)
    names = [_name_of(base, folder) for base in ([bases] if isinstance(bases, str) else bases)]
    calls = [f"__import__('maskdpo_xtuner').config_file('{name}')" for name in names]
    value = calls[0] if len(calls) == 1 else '[\n' + ''.join(f'    {c},\n' for c in calls) + ']'
    lines = text.splitlines(keepends=True)
    lines[node.lineno - 1 : node.end_lineno] = [f'_base_ = {value}\n']
    return ''.join(lines)


def _assigns_bases(node: ast.AST) -> TypeGuard[ast.Assign]:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == '_base_'


def _name_of(base: str, folder: Path) -> str:
    return (folder / base).resolve().relative_to(shipped('configs').resolve()).as_posix()
