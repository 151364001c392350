"""The command ``maskdpo``: every tool, and XTuner with the configs of this package known to it."""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import maskdpo_xtuner
from maskdpo_xtuner.command_line import run_tool
from maskdpo_xtuner.config_files import config_names, copy_config, shipped
from maskdpo_xtuner.parsers import options_in, parser_of
from maskdpo_xtuner.shell_completion import SHELLS, Words, completion, words_of

# Others are called what their files are.
SHORT = {
    'sample_and_annotate': 'sample',
    'merge_shards': 'merge',
    'pair_anew': 'pairs',
    'inspect_pairs': 'inspect',
    'show_masks': 'masks',
}
# Folders of configs by the commands that read them.
CONFIGS_OF = {
    '.': 'maskdpo train',
    'data': 'maskdpo sample, evaluate',
    'evaluation': 'maskdpo sample, evaluate',
    'rounds': 'maskdpo rounds',
}
# The overview: commands in the order in which they are needed. Those not named here come last.
GROUPS = {
    'From questions to a model': 'hold-out sample merge inspect masks train convert evaluate',
    'Other pairs': 'pairs subsets convert-pairs select-tokens rounds',
    'Comparing': (
        'compare judge-agreement rank-agreement compare-preference affinity count-factscore '
        'hand-over'
    ),
    'The paper, and what others released': (
        'reproduce import-anah-prompts import-factscore-demonstrations build-knowledge'
    ),
    'Configs and the shell': 'list-cfg copy-cfg completion',
}
TRAIN = """usage: maskdpo train CONFIG [OPTION ...]

`xtuner train`, which also knows the configs that `maskdpo list-cfg` lists by their names, and
_base_ = 'maskdpo_xtuner::NAME' in a config of yours. Modules named in custom_imports may lie beside
the config. The exit status is not 0 when the training failed or wrote no checkpoint; else the last
lines are the commands that convert and evaluate the model.

CONFIG is a file or a name. Options are those of `xtuner train`:
  --work-dir DIR             where logs and checkpoints go
  --deepspeed NAME           zero1, zero2, zero3 or a file
  --resume CHECKPOINT        continue from there
  --seed N                   of the training
  --cfg-options KEY=VALUE    replace settings of the config

As for XTuner, NPROC_PER_NODE is the number of processes on this machine, and NNODES, NODE_RANK,
ADDR and PORT describe several machines.
"""
CONVERT = """usage: maskdpo convert {pth_to_hf,merge,split} ARGUMENT [...]

`xtuner convert` with the configs of this package known, as in `maskdpo train`. A checkpoint becomes
a model of transformers, or with LoRA an adapter, by

  maskdpo convert pth_to_hf CONFIG CHECKPOINT FOLDER [--safe-serialization]

with the --cfg-options of the training, in the format in which they load the base; with
--cfg-options model.llm.torch_dtype=torch.float32 in the fp32 that DeepSpeed trained. The exit
status is 1 where no weights were written. An adapter and its base become one model by

  maskdpo convert merge BASE ADAPTER FOLDER [--dtype bfloat16]
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command that is named, and exit with its status."""
    name, *rest = argv if argv is not None else sys.argv[1:] or ['--help']
    commands = _commands()
    if name in ('-h', '--help'):
        print(_overview())
    elif name == '--version':
        print(f'maskdpo_xtuner {maskdpo_xtuner.__version__}')
    elif name in commands:
        sys.argv = [f'maskdpo {name}', *rest]
        run_tool(commands[name])
    else:
        near = difflib.get_close_matches(name, commands, n=1)
        hint = f'did you mean "{near[0]}"?' if near else 'see maskdpo --help'
        sys.exit(f'error: there is no command "{name}"; {hint}')


def _commands() -> dict[str, Callable[[], int | None]]:
    tools = {name: _Tool(path) for name, path in _tools().items()}
    return {**tools, **_OTHERS}


def _tools() -> dict[str, Path]:
    """Every tool by the name of its command."""
    paths = sorted(shipped('tools').glob('*.py'))
    return {SHORT.get(path.stem, path.stem.replace('_', '-')): path for path in paths}


class _Tool:
    """The ``main`` of a file of ``tools/``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self) -> int | None:
        spec = importlib.util.spec_from_file_location(self.path.stem, self.path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        status: int | None = module.main()
        return status


def list_configs() -> int:
    """List the configs that come with the package, by name."""
    parser = argparse.ArgumentParser(description=list_configs.__doc__)
    parser.add_argument('-p', '--pattern', default='', help='only those with this in their names')
    parser.add_argument('--paths', action='store_true', help='print paths, for `xtuner train`')
    args = parser.parse_args()
    chosen = {n: path for n, path in config_names().items() if args.pattern.lower() in n.lower()}
    if args.paths:
        print(*chosen.values(), sep='\n')
        return 0
    groups: dict[str, dict[str, Path]] = {title: {} for title in CONFIGS_OF.values()}
    for name, path in chosen.items():
        folder = path.relative_to(shipped('configs')).parts[0]
        groups[CONFIGS_OF.get(folder, CONFIGS_OF['.'])][name] = path
    for title, group in groups.items():
        if group:
            print(f'{title}:\n{_with_first_lines(group)}')
    return 0


def copy_one() -> int:
    """Copy a config of the package to a folder, to be changed there."""
    parser = argparse.ArgumentParser(description=copy_one.__doc__)
    parser.add_argument('name', help='as `maskdpo list-cfg` has it')
    parser.add_argument('folder', nargs='?', default='.', type=Path, help='default: this one')
    args = parser.parse_args()
    print(copy_config(args.name, args.folder))
    return 0


def train() -> int:
    """Train with `xtuner train`, which then knows these configs."""
    if _asks_for_help(TRAIN):
        return 0

    from maskdpo_xtuner.xtuner_cli import run_training

    return run_training(sys.argv[1:])


def convert() -> int:
    """Convert checkpoints with `xtuner convert`, which then knows these configs; merge adapters."""
    if sys.argv[1:2] == ['merge']:
        from maskdpo_xtuner.engines.merging import run_merge

        return run_merge(sys.argv[2:])
    if _asks_for_help(CONVERT):
        return 0

    from maskdpo_xtuner.xtuner_cli import run_conversion, run_script

    name, *rest = sys.argv[1:]
    return run_conversion(rest) if name == 'pth_to_hf' else run_script(name, rest)


def complete() -> int:
    """Print the script with which a shell completes these commands."""
    parser = argparse.ArgumentParser(description=complete.__doc__)
    parser.add_argument('shell', choices=SHELLS, help='source <(maskdpo completion bash)')
    args = parser.parse_args()
    words = {name: _words_of(name, command) for name, command in _commands().items()}
    print(completion(args.shell, words, _descriptions(), list(config_names())), end='')
    return 0


def _words_of(name: str, command: Callable[[], int | None]) -> Words:
    if name in _USAGES:
        return Words(options_in(_USAGES[name]), configs=True)
    return words_of(parser_of(command))


def _asks_for_help(usage: str) -> bool:
    """Print the usage where it is asked for, or nothing else is."""
    args = sys.argv[1:]
    asked = bool({'-h', '--help'} & set(args)) or not args
    if asked:
        print(usage, end='')
    return asked


_USAGES = {'train': TRAIN, 'convert': CONVERT}
_OTHERS: Mapping[str, Callable[[], int]] = {
    'train': train,
    'convert': convert,
    'list-cfg': list_configs,
    'copy-cfg': copy_one,
    'completion': complete,
}


def _descriptions() -> dict[str, str]:
    """Every command with what it does, in a line."""
    return {
        **{name: _first_line(path) for name, path in _tools().items()},
        **{name: command.__doc__ or '' for name, command in _OTHERS.items()},
    }


def _overview() -> str:
    said = _descriptions()
    groups = {title: names.split() for title, names in GROUPS.items()}
    named = [name for names in groups.values() for name in names]
    groups['More'] = [name for name in said if name not in named]
    parts = [
        f'{title}:\n' + '\n'.join(f'  {name:20} {said[name]}' for name in names)
        for title, names in groups.items()
        if names
    ]
    return '\n\n'.join(
        [
            'usage: maskdpo COMMAND [ARGUMENT ...]',
            'Mask-DPO (ICLR 2025): pairs out of the answers of a model, training, evaluation.\n'
            '`maskdpo COMMAND --help` says what each takes.',
            *parts,
        ]
    )


def _with_first_lines(files: Mapping[str, Path]) -> str:
    """Names with the first line of the docstring of their files."""
    width = max(20, *map(len, files))
    return '\n'.join(
        f'  {name:{width}} {_first_line(path)}'.rstrip() for name, path in files.items()
    )


def _first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding='utf-8'))) or ''
    return docstring.partition('\n')[0]
