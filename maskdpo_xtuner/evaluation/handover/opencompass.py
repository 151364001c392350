"""Configs of OpenCompass: one for objective benchmarks, one for SimpleQA with its grader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from maskdpo_xtuner.evaluation.handover.models import HandedModel
from maskdpo_xtuner.evaluation.handover.tasks import OPENCOMPASS_VERSION, SIMPLEQA, Task

CHAT = 'HuggingFacewithChatTemplate'
SERVED = 'OpenAISDK'
MAX_OUT_LEN = 1024  # for tasks that set none
CHAT_ROUNDS = """chat_rounds = dict(
    round=[
        dict(role='HUMAN', api_role='HUMAN'),
        dict(role='BOT', api_role='BOT', generate=True),
    ],
    reserved_roles=[dict(role='SYSTEM', api_role='SYSTEM')],
)
"""


def opencompass_files(
    models: Sequence[HandedModel], tasks: Mapping[str, Task], grader: HandedModel | None
) -> dict[str, str]:
    """Give the name of each file and its text.

    Args:
        models: to be measured.
        tasks: by name; SimpleQA goes into a file of its own.
        grader: the model that grades SimpleQA.

    Raises:
        ValueError: for SimpleQA without a grader.
    """
    files = {}
    objective = {name: task for name, task in tasks.items() if name != SIMPLEQA}
    if objective:
        files['opencompass_benchmarks.py'] = _objective(models, objective)
    if SIMPLEQA in tasks:
        if grader is None:
            raise ValueError(
                'SimpleQA is graded by a model: name one by --grader NAME=MODEL[,url=URL]'
            )
        files['opencompass_simpleqa.py'] = _simpleqa(models, tasks[SIMPLEQA], grader)
    return files


def _objective(models: Sequence[HandedModel], tasks: Mapping[str, Task]) -> str:
    return (
        _head(f'{", ".join(tasks)} by OpenCompass {OPENCOMPASS_VERSION}', 'benchmarks')
        + _imports([f'opencompass.models import {_types(models)}'], tasks.values())
        + f'\ndatasets = {_datasets(tasks.values())}\n'
        + _definitions(models)
        + f'models = {_models(models)}\n'
    )


def _simpleqa(models: Sequence[HandedModel], task: Task, grader: HandedModel) -> str:
    imports = [
        f'opencompass.models import {_types([*models, grader])}',
        'opencompass.partitioners import NaivePartitioner',
        'opencompass.partitioners.sub_naive import SubjectiveNaivePartitioner',
        'opencompass.runners import LocalRunner',
        'opencompass.summarizers import DefaultSubjectiveSummarizer',
        'opencompass.tasks import OpenICLInferTask',
        'opencompass.tasks.subjective_eval import SubjectiveEvalTask',
    ]
    return (
        _head(f'SimpleQA by OpenCompass {OPENCOMPASS_VERSION}', 'simpleqa')
        + _imports(imports, [task])
        + f'\ndatasets = {_datasets([task])}\n'
        + _definitions([*models, grader])
        + f'models = {_models(models)}\n'
        + f'judge_models = {_models([grader])}\n'
        + _GRADED
    )


_GRADED = """
summarizer = dict(type=DefaultSubjectiveSummarizer)
infer = dict(
    partitioner=dict(type=NaivePartitioner),
    runner=dict(type=LocalRunner, task=dict(type=OpenICLInferTask)),
)
eval = dict(
    partitioner=dict(
        type=SubjectiveNaivePartitioner, models=models, judge_models=judge_models
    ),
    runner=dict(type=LocalRunner, task=dict(type=SubjectiveEvalTask)),
)
"""


def _head(what: str, name: str) -> str:
    return (
        f'"""{what}, written by maskdpo hand-over.\n\n    opencompass opencompass_{name}.py\n"""\n'
    )


def _imports(imports: Sequence[str], tasks: Iterable[Task]) -> str:
    lines = ''.join(f'from {line}\n' for line in imports)
    bases = ''.join(
        f'    from opencompass.configs.datasets.{task.opencompass} import {task.datasets}\n'
        for task in tasks
    )
    return f'from mmengine.config import read_base\n{lines}\nwith read_base():\n{bases}'


def _datasets(tasks: Iterable[Task]) -> str:
    lines = ''.join(f'    *{task.datasets},\n' for task in tasks)
    return f'[\n{lines}]'


def _definitions(models: Sequence[HandedModel]) -> str:
    return CHAT_ROUNDS if any(model.url for model in models) else ''


def _types(models: Sequence[HandedModel]) -> str:
    return ', '.join(sorted({SERVED if model.url else CHAT for model in models}))


def _models(models: Sequence[HandedModel]) -> str:
    return f'[\n{"".join(map(_model, models))}]'


def _model(model: HandedModel) -> str:
    kind, values = (SERVED, _served(model)) if model.url else (CHAT, _local(model))
    lines = ''.join(f'        {key}={value},\n' for key, value in values.items())
    # OpenCompass rewrites the entry for -a vllm and -a lmdeploy, and leaves the adapter out.
    warning = '    # Not with -a: it leaves the adapter out in silence.\n' if model.adapter else ''
    return f'{warning}    dict(\n        type={kind},\n{lines}    ),\n'


def _local(model: HandedModel) -> dict[str, str]:
    adapter = {'peft_path': repr(model.adapter)} if model.adapter else {}
    return {
        'abbr': repr(model.name),
        'path': repr(model.model),
        **adapter,
        'max_out_len': str(MAX_OUT_LEN),
        'batch_size': '8',
        'run_cfg': 'dict(num_gpus=1)',
    }


def _served(model: HandedModel) -> dict[str, str]:
    return {
        'abbr': repr(model.name),
        'path': repr(model.model),
        'tokenizer_path': repr(model.counted_with),
        'openai_api_base': repr(model.url),
        'key': repr('EMPTY'),
        'temperature': '0',
        'meta_template': 'chat_rounds',
        'query_per_second': '64',
        'retry': '3',
        'max_out_len': str(MAX_OUT_LEN),
        'batch_size': '64',
    }
