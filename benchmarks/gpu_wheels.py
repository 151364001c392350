"""Gather what a machine with a GPU and torch lacks, where it has no network: a folder of wheels.

Versions are those of ``requirements.lock``. torch, deepspeed and bitsandbytes are left out: what is
run there must do without the last two. The folder has to stay small enough to be carried, so what
is large and lies beside most installations of torch (`COMPANIONS`) is left out as well; name what
does not lie there after ``--also``, with what it needs.

    python benchmarks/gpu_wheels.py wheels [--also pandas pyarrow]            # here
    python -m pip install --no-index --no-deps --target site wheels/*.whl        # there
    PYTHONPATH=site python benchmarks/gpu_step.py

Another version of transformers that lies there already is not in the way: ``site`` comes first.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (
    'accelerate',
    'addict',
    'annotated-types',
    'anyio',
    'bm25s',
    'datasets',
    'dill',
    'einops',
    'gguf',
    'h11',
    'httpcore',
    'httpx',
    'huggingface-hub',
    'markdown-it-py',
    'mdurl',
    'mmengine',
    'multiprocess',
    'peft',
    'platformdirs',
    'psutil',
    'pydantic',
    'pydantic-core',
    'pygments',
    'python-dateutil',
    'rich',
    'safetensors',
    'termcolor',
    'tokenizers',
    'transformers',
    'transformers-stream-generator',
    'typing-extensions',
    'typing-inspection',
    'xtuner',
    'xxhash',
    'yapf',
)
"""What training, sampling and the judges without a model import beside torch and its companions."""
COMPANIONS = (
    'matplotlib',
    'numpy',
    'opencv-python-headless',
    'pandas',
    'pyarrow',
    'pyyaml',
    'regex',
    'requests',
    'scikit-image',
    'scipy',
    'torchvision',
    'tqdm',
)
"""What is expected there beside torch, each with what it needs."""
PLATFORMS = tuple(f'manylinux_2_{minor}_x86_64' for minor in (28, 27, 17, 12)) + (
    'manylinux2014_x86_64',
    'manylinux1_x86_64',
)
SOURCES_ONLY = {'transformers-stream-generator'}
"""Packages without a wheel: built here, from Python alone."""


def locked(lock: Path, python: tuple[int, int]) -> dict[str, str]:
    """Give ``name==version`` of every package that the lock names for a version of Python."""
    found = {}
    for name, version, marker in re.findall(
        r'^([\w.-]+)==([^\s;\\]+)(?: ; ([^\\\n]+?))? *\\?$', lock.read_text(), re.MULTILINE
    ):
        if not marker or _fits(marker, python):
            found[name] = f'{name}=={version}'
    return found


def _fits(marker: str, python: tuple[int, int]) -> bool:
    from packaging.markers import Marker

    version = '.'.join(map(str, python))
    return Marker(marker).evaluate(
        {'python_version': version, 'python_full_version': f'{version}.0', 'sys_platform': 'linux'}
    )


def gather(folder: Path, python: tuple[int, int], also: Sequence[str] = ()) -> list[Path]:
    """Download or build the wheels into ``folder``.

    Raises:
        ValueError: for a package that the lock does not have.
    """
    versions = locked(ROOT / 'requirements.lock', python)
    pip = [sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check']
    version = f'{python[0]}.{python[1]}'
    platform = [part for name in PLATFORMS for part in ('--platform', name)]
    if unknown := set(also) - versions.keys():
        raise ValueError(f'{min(unknown)} is not in requirements.lock')
    wheels = [versions[name] for name in (*PACKAGES, *also) if name not in SOURCES_ONLY]
    subprocess.run(
        [*pip, 'download', '--no-deps', '--only-binary=:all:', '--implementation=cp', *platform]
        + ['--python-version', version, '--dest', str(folder), *wheels],
        check=True,
    )
    own = [versions[name] for name in PACKAGES if name in SOURCES_ONLY]
    subprocess.run([*pip, 'wheel', '--no-deps', '-w', str(folder), *own, str(ROOT)], check=True)
    return sorted(folder.glob('*.whl'))


def main() -> None:
    """Gather the wheels; refuse a folder that is too large to be carried."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('folder', type=Path)
    parser.add_argument('--also', nargs='+', default=[], metavar='NAME', help='further packages')
    parser.add_argument('--python', default='3.12', help='version of the other machine')
    parser.add_argument('--mib', type=float, default=60, help='the folder may be this large')
    options = parser.parse_args()
    major, minor = map(int, options.python.split('.'))
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        wheels = gather(options.folder, (major, minor), options.also)
    except ValueError as error:
        parser.error(str(error))
    size = sum(wheel.stat().st_size for wheel in wheels) / 2**20
    print(f'{len(wheels)} wheels, {size:.1f} MiB in {options.folder}')
    if size > options.mib:
        raise SystemExit(f'more than {options.mib:g} MiB')


if __name__ == '__main__':
    main()
