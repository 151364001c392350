"""The limit of open files, in processes of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = (
    'import resource, sys\n'
    'soft, hard, count = map(int, sys.argv[1:])\n'
    'resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))\n'
    'from maskdpo_xtuner.engines.open_files import allow_connections\n'
    'allow_connections(count)\n'
    'print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])\n'
)


def limited(*values: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-c', CODE, *map(str, values)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize(('soft', 'left'), [(100, 128), (200, 200)])
def test_the_limit_is_raised_as_far_as_needed(soft: int, left: int) -> None:
    assert limited(soft, 500, 80).stdout == f'{left}\n'


def test_a_limit_that_is_too_low_is_said_with_the_mend() -> None:
    error = limited(40, 40, 128).stderr.splitlines()[-1]
    assert error.startswith('ValueError: concurrency_per_endpoint: 128 connections in all need 176')
    assert '`ulimit -n 176`' in error
