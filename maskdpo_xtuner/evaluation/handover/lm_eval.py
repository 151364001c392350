"""Configs of lm-eval: one a model, for ``lm-eval run --config``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from maskdpo_xtuner.evaluation.handover.models import HandedModel
from maskdpo_xtuner.evaluation.handover.tasks import LM_EVAL_VERSION, Task

# Its default of 256 cuts what a chat model reasons; OpenCompass gives 512 to 1024.
MAX_GEN_TOKS = 1024


def lm_eval_files(models: Sequence[HandedModel], tasks: Mapping[str, Task]) -> dict[str, str]:
    """Give the name of each file and its text.

    Raises:
        ValueError: for a task that lm-eval does not have.
    """
    for name, task in tasks.items():
        if task.lm_eval is None:
            raise ValueError(
                f'lm-eval {LM_EVAL_VERSION} has no {name}; OpenCompass has: --to opencompass'
            )
    return {f'lm_eval_{model.name}.yaml': _config(model, tasks) for model in models}


def _config(model: HandedModel, tasks: Mapping[str, Task]) -> str:
    values = {
        **(_served(model) if model.url else _local(model)),
        'tasks': [task.lm_eval for task in tasks.values()],
        'apply_chat_template': True,
        'gen_kwargs': {'max_gen_toks': MAX_GEN_TOKS},
        'output_path': 'lm_eval_results',
        'log_samples': True,
    }
    # JSON is YAML: every value is quoted as it must be.
    lines = ''.join(f'{key}: {json.dumps(value)}\n' for key, value in values.items())
    return _head(model, tasks) + lines


def _head(model: HandedModel, tasks: Mapping[str, Task]) -> str:
    file = f'lm_eval_{model.name}.yaml'
    code = any(task.runs_code for task in tasks.values())
    before, after = ('HF_ALLOW_CODE_EVAL=1 ', ' --confirm_run_unsafe_code') if code else ('', '')
    said = '# What the model writes is run on this machine: mind where.\n' if code else ''
    return (
        f'# {model.name} by lm-eval {LM_EVAL_VERSION}, written by maskdpo hand-over.\n'
        f'#   {before}lm-eval run --config {file}{after}\n{said}'
    )


def _local(model: HandedModel) -> dict[str, Any]:
    adapter = {'peft': model.adapter} if model.adapter else {}
    return {
        'model': 'hf',
        'model_args': {'pretrained': model.model, **adapter, 'dtype': 'auto'},
        'batch_size': 'auto',
    }


def _served(model: HandedModel) -> dict[str, Any]:
    return {
        'model': 'local-chat-completions',
        'model_args': {
            'model': model.model,
            'base_url': f'{model.url}/chat/completions',
            'num_concurrent': 64,
        },
        'batch_size': 1,
    }
