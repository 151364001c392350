"""The harnesses themselves load what is written for them; run by hand (docs/benchmarks.md).

Each is installed in an environment of its own, whose interpreter a variable names.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from maskdpo_xtuner.evaluation.handover.tasks import SIMPLEQA, TASKS
from maskdpo_xtuner.evaluation.handover.writing import Harness, hand_over
from tests.evaluation.handover.test_writing import GRADER, MODELS

LOAD_OPENCOMPASS = """
import inspect, sys
from mmengine.config import Config

# What is taken off an entry before its class is called with the rest.
apart = {'run_cfg', 'max_out_len', 'batch_size', 'abbr', 'type'}
for path in sys.argv[1:]:
    config = Config.fromfile(path, format_python_code=False)
    for model in [*config.models, *config.get('judge_models', [])]:
        keys = {key: value for key, value in model.items() if key not in apart}
        parameters = inspect.signature(model.type.__init__).parameters
        assert keys.keys() <= parameters.keys(), keys.keys() - parameters.keys()
        print(model.abbr, model.type.__name__)
    print(*(data.abbr for data in config.datasets))
    config.dump(path + '.dumped.py')
    Config.fromfile(path + '.dumped.py', format_python_code=False)
"""
LOAD_LM_EVAL = """
import sys
from lm_eval.config.evaluate_config import EvaluatorConfig

for path in sys.argv[1:]:
    config = EvaluatorConfig.from_config(path)
    asked = list(config.tasks)
    config.process_tasks()
    assert sorted(config.tasks) == sorted(asked), (config.tasks, asked)
    print(config.model, *config.tasks)
"""


def interpreter(variable: str) -> str:
    """The interpreter of a harness; skips the test where the variable names none."""
    python = os.environ.get(variable)
    if not python:
        pytest.skip(f'{variable} names no interpreter')
    return python


def loaded_by(variable: str, code: str, paths: list[Path]) -> list[str]:
    """The lines that an interpreter prints that loads the files."""
    python = interpreter(variable)
    env = {k: v for k, v in os.environ.items() if not k.startswith('PYTHON')}
    done = subprocess.run(
        [python, '-c', code, *map(str, paths)], capture_output=True, text=True, env=env
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_opencompass_loads_every_model_and_task(tmp_path: Path) -> None:
    paths = hand_over('opencompass', MODELS, tmp_path, tasks=list(TASKS), grader=GRADER)
    lines = loaded_by('MASKDPO_OPENCOMPASS_PYTHON', LOAD_OPENCOMPASS, paths)
    kinds = ['base HuggingFacewithChatTemplate', 'lora HuggingFacewithChatTemplate']
    benchmarks = 'gsm8k math GPQA_diamond openai_humaneval sanitized_mbpp'
    expected = [*kinds, 'served OpenAISDK']
    said = [line for line in lines if line in {*expected, 'grader OpenAISDK', benchmarks, SIMPLEQA}]
    assert said == [*expected, benchmarks, *expected, 'grader OpenAISDK', SIMPLEQA]


@pytest.mark.slow
def test_lm_eval_loads_every_model_and_task(tmp_path: Path) -> None:
    to: Harness = 'lm-eval'
    lines = loaded_by('MASKDPO_LM_EVAL_PYTHON', LOAD_LM_EVAL, hand_over(to, MODELS, tmp_path))
    tasks = ' '.join(task.lm_eval for task in TASKS.values() if task.lm_eval)
    models = [f'{kind} {tasks}' for kind in ('hf', 'hf', 'local-chat-completions')]
    assert [line for line in lines if line in models] == models
