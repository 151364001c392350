"""An installed package, away from any checkout: configs, tools and bases come with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from maskdpo_xtuner.config_files import config_names
from maskdpo_xtuner.jsonl import read_records
from maskdpo_xtuner.records import PreferencePair
from tests.plugins.test_judge import CONFIG, EXAMPLE, PARTS

ROOT = Path(__file__).parents[1]
SOURCES = (
    'setup.py',
    'pyproject.toml',
    'README.md',
    'LICENSE',
    'maskdpo_xtuner',
    'configs',
    'tools',
)


@pytest.fixture(scope='module')
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the package, out of its wheel."""
    source, site = tmp_path_factory.mktemp('source'), tmp_path_factory.mktemp('site')
    for name in SOURCES:  # building in the checkout would leave a folder there
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    pip = [sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check']
    wheel = [*pip, 'wheel', '.', '--no-deps', '--no-build-isolation', '--wheel-dir', 'dist']
    subprocess.run(wheel, cwd=source, check=True)
    (file,) = (source / 'dist').glob('*.whl')
    subprocess.run([*pip, 'install', '--no-deps', '--no-index', '--target', site, file], check=True)
    return site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder: a judge, an engine and questions of their own, and a base of ours."""
    shutil.copy(EXAMPLE, tmp_path)
    (tmp_path / 'my_parts.py').write_text(PARTS)
    base = "_base_ = 'maskdpo_xtuner::_base_/sampling.py'\n"
    (tmp_path / 'config.py').write_text(base + CONFIG)
    return tmp_path


def run(site: Path, folder: Path, *argv: str) -> str:
    """What a command prints that runs the installed package."""
    environment = {**os.environ, 'PYTHONPATH': str(site)}
    done = subprocess.run(
        [sys.executable, *argv], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_configs_and_tools_are_those_of_the_checkout(site: Path) -> None:
    for name, kind in (('configs', '*.py'), ('tools', '*.py'), ('tools', '*.sh')):
        installed = (site / 'maskdpo_xtuner' / name).rglob(kind)
        found = {path.relative_to(site / 'maskdpo_xtuner') for path in installed}
        assert (
            found == {path.relative_to(ROOT) for path in ROOT.joinpath(name).rglob(kind)} != set()
        )
    (script,) = site.glob('bin/maskdpo')
    assert 'maskdpo_xtuner.cli' in script.read_text()


def test_configs_are_listed_and_are_the_installed_ones(site: Path, folder: Path) -> None:
    listed = run(site, folder, '-m', 'maskdpo_xtuner', 'list-cfg', '--paths').split()
    assert len(listed) == len(config_names())
    assert all(path.startswith(f'{site}/maskdpo_xtuner/configs/') for path in listed)
    assert 'built-in default' in run(site, folder, '-m', 'maskdpo_xtuner', 'sample', '--help')


def test_a_users_folder_makes_pairs(site: Path, folder: Path) -> None:
    run(site, folder, '-m', 'maskdpo_xtuner', 'sample', 'config.py', '--quiet')
    assert len(list(read_records(folder / 'work/pairs.jsonl', PreferencePair))) == 2
    page = run(site, folder, '-m', 'maskdpo_xtuner', 'inspect', 'work')
    assert page == '2 of 2 pairs: work/pairs.html\n'


def test_the_built_in_default_is_found(site: Path, folder: Path) -> None:
    code = (
        'import maskdpo_xtuner\n'
        'from maskdpo_xtuner.command_line import DEFAULT_CONFIG\n'
        'print(maskdpo_xtuner.load_settings(DEFAULT_CONFIG).work_dir)'
    )
    assert run(site, folder, '-c', code) == 'work_dirs/smollm2_135m_elements\n'
