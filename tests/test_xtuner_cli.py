from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from maskdpo_xtuner import processes, xtuner_cli
from maskdpo_xtuner.xtuner_cli import (
    XTunerError,
    _asks_for_processes,
    _training_arguments,
    _work_dir,
    run_conversion,
    run_script,
    run_xtuner,
)

ROOT = Path(__file__).parents[1]


@pytest.fixture
def xtuner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a shell script stand for ``xtuner``, beside the Python that runs."""
    folder = tmp_path / 'bin'
    folder.mkdir()
    monkeypatch.setattr(sys, 'executable', str(folder / 'python'))

    def write(script: str) -> None:
        (folder / 'xtuner').write_text(f'#!/bin/sh\n{script}\n')
        (folder / 'xtuner').chmod(0o755)

    return write


def test_a_run_that_writes_what_is_expected_passes(
    xtuner: Callable[[str], None], tmp_path: Path
) -> None:
    xtuner('echo "$@" > "$TARGET"; echo said; echo warned >&2')
    target = tmp_path / 'work' / 'iter_2.pth'
    log = tmp_path / 'log.txt'
    target.parent.mkdir()
    run_xtuner(['train', Path('c.py')], target, log=log, env={'TARGET': str(target)})
    assert target.read_text() == 'train c.py\n'
    assert log.read_text() == 'said\nwarned\n'


def test_a_run_that_writes_nothing_fails_with_the_end_of_its_output_though_it_exits_0(
    xtuner: Callable[[str], None], tmp_path: Path
) -> None:
    xtuner('for i in $(seq 100); do echo "line $i"; done; echo "ValueError: no pairs" >&2; exit 0')
    with pytest.raises(XTunerError) as error:
        run_xtuner(['train', 'c.py'], tmp_path / 'new' / 'iter_2.pth')
    text = str(error.value)
    assert 'xtuner train c.py' in text
    assert text.endswith('line 100\nValueError: no pairs')
    assert 'line 10\n' not in text


def test_what_an_earlier_run_left_does_not_count(
    xtuner: Callable[[str], None], tmp_path: Path
) -> None:
    xtuner('true')
    checkpoint = tmp_path / 'iter_2.pth'
    checkpoint.mkdir()
    (checkpoint / 'states.pt').write_text('old')
    with pytest.raises(XTunerError):
        run_xtuner(['train'], checkpoint)


def test_a_file_written_anew_inside_a_checkpoint_folder_counts(
    xtuner: Callable[[str], None], tmp_path: Path
) -> None:
    checkpoint = tmp_path / 'iter_2.pth'
    checkpoint.mkdir()
    (checkpoint / 'states.pt').write_text('old')
    os.utime(checkpoint / 'states.pt', (0, 0))
    xtuner(f'echo new > {checkpoint}/states.pt')
    run_xtuner(['train'], checkpoint)
    assert (checkpoint / 'states.pt').read_text() == 'new\n'


def test_the_python_that_xtuner_starts_is_the_one_that_runs(
    xtuner: Callable[[str], None], tmp_path: Path
) -> None:
    xtuner('echo "$PATH" > "$TARGET"')
    target = tmp_path / 'path'
    run_xtuner([], target, env={'TARGET': str(target)})
    assert target.read_text().split(':')[0] == str(tmp_path / 'bin')


SCRIPT = """
import json, pathlib, sys
from mmengine.config import Config
from xtuner.configs import cfgs_name_path
config = sys.argv[1]
loaded = Config.fromfile(cfgs_name_path.get(config, config), import_custom_modules=False)
import beside
print(json.dumps([sys.argv[1:], loaded.to_dict()]))
if sys.argv[2] != '0':
    sys.exit(int(sys.argv[2]))
if 'empty' not in sys.argv:
    folder = pathlib.Path('work_dirs', pathlib.Path(config).stem)
    folder.mkdir(parents=True)
    (folder / 'last_checkpoint').write_text('work dirs/iter_6.pth')
"""


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A folder with XTuner of one script, and configs beside it."""
    script = tmp_path / 'xtuner' / 'tools' / 'train.py'
    script.parent.mkdir(parents=True)
    script.write_text(SCRIPT)
    (tmp_path / 'xtuner' / '__init__.py').touch()
    (tmp_path / 'xtuner' / 'configs.py').write_text('cfgs_name_path = {}\n')
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'config.py').write_text("_base_ = 'maskdpo_xtuner::llama3_8b_dpop'\n")
    (tmp_path / 'mine' / 'beside.py').touch()
    return tmp_path


def maskdpo(folder: Path, *argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder), str(ROOT)])
    environment = {**os.environ, 'PYTHONPATH': path, **variables}
    command = [sys.executable, '-m', 'maskdpo_xtuner', *argv]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_maskdpo_train_knows_our_bases_and_what_lies_beside_the_config(stand_in: Path) -> None:
    done = maskdpo(stand_in, 'train', 'mine/config.py', '0')
    assert done.returncode == 0, done.stderr
    args, config = json.loads(done.stdout.splitlines()[0])
    assert args == ['mine/config.py', '0']
    assert config['model']['loss_type'] == 'dpop'


def test_maskdpo_train_ends_with_what_comes_next(stand_in: Path) -> None:
    done = maskdpo(stand_in, 'train', 'mine/config.py', '0', '--cfg-options', 'a.b=1')
    assert done.stdout.splitlines()[1:] == [
        "next: maskdpo convert pth_to_hf mine/config.py 'work dirs/iter_6.pth' work_dirs/config/hf "
        '--fp32 --safe-serialization --cfg-options a.b=1',
        'then: maskdpo evaluate DATA_CONFIG --models base aligned=work_dirs/config/hf '
        '--training work_dirs/config',
    ]


def test_maskdpo_train_fails_without_a_new_checkpoint(stand_in: Path) -> None:
    (stand_in / 'work_dirs' / 'config').mkdir(parents=True)
    (stand_in / 'work_dirs' / 'config' / 'last_checkpoint').write_text('of an earlier run')
    done = maskdpo(stand_in, 'train', 'mine/config.py', '0', 'empty')
    assert done.returncode == 1
    assert done.stderr.endswith(
        'error: the training wrote no checkpoint; see the logs in work_dirs/config\n'
    )
    assert 'next:' not in done.stdout


def test_going_on_from_the_last_checkpoint_of_all_there_may_be_nothing_to_do(
    stand_in: Path,
) -> None:
    (stand_in / 'work_dirs' / 'config').mkdir(parents=True)
    (stand_in / 'work_dirs' / 'config' / 'last_checkpoint').write_text('iter_6.pth')
    for checkpoint, status in (('iter_6.pth', 0), ('iter_4.pth', 1)):
        done = maskdpo(stand_in, 'train', 'mine/config.py', '0', 'empty', '--resume', checkpoint)
        assert done.returncode == status


def test_the_first_of_several_machines_looks_for_the_checkpoint(stand_in: Path) -> None:
    variables = {'NODE_RANK': '1', 'NNODES': '1'}
    done = maskdpo(stand_in, 'train', 'mine/config.py', '0', 'empty', **variables)
    assert done.returncode == 0
    assert 'next:' not in done.stdout


@pytest.mark.parametrize(
    ('argv', 'work_dir'),
    [
        (['mine/config.py'], 'work_dirs/config'),
        (['llama3_8b_dpop'], 'work_dirs/llama3_8b_dpop'),
        (['--seed', '1', 'mine/own.py'], 'of/the/config'),
        (['mine/own.py', '--cfg-options', 'work_dir=other', 'a=1'], 'other'),
        (['mine/own.py', '--work-dir', 'd', '--cfg-options', 'work_dir=other'], 'd'),
    ],
)
def test_the_work_dir_is_where_xtuner_puts_it(
    argv: list[str], work_dir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'config.py').write_text("_base_ = 'maskdpo_xtuner::llama3_8b_dpop'\n")
    (tmp_path / 'mine' / 'own.py').write_text("work_dir = 'of/the/config'\n")
    monkeypatch.chdir(tmp_path)
    assert _work_dir(_training_arguments(argv)) == Path(work_dir)


def test_maskdpo_train_ends_as_the_training_does_and_knows_names(stand_in: Path) -> None:
    (stand_in / 'beside.py').touch()
    done = maskdpo(stand_in, 'train', 'llama3_8b_dpop', '3')
    assert json.loads(done.stdout)[1]['model']['loss_type'] == 'dpop'
    assert done.returncode == 3


def test_several_processes_are_started_by_torchrun_as_xtuner_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []

    def run(command: list[str]) -> int:
        calls.append(command)
        return 7

    monkeypatch.setattr(processes, 'run', run)
    monkeypatch.setenv('NPROC_PER_NODE', '2')
    monkeypatch.setenv('PORT', '29501')
    assert run_script('train', ['c.py', '--seed', '1']) == 7
    (command,) = calls
    assert command[1:3] == ['-m', 'torch.distributed.run']
    assert command[-7:] == [
        'maskdpo_xtuner',
        'train',
        'c.py',
        '--seed',
        '1',
        '--launcher',
        'pytorch',
    ]
    assert command[command.index('--nproc_per_node') + 1] == '2'
    assert command[command.index('--master_port') + 1] == '29501'


@pytest.mark.parametrize('launcher', ['slurm', 'pytorch'])
def test_with_a_launcher_the_processes_are_there_already(
    launcher: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('NPROC_PER_NODE', '2')
    assert _asks_for_processes(['c.py'])
    assert not _asks_for_processes(['c.py', '--launcher', launcher])


def test_a_conversion_that_writes_no_weights_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / 'hf'
    arguments = ['c.py', 'x.pth', str(folder), '--max-shard-size', '2GB', '--cfg-options', 'a.b=1']
    monkeypatch.setattr(xtuner_cli, 'run_script', lambda name, args: 0)
    assert run_conversion(arguments) == 1
    assert capsys.readouterr().err == f'error: the conversion wrote no weights to {folder}\n'

    def write(name: str, args: list[str]) -> int:
        folder.mkdir()
        (folder / 'model-00001-of-00002.safetensors').touch()
        return 0

    monkeypatch.setattr(xtuner_cli, 'run_script', write)
    assert run_conversion(arguments) == 0
