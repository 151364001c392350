"""Configs of the package by name, as bases of configs elsewhere, and copied."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from maskdpo_xtuner.config_files import (
    config_file,
    config_names,
    copy_config,
    find_config,
    know_our_bases,
    shipped,
)
from maskdpo_xtuner.settings import load_settings

CONFIGS = Path(__file__).parents[1] / 'configs'
TRAINING, DATA = 'smollm2_135m_maskdpo', 'smollm2_135m_elements'
FORMS = {
    'of mmengine': "'maskdpo_xtuner::{}'",
    'of plain xtuner': "__import__('maskdpo_xtuner').config_file('{}')",
}


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`Config` as mmengine has it, which is put back."""
    original = inspect.unwrap(Config._get_cfg_path)
    monkeypatch.setattr(Config, '_get_cfg_path', staticmethod(original))
    return Config


def test_every_config_has_a_name_of_its_own() -> None:
    files = [path for path in CONFIGS.rglob('*.py') if '_base_' not in path.parts]
    assert sorted(config_names().values()) == sorted(files)
    assert shipped('configs') == CONFIGS


@pytest.mark.parametrize(
    ('name', 'path'),
    [
        ('llama3_8b_dpo', 'ablations/llama3_8b_dpo.py'),
        ('llama3_8b_dpo.py', 'ablations/llama3_8b_dpo.py'),
        ('ablations/llama3_8b_dpo.py', 'ablations/llama3_8b_dpo.py'),
        ('maskdpo_xtuner::ablations/llama3_8b_dpo.py', 'ablations/llama3_8b_dpo.py'),
        ('maskdpo_xtuner::llama3_8b_dpo', 'ablations/llama3_8b_dpo.py'),
        ('_base_/sampling.py', '_base_/sampling.py'),
    ],
)
def test_a_config_is_found_by_name_or_path(name: str, path: str) -> None:
    assert config_file(name) == str(CONFIGS / path)


@pytest.mark.parametrize(
    ('name', 'said'),
    [
        ('llama3_8b_dpp', 'llama3_8b_dpp: there is no such config; did you mean "llama3_8b_dp'),
        ('../setup.py', r'\.\./setup\.py: there is no such config; `maskdpo list-cfg` lists'),
        ('sampling', 'sampling: there is no such config'),
        ('_base_', '_base_: there is no such config'),
    ],
)
def test_another_name_is_refused(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        config_file(name)


def test_a_file_goes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_config(DATA) == CONFIGS / f'data/{DATA}.py'
    Path(DATA).touch()
    assert find_config(DATA) == Path(DATA)


def test_settings_are_read_by_name() -> None:
    assert load_settings(DATA) == load_settings(CONFIGS / f'data/{DATA}.py')


def written(folder: Path, form: str, name: str) -> Path:
    """A config of the user's that inherits one of the package."""
    path = folder / 'mine.py'
    path.write_text(f"_base_ = {FORMS[form].format(name)}\nwork_dir = 'mine'\n")
    return path


@pytest.mark.parametrize('form', FORMS)
def test_a_data_config_elsewhere_inherits(tmp_path: Path, form: str) -> None:
    settings = load_settings(written(tmp_path, form, DATA))
    assert settings == load_settings(DATA, work_dir='mine')


@pytest.mark.parametrize('form', FORMS)
def test_a_training_config_elsewhere_inherits(tmp_path: Path, form: str, plain: Any) -> None:
    path = written(tmp_path, form, f'{TRAINING}.py')
    if form == 'of mmengine':
        with pytest.raises(ValueError, match='_get_package_and_cfg_path'):
            plain.fromfile(path, import_custom_modules=False)
        know_our_bases(plain)
    config = plain.fromfile(path, import_custom_modules=False)
    ours = Config.fromfile(config_file(TRAINING), import_custom_modules=False)
    assert config.work_dir == 'mine'
    assert {key: config[key] for key in ours} == ours.to_dict()


def test_bases_beside_a_config_and_of_openmmlab_stay_what_they_are(
    tmp_path: Path, plain: Any
) -> None:
    know_our_bases(plain)
    know_our_bases(plain)
    (tmp_path / 'base.py').write_text('a = 1\n')
    (tmp_path / 'mine.py').write_text("_base_ = ['base.py']\nb = _base_.a\n")
    assert plain.fromfile(tmp_path / 'mine.py').to_dict() == {'a': 1, 'b': 1}
    (tmp_path / 'mine.py').write_text("_base_ = 'mmdet::a/b.py'\n")
    with pytest.raises(ModuleNotFoundError, match='mmdet is not installed|pkg_resources'):
        plain.fromfile(tmp_path / 'mine.py')


@pytest.mark.parametrize('name', config_names())
def test_a_copy_says_what_the_config_says(
    name: str, tmp_path: Path, plain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Configs of later models are refused by an older transformers.
    monkeypatch.setattr('maskdpo_xtuner.config_files.version', lambda package: '4.57.6')
    copy = copy_config(name, tmp_path / 'new')
    assert copy == tmp_path / 'new' / f'{name}_copy.py'
    source = Config.fromfile(config_file(name), import_custom_modules=False)
    assert plain.fromfile(copy, import_custom_modules=False).to_dict() == source.to_dict()


def test_a_copy_that_was_changed_is_kept(tmp_path: Path) -> None:
    copy_config(DATA, tmp_path).write_text('mine')
    with pytest.raises(ValueError, match=f'{DATA}_copy.py exists; remove it first'):
        copy_config(DATA, tmp_path)


def test_no_name_is_one_of_xtuners() -> None:
    xtuner = importlib.util.find_spec('xtuner')
    assert xtuner is not None
    assert xtuner.origin is not None
    theirs = Path(xtuner.origin).with_name('configs').rglob('*.[pj]*')
    assert not {path.stem for path in theirs} & set(config_names())
