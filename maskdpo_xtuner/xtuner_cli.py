"""Running XTuner's command line, which exits 0 when training failed and knows its own configs only.

`run_xtuner` is the command as it is, with a check of the result. `run_script` is what ``maskdpo``
runs: the script of XTuner in this process, with the configs of this package. `run_training` adds to
it the check for ``maskdpo train``, and the commands that come next.
"""

from __future__ import annotations

import argparse
import os
import random
import runpy
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from maskdpo_xtuner import processes
from maskdpo_xtuner.config_files import know_our_bases, know_our_names, search_beside

TAIL_LINES = 40
SCRIPTS = {
    'train': 'tools/train.py',
    'pth_to_hf': 'tools/model_converters/pth_to_hf.py',
    'merge': 'tools/model_converters/merge.py',
    'split': 'tools/model_converters/split.py',
}


class XTunerError(RuntimeError):
    """XTuner ended without writing what was expected; the text has the end of its output."""


def run_xtuner(
    args: Sequence[str | Path],
    expect: Path,
    *,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run ``xtuner ARGS`` and make sure that it wrote ``expect``.

    Args:
        args: what follows ``xtuner`` on the command line.
        expect: a file or folder that the run must write, or write anew: a checkpoint, a model.
        log: where the output goes, both streams; ``expect`` with the suffix ``.log`` if not given.
        env: variables to set beside those of this process, such as ``NPROC_PER_NODE``.
        cwd: where to run.

    Raises:
        XTunerError: when ``expect`` was not written; it holds the last lines of the output.
    """
    log = expect.with_suffix('.log') if log is None else log
    log.parent.mkdir(parents=True, exist_ok=True)
    before = _last_change(expect)
    command = ['xtuner', *(str(arg) for arg in args)]
    with log.open('w', encoding='utf-8') as output:
        subprocess.run(
            command, stdout=output, stderr=subprocess.STDOUT, env=_environment(env), cwd=cwd
        )
    if _last_change(expect) == before:
        lines = log.read_text(encoding='utf-8', errors='replace').splitlines()[-TAIL_LINES:]
        raise XTunerError(
            f'`{" ".join(command)}` did not write {expect}. The end of {log}:\n' + '\n'.join(lines)
        )


def run_script(name: str, args: Sequence[str]) -> int:
    """Run a script of XTuner to which the configs of this package are known.

    It runs in this process, or in those that torchrun starts where ``NPROC_PER_NODE`` or ``NNODES``
    ask for several and no ``--launcher`` says that they are there already.

    Args:
        name: one of `SCRIPTS`.
        args: its arguments, as for ``xtuner``.

    Returns:
        0, or what torchrun ended with. Here an exception of the script is raised on.

    Raises:
        ValueError: for another script.
        ModuleNotFoundError: when XTuner is not installed.
    """
    if name not in SCRIPTS:
        raise ValueError(f'there is no script "{name}" of XTuner here; one of {", ".join(SCRIPTS)}')
    spec = find_spec('xtuner')
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError('XTuner is not installed; pip install "maskdpo_xtuner[train]"')
    if name == 'train' and _asks_for_processes(args):
        return processes.run([*_torchrun(os.environ), name, *args, '--launcher', 'pytorch'])
    _make_configs_known()
    for arg in args:
        if Path(arg).suffix == '.py':
            search_beside(arg)
    path = Path(spec.submodule_search_locations[0], SCRIPTS[name])
    sys.argv = [str(path), *args]
    runpy.run_path(str(path), run_name='__main__')
    return 0


def run_conversion(args: Sequence[str]) -> int:
    """Convert a checkpoint as ``run_script('pth_to_hf', args)`` does; make sure of the weights.

    Returns:
        0; 1 when no weights were written.
    """
    parser = argparse.ArgumentParser('maskdpo convert pth_to_hf')
    for name in ('config', 'checkpoint', 'folder'):
        parser.add_argument(name)
    parser.add_argument('--cfg-options', nargs='+')
    for name in ('--max-shard-size', '--save-format'):
        parser.add_argument(name)
    folder = Path(parser.parse_known_args(args)[0].folder)
    before = {path: _last_change(path) for path in _weights(folder)}
    status = run_script('pth_to_hf', args)
    if status == 0 and all(_last_change(path) == before.get(path) for path in _weights(folder)):
        print(f'error: the conversion wrote no weights to {folder}', file=sys.stderr)
        return 1
    return status


def _weights(folder: Path) -> list[Path]:
    return [path for kind in ('*.safetensors', '*.bin') for path in folder.glob(kind)]


def run_training(args: Sequence[str]) -> int:
    """Train as `run_script` does; print the commands that convert and evaluate the result.

    With a ``--launcher`` this is one process of several: whatever started them has to look. Of
    several machines the first one looks.

    Returns:
        What the training ended with; 1 when it wrote no checkpoint, and did not go on from its
        last one either.
    """
    training = _training_arguments(args)
    if training.launcher != 'none' or int(os.environ.get('NODE_RANK', 0)):
        return run_script('train', args)
    work_dir = _work_dir(training)
    last = work_dir / 'last_checkpoint'
    before = _last_change(last)
    status = run_script('train', args)
    if status == 0 and _last_change(last) == before and not _resumed_at(last, training.resume):
        print(
            f'error: the training wrote no checkpoint; see the logs in {work_dir}', file=sys.stderr
        )
        return 1
    if status == 0:
        print(_next_commands(training, work_dir, last.read_text(encoding='utf-8').strip()))
    return status


def _resumed_at(last: Path, checkpoint: str | None) -> bool:
    """Tell a run that went on from the last checkpoint; there may have been nothing to do."""
    return bool(checkpoint) and last.exists() and last.read_text('utf-8').strip() == checkpoint


def _training_arguments(args: Sequence[str]) -> argparse.Namespace:
    """Read the arguments of XTuner's ``train``, as far as they say what is trained and where."""
    parser = argparse.ArgumentParser('maskdpo train')
    parser.add_argument('config')
    parser.add_argument('--work-dir')
    parser.add_argument('--cfg-options', nargs='+', default=[])
    parser.add_argument('--launcher', default='none')
    for name in ('--deepspeed', '--resume', '--seed', '--local-rank'):
        parser.add_argument(name)
    return parser.parse_known_args(args)[0]


def _work_dir(training: argparse.Namespace) -> Path:
    """Find the work dir in the order that XTuner has: argument, config, name of the config."""
    from mmengine.config import Config
    from xtuner.configs import cfgs_name_path

    if training.work_dir:
        return Path(training.work_dir)
    options = dict(option.partition('=')[::2] for option in training.cfg_options)
    _make_configs_known()
    config = Path(training.config)
    if not config.is_file():
        config = Path(cfgs_name_path.get(training.config, config))
    if config.is_file() and 'work_dir' not in options:
        options = Config.fromfile(config, import_custom_modules=False)
    return Path(options.get('work_dir') or f'work_dirs/{config.stem}')


def _next_commands(training: argparse.Namespace, work_dir: Path, checkpoint: str) -> str:
    options = ['--cfg-options', *training.cfg_options] if training.cfg_options else []
    model = str(work_dir / 'hf')
    convert = ['pth_to_hf', training.config, checkpoint, model, '--fp32', '--safe-serialization']
    evaluate = ['--models', 'base', f'aligned={model}', '--training', str(work_dir)]
    return (
        f'next: maskdpo convert {shlex.join([*convert, *options])}\n'
        f'then: maskdpo evaluate DATA_CONFIG {shlex.join(evaluate)}'
    )


def _asks_for_processes(args: Sequence[str]) -> bool:
    counts = (int(os.environ.get(name, 1)) for name in ('NNODES', 'NPROC_PER_NODE'))
    return '--launcher' not in args and any(count > 1 for count in counts)


def _torchrun(environment: Mapping[str, str]) -> list[str]:
    """The command that starts ``maskdpo``, by the variables that XTuner reads."""
    get = environment.get
    return [
        *(sys.executable, '-m', 'torch.distributed.run'),
        *('--nnodes', get('NNODES', '1'), '--node_rank', get('NODE_RANK', '0')),
        *('--nproc_per_node', get('NPROC_PER_NODE', '1')),
        *('--master_addr', get('ADDR', '127.0.0.1')),
        *('--master_port', get('PORT', str(random.randint(20000, 29999)))),
        *('-m', 'maskdpo_xtuner'),
    ]


def _make_configs_known() -> None:
    from mmengine.config import Config
    from xtuner.configs import cfgs_name_path

    know_our_bases(Config)
    know_our_names(cfgs_name_path)


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    # XTuner starts the `python` that is first on PATH: it must be the one it is installed for.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get('PATH', os.defpath)])
    return {**os.environ, **(extra or {}), 'PATH': path}


def _last_change(path: Path) -> int | None:
    """Newest modification time (ns) of a file, or of a folder and all in it; None if absent."""
    if not path.exists():
        return None
    return max(part.stat().st_mtime_ns for part in [path, *path.rglob('*')])
