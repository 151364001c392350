"""What is gathered for a machine with a GPU and no network, and that it is enough there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope='module')
def script() -> Any:
    spec = spec_from_file_location('gpu_wheels', ROOT / 'benchmarks/gpu_wheels.py')
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules['gpu_wheels'] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('minor', [10, 11, 12])
def test_what_goes_to_a_gpu_is_locked_for_every_python(script: Any, minor: int) -> None:
    lock = ROOT / 'requirements.lock'
    versions = script.locked(lock, (3, minor))
    assert {*script.PACKAGES, *script.COMPANIONS} <= versions.keys()
    assert f'\n{versions["transformers"]} ' in lock.read_text()


def test_what_is_large_or_compiled_on_the_way_does_not_go(script: Any) -> None:
    assert not {'torch', 'deepspeed', 'bitsandbytes'}.intersection(script.PACKAGES)


def test_a_package_that_is_not_locked_is_refused_by_name(script: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='no-such-package is not in requirements.lock'):
        script.gather(tmp_path, (3, 12), ['no-such-package'])


@pytest.fixture(scope='module')
def site(script: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is there and what is carried there, and nothing else of this machine."""
    folder = tmp_path_factory.mktemp('site')
    there = with_needs(['torch', *script.COMPANIONS])
    carried = {name: distribution(name) for name in script.PACKAGES}
    for found in {**there, **carried}.values():
        for top in {path.parts[0] for path in found.files or ()}:
            source = Path(str(found.locate_file(top)))
            ours = top not in ('..', '__pycache__') and source.suffix != '.pth'
            if ours and not (folder / top).exists():
                (folder / top).symlink_to(source)
    return folder


def with_needs(names: Iterable[str]) -> dict[str, Distribution]:
    """Packages and all that they require here, by name."""
    found: dict[str, Distribution] = {}
    left = [*names]
    while left:
        name = left.pop()
        if name not in found:
            found[name] = distribution(name)
            needs = [Requirement(line) for line in found[name].requires or ()]
            left += [
                need.name
                for need in needs
                if not need.marker or need.marker.evaluate({'extra': ''})
            ]
    return found


def run_step(site: Path, *arguments: str) -> str:
    """Run the step benchmark where nothing but those packages can be imported."""
    command = [sys.executable, '-S', str(ROOT / 'benchmarks/gpu_step.py'), *arguments]
    env = {**os.environ, 'PYTHONPATH': f'{site}{os.pathsep}{ROOT}'}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_step_benchmark_needs_nothing_else(site: Path) -> None:
    assert '--largest' in run_step(site, '--help')


@pytest.mark.slow
def test_the_step_benchmark_comes_to_its_table_with_nothing_else(site: Path) -> None:
    asked = ('--shape', 'tiny', '--largest', '4', '--steps', '1', '--rounds', '1')
    table = run_step(site, *asked, '--kinds', 'questions')
    assert all(f'\n{side} ' in table for side in ('XTuner', 'MaskDPO'))
