"""The import rule: rooms import from the rooms above them only, and heavy packages stay inside."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from maskdpo_xtuner import cli

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / 'maskdpo_xtuner'

# Each room with the rooms that it may import, in the order of the table in docs/architecture.md.
MAY_IMPORT: dict[str, set[str]] = {
    'records': set(),
    'hashing': set(),
    'deferred': set(),
    'devices': set(),
    'deprecations': set(),
    'allocator': set(),
    'atomic': set(),
    'columns': set(),
    'packed': set(),
    'jsonl': {'records', 'atomic', 'packed'},
    'knowledge': {'records', 'jsonl', 'hashing', 'atomic'},
    'chat_templates': {'records'},
    'progress': set(),
    'terminal': set(),
    'registry': set(),
    'parts': {'registry'},
    'config_files': set(),
    'command_line': {'config_files'},
    'parsers': set(),
    'shell_completion': set(),
    'identity': set(),
    'locks': set(),
    'processes': set(),
    'experiments': set(),
    'splitters': {'registry'},
    'forms': {'records', 'jsonl'},
    'refusals': {'records', 'registry'},
    'masking': {'records', 'chat_templates', 'forms'},
    'objectives': {'registry'},
    'batches': {'masking'},
    'modeling': {'objectives'},
    'sepo': {'records', 'masking', 'objectives', 'devices', 'deprecations'},
    'builtin': {'records', 'hashing', 'registry', 'atomic', 'deprecations'},
    'questions': {'records', 'jsonl', 'parts', 'registry', 'builtin', 'knowledge'},
    'engines': {
        *{'records', 'builtin', 'hashing', 'parts', 'registry', 'identity', 'chat_templates'},
        *{'devices', 'allocator', 'deprecations'},
    },
    'embeddings': {
        *{'engines', 'parts', 'registry', 'builtin', 'identity', 'atomic', 'chat_templates'},
        *{'devices'},
    },
    'subsets': {
        *{'records', 'parts', 'registry', 'questions', 'embeddings', 'identity', 'experiments'},
        *{'hashing', 'atomic', 'columns', 'jsonl'},
    },
    'completions': {'engines', 'records', 'progress', 'identity'},
    'annotators': {
        *{'engines', 'splitters', 'records', 'parts', 'registry', 'builtin', 'identity'},
        *{'jsonl', 'hashing', 'chat_templates', 'knowledge', 'atomic', 'refusals', 'devices'},
    },
    'preference': {'annotators', 'engines', 'records', 'parts', 'identity'},
    'pairing': {'records', 'parts', 'refusals', 'registry'},
    'bounds': {'parts'},
    'evaluation_settings': {
        *{'engines', 'annotators', 'questions', 'bounds', 'parts', 'registry'},
    },
    'settings': {
        *{'engines', 'annotators', 'questions', 'pairing', 'parts', 'registry', 'jsonl'},
        *{'deferred', 'atomic', 'config_files', 'evaluation_settings', 'preference'},
        *{'experiments', 'subsets'},
    },
    'pipeline': {
        *{'records', 'jsonl', 'progress', 'identity', 'engines', 'completions', 'annotators'},
        *{'pairing', 'refusals', 'settings', 'builtin', 'registry', 'atomic', 'columns'},
        *{'splitters', 'experiments', 'subsets', 'forms', 'chat_templates', 'locks'},
    },
    'evaluation': {
        *{'records', 'jsonl', 'progress', 'engines', 'completions', 'annotators'},
        *{'pairing', 'refusals', 'settings', 'bounds', 'pipeline', 'builtin', 'objectives'},
        *{'registry', 'atomic', 'columns', 'chat_templates', 'evaluation_settings', 'identity'},
        *{'splitters', 'preference', 'parts', 'experiments'},
    },
    'topics': {
        *{'records', 'forms', 'columns', 'registry', 'splitters', 'annotators', 'engines'},
        *{'embeddings', 'evaluation'},
    },
    'reports': {
        *{'records', 'jsonl', 'forms', 'atomic', 'masking', 'pairing', 'evaluation', 'pipeline'},
        'settings',
    },
    'steps': {'atomic', 'experiments', 'locks', 'processes'},
    'rounds': {
        *{'config_files', 'parts', 'settings', 'engines', 'builtin', 'hashing', 'pipeline'},
        'steps',
    },
    'reproduction': {'evaluation', 'atomic', 'hashing', 'steps', 'config_files', 'settings'},
    'xtuner_cli': {'config_files', 'processes'},
    'cli': {
        *{'command_line', 'config_files', 'engines', 'xtuner_cli', 'parsers'},
        'shell_completion',
    },
    '__main__': {'cli'},
    'training': {
        *{'records', 'hashing', 'jsonl', 'progress', 'masking', 'objectives', 'builtin'},
        *{'batches', 'modeling', 'engines', 'chat_templates', 'forms', 'config_files', 'atomic'},
        *{'allocator', 'deprecations'},
    },
}
FRAMEWORKS = {'xtuner', 'mmengine', 'deepspeed'}
# mmengine's config format is the format of our tools too: settings.py reads it. xtuner_cli.py runs
# XTuner's own scripts.
MAY_USE_FRAMEWORKS = {
    'training': FRAMEWORKS,
    'settings': {'mmengine'},
    'xtuner_cli': {'mmengine', 'xtuner'},
}
HEAVY = {'torch', 'transformers', 'datasets', 'lmdeploy', 'pandas', 'mendeleev', *FRAMEWORKS}
MODULES = sorted(PACKAGE.rglob('*.py'))
TOOLS = sorted((ROOT / 'tools').glob('*.py'))


def imported(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, at its top or inside a function."""
    tree = ast.parse(path.read_text(encoding='utf-8'))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: relative import'
            assert node.module is not None
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


def room_of(path: Path) -> str:
    """The first part of a path below the package; its own `__init__` gives names of all rooms."""
    return path.relative_to(PACKAGE).parts[0].removesuffix('.py')


def test_every_room_is_in_the_table() -> None:
    rooms = {room_of(path) for path in MODULES} - {'__init__'}
    assert rooms == set(MAY_IMPORT)


def test_the_table_has_no_circle() -> None:
    seen: set[str] = set()
    for room, allowed in MAY_IMPORT.items():
        seen.add(room)
        assert allowed < seen, f'{room} may import {allowed - seen}, which stands below it'


def module_of(name: str) -> Path | None:
    """The file of a dotted name of the package, or of what the name was taken from."""
    for parts in (name.split('.'), name.split('.')[:-1]):
        place = ROOT.joinpath(*parts)
        for path in (place.with_suffix('.py'), place / '__init__.py'):
            if path in MODULES:
                return path
    return None


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {path: set(map(module_of, imported(path))) - {path, None} for path in MODULES}
    TopologicalSorter(graph).prepare()


@pytest.mark.parametrize('path', MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    room = room_of(path)
    may = {room, *MAY_IMPORT} if room == '__init__' else {room, *MAY_IMPORT[room]}
    for name in imported(path):
        top, _, rest = name.partition('.')
        if top == 'maskdpo_xtuner' and rest:
            target = rest.partition('.')[0]
            assert target in may, f'{path} imports {name}'
        assert top not in FRAMEWORKS - MAY_USE_FRAMEWORKS.get(room, set()), f'{path}: {name}'
        assert top not in {'tools', 'tests', 'configs'}, f'{path} imports {name}'


def test_objectives_need_torch_only() -> None:
    for path in (PACKAGE / 'objectives').glob('*.py'):
        third_party = {name.partition('.')[0] for name in imported(path)}
        assert third_party - sys.stdlib_module_names <= {'torch', 'maskdpo_xtuner'}


@pytest.mark.parametrize('path', TOOLS, ids=lambda p: p.name)
def test_help_of_a_tool_loads_nothing_heavy(path: Path) -> None:
    code = (
        'import runpy, sys\n'
        f'sys.argv = [{str(path)!r}, "--help"]\n'
        'try:\n'
        f'    runpy.run_path({str(path)!r}, run_name="__main__")\n'
        'except SystemExit as stop:\n'
        '    assert stop.code == 0, stop.code\n'
        f'loaded = sorted({HEAVY!r} & set(sys.modules))\n'
        'assert not loaded, loaded\n'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'usage:' in done.stdout


def test_help_of_the_commands_loads_nothing_heavy() -> None:
    commands = ['', *cli._commands()]
    code = (
        'import sys\n'
        'from maskdpo_xtuner.cli import main\n'
        f'for command in {commands!r}:\n'
        '    try:\n'
        '        main([*command.split(), "--help"])\n'
        '    except SystemExit as stop:\n'
        '        assert stop.code == 0, stop.code\n'
        f'loaded = sorted({HEAVY!r} & set(sys.modules))\n'
        'assert not loaded, loaded\n'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('usage: maskdpo') == len(commands)


@pytest.mark.parametrize('path', TOOLS, ids=lambda p: p.name)
def test_a_tool_is_thin(path: Path) -> None:
    assert len(path.read_text(encoding='utf-8').splitlines()) <= 80
