"""A run of the pipeline to be interrupted: a policy that takes time and says what it was asked.

``python -m tests.pipeline.interruptible FOLDER QUESTIONS``
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from maskdpo_xtuner.command_line import run_tool
from maskdpo_xtuner.engines.base import Request
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from maskdpo_xtuner.pipeline.run import run_pipeline
from maskdpo_xtuner.settings import TransformersPolicy
from tests.pipeline.work_dirs import mixed_answer, settings_of

BATCH = 4
LATENCY_S = 0.04


def main() -> int:
    """Run, with a line for each request in ``FOLDER/asked.txt``."""
    folder, questions = Path(sys.argv[1]), int(sys.argv[2])

    def script(request: Request) -> str:
        with (folder / 'asked.txt').open('a') as file:
            file.write(f'{request.seed}\n')
        return mixed_answer(request)

    engine = ScriptedEngine(script, batch_size=BATCH, latency_s=LATENCY_S)
    TransformersPolicy.build = lambda policy: engine  # type: ignore[method-assign]
    run_pipeline(settings_of(folder, questions), quiet=True)
    return 0


if __name__ == '__main__':
    # A shell that runs the tests in the background has its children ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run_tool(main)
