"""What is written for a harness names tasks and models as that harness does, and can be loaded."""

from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from mmengine.config import Config

from maskdpo_xtuner.evaluation.handover.models import read_models
from maskdpo_xtuner.evaluation.handover.tasks import SIMPLEQA, TABLE_10, TASKS
from maskdpo_xtuner.evaluation.handover.writing import hand_over

HUB, LORA = 'org/base', 'org/adapter'
MODELS = read_models(
    [
        f'base={HUB}',
        f'lora={HUB},adapter={LORA}',
        f'served=aligned,url=http://127.0.0.1:23333/v1,tokenizer={HUB}',
    ]
)
GRADER = MODELS[2].model_copy(update={'name': 'grader'})


def test_lm_eval_gets_a_file_a_model_with_the_tasks_of_table_10(tmp_path: Path) -> None:
    paths = hand_over('lm-eval', MODELS, tmp_path / 'new')
    assert [path.name for path in paths] == [f'lm_eval_{m.name}.yaml' for m in MODELS]
    base, lora, served = (yaml.safe_load(path.read_text()) for path in paths)
    assert base['model_args'] == {'pretrained': HUB, 'dtype': 'auto'}
    assert lora['model_args'] == {'pretrained': HUB, 'peft': LORA, 'dtype': 'auto'}
    assert served['model'] == 'local-chat-completions'
    assert served['model_args']['base_url'] == 'http://127.0.0.1:23333/v1/chat/completions'
    assert served['model_args']['model'] == 'aligned'
    for config in (base, lora, served):
        assert config['tasks'] == [TASKS[name].lm_eval for name in TABLE_10]
        assert config['apply_chat_template'] is True
        assert config['gen_kwargs'] == {'max_gen_toks': 1024}  # 256 by default cuts reasoning


def test_running_code_is_left_to_the_user_and_said_only_where_it_is_run(tmp_path: Path) -> None:
    code, none = (
        hand_over('lm-eval', MODELS[:1], tmp_path, tasks=tasks)[0].read_text()
        for tasks in (['mbpp'], ['gsm8k'])
    )
    assert '#   HF_ALLOW_CODE_EVAL=1 lm-eval run --config lm_eval_base.yaml --confirm_run' in code
    assert 'run on this machine' in code
    assert 'confirm_run_unsafe_code' not in yaml.safe_load(code)
    assert 'unsafe' not in none


def test_lm_eval_has_no_simpleqa(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'has no simpleqa; OpenCompass has: --to opencompass'):
        hand_over('lm-eval', MODELS, tmp_path, tasks=['gsm8k', SIMPLEQA])
    assert not list(tmp_path.iterdir())


def test_simpleqa_needs_a_grader(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'graded by a model: name one by --grader'):
        hand_over('opencompass', MODELS, tmp_path, tasks=[SIMPLEQA])


def test_an_unknown_task_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no task 'mmlu'; there are gsm8k, math, gpqa"):
        hand_over('opencompass', MODELS, tmp_path, tasks=['mmlu'])


def _not_installed(package: str) -> None:
    raise LookupError(package)


@pytest.fixture
def opencompass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package of that name with the modules that the configs name, and nothing in them."""
    package = tmp_path / 'stub' / 'opencompass'
    for name, task in TASKS.items():
        path = package.joinpath('configs', 'datasets', *task.opencompass.split('.'))
        path = path.with_suffix('.py')
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{task.datasets} = [dict(abbr={name!r})]\n')
    for folder in (package, *(path for path in package.rglob('*') if path.is_dir())):
        (folder / '__init__.py').touch()
    monkeypatch.syspath_prepend(str(package.parent))
    # mmengine asks it first where a package lies, and newer setuptools have none.
    resources: Any = types.ModuleType('pkg_resources')
    resources.DistributionNotFound = LookupError
    resources.get_distribution = _not_installed
    monkeypatch.setitem(sys.modules, 'pkg_resources', resources)
    classes = {
        'models': ['HuggingFacewithChatTemplate', 'OpenAISDK'],
        'partitioners': ['NaivePartitioner'],
        'partitioners.sub_naive': ['SubjectiveNaivePartitioner'],
        'runners': ['LocalRunner'],
        'summarizers': ['DefaultSubjectiveSummarizer'],
        'tasks': ['OpenICLInferTask'],
        'tasks.subjective_eval': ['SubjectiveEvalTask'],
    }
    for name, members in classes.items():
        module = types.ModuleType(f'opencompass.{name}')
        for member in members:
            setattr(module, member, type(member, (), {}))
        monkeypatch.setitem(sys.modules, f'opencompass.{name}', module)
    yield
    for name in [name for name in sys.modules if name.partition('.')[0] == 'opencompass']:
        monkeypatch.delitem(sys.modules, name)


def loaded(path: Path) -> Any:
    return Config.fromfile(str(path), format_python_code=False)


@pytest.mark.usefixtures('opencompass')
def test_opencompass_gets_one_file_with_all_models_and_the_tasks_of_table_10(
    tmp_path: Path,
) -> None:
    (path,) = hand_over('opencompass', MODELS, tmp_path)
    config = loaded(path)
    assert [dataset.abbr for dataset in config.datasets] == list(TABLE_10)
    base, lora, served = config.models
    assert base.type.__name__ == lora.type.__name__ == 'HuggingFacewithChatTemplate'
    assert (base.abbr, base.path, base.get('peft_path')) == ('base', HUB, None)
    assert (lora.abbr, lora.path, lora.peft_path) == ('lora', HUB, LORA)
    assert served.type.__name__ == 'OpenAISDK'
    assert (served.path, served.openai_api_base) == ('aligned', 'http://127.0.0.1:23333/v1')
    assert served.meta_template.round[1].generate is True
    assert path.read_text().count('Not with -a') == 1  # beside the adapter


@pytest.mark.usefixtures('opencompass')
def test_simpleqa_has_a_file_of_its_own_with_its_grader(tmp_path: Path) -> None:
    tasks = ['gsm8k', SIMPLEQA]
    paths = hand_over('opencompass', MODELS[:1], tmp_path, tasks=tasks, grader=GRADER)
    benchmarks, simpleqa = map(loaded, paths)
    assert [d.abbr for d in benchmarks.datasets] == ['gsm8k']
    assert [d.abbr for d in simpleqa.datasets] == [SIMPLEQA]
    assert [m.abbr for m in simpleqa.judge_models] == ['grader']
    partitioner = simpleqa['eval'].partitioner
    assert [m.abbr for m in partitioner.models] == ['base']
    assert [m.abbr for m in partitioner.judge_models] == ['grader']


def test_the_tool_writes_where_it_says(tmp_path: Path) -> None:
    tool = Path(__file__).parents[3] / 'tools' / 'hand_over.py'
    argv = [str(tool), str(tmp_path), '--to', 'lm-eval', '--models', 'a=org/a', 'b=org/b']
    argv += ['--tasks', 'gsm8k']
    done = subprocess.run([sys.executable, *argv], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(tmp_path / f'lm_eval_{name}.yaml') for name in 'ab']
    wrong = subprocess.run([sys.executable, *argv, 'mmlu'], capture_output=True, text=True)
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("error: there is no task 'mmlu'")
