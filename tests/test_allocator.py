"""Memory that tensors give back stays with the process, where there is enough of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from maskdpo_xtuner import allocator

FAULTS = """
import resource, sys
from pathlib import Path
from maskdpo_xtuner.allocator import keep_freed_memory

size = 2**26

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        b'x' * size
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

first, kept = faults(), keep_freed_memory(Path(sys.argv[1]))
faults()
print(first, kept, faults())
"""


def meminfo(folder: Path, available: int) -> Path:
    path = folder / 'meminfo'
    path.write_text(
        f'MemTotal:       99999999 kB\nMemAvailable:   {available // 1024} kB\nHugePages: 0\n'
    )
    return path


@pytest.mark.skipif(sys.platform != 'linux', reason='about glibc')
def test_memory_is_asked_for_once(tmp_path: Path) -> None:
    command = [sys.executable, '-c', FAULTS, str(meminfo(tmp_path, allocator.AMPLE))]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    first, kept, then = run.stdout.split()
    assert kept == 'True'
    # Five times 16,384 pages, as long as every one is given back.
    assert int(first) > 5 * 2**13
    assert int(then) < 2**13


@pytest.mark.parametrize('available', [0, allocator.AMPLE - 1024])
def test_little_memory_is_given_back(tmp_path: Path, available: int) -> None:
    assert not allocator.keep_freed_memory(meminfo(tmp_path, available))


def test_a_system_that_does_not_say_gets_its_memory_back(tmp_path: Path) -> None:
    assert not allocator.keep_freed_memory(tmp_path / 'none')


@pytest.mark.parametrize('name', ['MALLOC_MMAP_MAX_', 'MALLOC_TRIM_THRESHOLD_'])
def test_what_the_user_set_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, '65536')
    assert not allocator.keep_freed_memory(meminfo(tmp_path, 2 * allocator.AMPLE))
