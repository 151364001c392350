"""Whether a command can be what it says: the program, its options, the settings and the files."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from maskdpo_xtuner import cli
from maskdpo_xtuner.command_line import key_value
from maskdpo_xtuner.config_files import config_names, know_our_bases
from maskdpo_xtuner.parsers import options_in, parser_of
from maskdpo_xtuner.settings import load_settings
from maskdpo_xtuner.xtuner_cli import SCRIPTS
from tests.documentation.blocks import ROOT, words_of_line

TRAINING = 'llama3_8b_maskdpo'
DATA = {'data', 'evaluation'}
# Programs of others that are checked by no more than their names.
OTHERS = {
    *('git', 'ls', 'pip', 'python3', 'source', 'tensorboard', 'pre-commit', 'hf', 'cd', 'curl'),
    *('mkdir', 'cp', 'cat', 'echo', 'tee', 'scancel', 'squeue'),
}


def check(words: Sequence[str]) -> None:
    """Raise for a command that cannot work.

    Raises:
        AssertionError: saying what is not there.
    """
    program, *args = words
    if program in OTHERS or re.match(r'(oc|le)/bin/', program):
        return
    assert program in PROGRAMS, f'{program}: is it a program? name it in {Path(__file__).name}'
    PROGRAMS[program](args)


def _maskdpo(args: Sequence[str]) -> None:
    name, *rest = args
    assert name in cli._commands(), f'there is no command maskdpo {name}'
    if name in cli._USAGES:
        _xtuner(args)
    elif rest:
        _parse(name, rest)


def _python(args: Sequence[str]) -> None:
    if args[0] == '-m':
        assert args[1] in ('pytest', 'venv') or _module(args[1]), f'there is no module {args[1]}'
        return
    path = ROOT / args[0]
    assert path.is_file(), f'there is no {args[0]}'
    if path.parent.name == 'tools':
        (name,) = (name for name, tool in cli._tools().items() if tool == path)
        _parse(name, args[1:])
    else:
        _known(args[1:], options_in(path.read_text(encoding='utf-8')))


def _module(name: str) -> bool:
    place = ROOT / name.replace('.', '/')
    return place.with_suffix('.py').is_file() or (place / '__main__.py').is_file()


def _parse(name: str, args: Sequence[str]) -> None:
    """Parse as the tool does, and read the config that is named with its options."""
    try:
        parsed = _parser(name).parse_args(list(args))
    except SystemExit as error:
        raise AssertionError(f'maskdpo {name} {" ".join(args)} is not taken') from error
    config = getattr(parsed, 'config', None)
    options: Any = getattr(parsed, 'cfg_options', [])
    if name == 'masks':
        _training_config(config, options)
    elif config is not None and _there(config) and DATA & set(_place(config).parts):
        load_settings(_place(config), dict(options))


@functools.cache
def _parser(name: str) -> Any:
    command: Callable[[], object] = cli._commands()[name]
    return parser_of(command)


def _xtuner(args: Sequence[str]) -> None:
    script, *rest = args
    if script == 'convert':
        script, *rest = rest
    if script not in SCRIPTS:
        assert f'convert {script}' in cli.CONVERT, f'there is no maskdpo convert {script}'
        return
    path = Path(_package('xtuner'), SCRIPTS[script])
    _known(rest, [*options_in(path.read_text(encoding='utf-8')), '--local_rank'])
    if script in ('train', 'pth_to_hf'):
        start = rest.index('--cfg-options') + 1 if '--cfg-options' in rest else len(rest)
        settings = [word for word in rest[start:] if '=' in word]
        _training_config(rest[0], settings)


def _lmdeploy(args: Sequence[str]) -> None:
    folder = Path(_package('lmdeploy'), 'cli')
    text = '\n'.join(path.read_text(encoding='utf-8') for path in folder.glob('*.py'))
    assert args[0] in ('serve', 'chat', 'lite'), args[0]
    _known(args, options_in(text))


def _package(name: str) -> str:
    spec = find_spec(name)
    assert spec is not None
    assert spec.submodule_search_locations
    return spec.submodule_search_locations[0]


def _known(args: Sequence[str], options: Sequence[str]) -> None:
    for arg in args:
        name = arg.partition('=')[0]
        assert not name.startswith('--') or name in options, f'there is no option {name}'


def _make(args: Sequence[str]) -> None:
    text = (ROOT / 'Makefile').read_text(encoding='utf-8')
    for target in args:
        known = '=' in target or re.search(rf'^{re.escape(target)}:', text, re.M)
        assert known, f'make has no target {target}'


def _sbatch(args: Sequence[str]) -> None:
    for script in (arg for arg in args if arg.endswith('.sh')):
        assert (ROOT / script).is_file(), f'there is no {script}'
    if '--wrap' in args:
        for words in words_of_line(args[args.index('--wrap') + 1], {}):
            check(words)


def _there(config: Any) -> bool:
    """Whether a config is one of ours; CONFIG and my_config.py are the reader's."""
    return str(config) in config_names() or (ROOT / str(config)).is_file()


def _place(config: Any) -> Path:
    return config_names().get(str(config)) or ROOT / str(config)


def _training_config(config: Any, settings: Sequence[str]) -> None:
    from mmengine.config import Config

    assert _there(config) or re.fullmatch(r'[A-Z_]+|\w+\.py', str(config)), f'no config {config}'
    know_our_bases(Config)
    known = Config.fromfile(
        _place(config if _there(config) else TRAINING), import_custom_modules=False
    )
    for key, _ in map(key_value, settings):
        *parents, last = key.split('.')
        value: Any = known
        for name in parents:
            value = value[int(name) if name.isdigit() else name] if _has(value, name) else None
            assert value is not None, f'{config} has no {key}'
        assert parents or last in known, f'{config} has no {key}'


def _has(value: Any, name: str) -> bool:
    return int(name) < len(value) if name.isdigit() else name in value


PROGRAMS: dict[str, Callable[[Sequence[str]], None]] = {
    'maskdpo': _maskdpo,
    'python': _python,
    'xtuner': _xtuner,
    'lmdeploy': _lmdeploy,
    'make': _make,
    'sbatch': _sbatch,
    'srun': lambda args: None,
}


def names_in(module: str) -> set[str]:
    """The names at the top of a module of the package, without importing it."""
    place = ROOT / module.replace('.', '/')
    path = place.with_suffix('.py') if place.with_suffix('.py').is_file() else place / '__init__.py'
    assert path.is_file(), f'there is no module {module}'
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    below = {each.stem for each in place.glob('*.py')} if place.is_dir() else set()
    return names | below
