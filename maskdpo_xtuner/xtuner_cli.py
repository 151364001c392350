"""Running XTuner's command line, which exits 0 when training failed, with a check of the result."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

TAIL_LINES = 40


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


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    # XTuner starts the `python` that is first on PATH: it must be the one it is installed for.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get('PATH', os.defpath)])
    return {**os.environ, **(extra or {}), 'PATH': path}


def _last_change(path: Path) -> int | None:
    """Newest modification time (ns) of a file, or of a folder and all in it; None if absent."""
    if not path.exists():
        return None
    return max(part.stat().st_mtime_ns for part in [path, *path.rglob('*')])
