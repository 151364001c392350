"""A run of the pipeline to be interrupted: engines that take time and say what they were asked.

``python -m tests.pipeline.interruptible FOLDER QUESTIONS [--batch B] [--workers W] [--dialogues]
[--needed]``
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence
from pathlib import Path

from maskdpo_xtuner.annotators.settings import LexicalSettings
from maskdpo_xtuner.command_line import run_tool
from maskdpo_xtuner.completions import request_key
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.engines.scripted import Script, ScriptedEngine
from maskdpo_xtuner.engines.settings import TransformersSettings
from maskdpo_xtuner.pipeline.run import run_pipeline
from maskdpo_xtuner.settings import Settings
from tests.pipeline.dialogues import anah_v2, judged, judged_by_chance
from tests.pipeline.work_dirs import many_claims, mixed_response, settings_of


class RecordingEngine(ScriptedEngine):
    """Writes a line for each request to ``path`` before it answers."""

    def __init__(
        self, script: Script, path: Path, *, batch: int, workers: int, latency_s: float
    ) -> None:
        super().__init__(script, batch_size=batch, concurrency=workers, latency_s=latency_s)
        self._path = path

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        keys = [request_key(self.identity, request).hex() for request in requests]
        with self._path.open('a') as file:
            file.write(''.join(f'{key}\n' for key in keys))
        return await super().complete(requests)


def policy_of(needed: bool) -> Script:
    """Give what the policy says; ``needed`` for runs with ``annotation='needed'``."""
    return many_claims if needed else mixed_response


def judge_of(needed: bool) -> Script:
    """Give what the annotator says."""
    return judged_by_chance if needed else judged


def settings_for(folder: Path, questions: int, needed: bool) -> Settings:
    """Give the settings of the run."""
    if not needed:
        return settings_of(folder, questions)
    sampling = {'num_samples': 6, 'max_new_tokens': 50}
    return settings_of(folder, questions, annotation='needed', sampling=sampling)


def main() -> int:
    """Run, with a line for each request in ``FOLDER/asked.txt``."""
    parser = argparse.ArgumentParser()
    parser.add_argument('folder', type=Path)
    parser.add_argument('questions', type=int)
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--workers', type=int, default=1)
    parser.add_argument('--latency', type=float, default=0.04)
    parser.add_argument('--dialogues', action='store_true')
    parser.add_argument('--needed', action='store_true')
    args = parser.parse_args()

    def engine(script: Script) -> ScriptedEngine:
        path = args.folder / 'asked.txt'
        how = {'batch': args.batch, 'workers': args.workers, 'latency_s': args.latency}
        return RecordingEngine(script, path, **how)

    TransformersSettings.build = lambda policy: engine(policy_of(args.needed))  # type: ignore[assignment,method-assign]
    if args.dialogues:
        LexicalSettings.build = lambda self: anah_v2(engine(judge_of(args.needed)))  # type: ignore
    run_pipeline(settings_for(args.folder, args.questions, args.needed), quiet=True)
    return 0


if __name__ == '__main__':
    # A shell that runs the tests in the background has its children ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run_tool(main)
