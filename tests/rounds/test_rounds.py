"""On-policy rounds: which commands run, in which order, and which not again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.config_files import config_names, shipped
from maskdpo_xtuner.rounds.plan import steps_of
from maskdpo_xtuner.rounds.run import next_command, run_rounds
from maskdpo_xtuner.rounds.settings import RoundsSettings, load_rounds
from maskdpo_xtuner.steps.running import StepFailed
from tests.pipeline.work_dirs import write_questions

ROOT = Path(__file__).parents[2]
STAND_IN = Path(__file__).with_name('stand_in.py')
DATA = """
questions = dict(type='jsonl', path='questions.jsonl')
policy = dict(type='transformers', model='start')
sampling = dict(num_samples=4)
work_dir = 'not/used'
"""
TRAINING = """
_path = 'start'
tokenizer = dict(pretrained_model_name_or_path=_path)
model = dict(beta=0.1, llm=dict(pretrained_model_name_or_path=_path, torch_dtype='torch.float32'))
train_dataloader = dict(dataset=dict(dataset=dict(path='not/used')))
"""
Make = Callable[..., RoundsSettings]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Two rounds of stand-in commands, with settings replaced."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    write_questions(tmp_path / 'questions.jsonl', 4)
    (tmp_path / 'data.py').write_text(DATA)
    (tmp_path / 'training.py').write_text(TRAINING)
    launch = dict.fromkeys(
        ('sample', 'merge', 'train', 'convert'), [sys.executable, '-S', str(STAND_IN)]
    )
    standard = {'work_dir': 'work', 'rounds': 2, 'data': 'data.py', 'training': 'training.py'}

    def settings(**changes: Any) -> RoundsSettings:
        values = {**standard, 'launch': launch, **changes}
        lines = (f'{key} = {value!r}\n' for key, value in values.items())
        (tmp_path / 'rounds.py').write_text(''.join(lines))
        return load_rounds('rounds.py')

    return settings


def asked() -> list[list[str]]:
    """What was run since the last time."""
    path = Path('asked.jsonl')
    found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    path.unlink(missing_ok=True)
    return found


def test_each_round_samples_from_what_the_last_has_trained_and_trains_it_on(make: Make) -> None:
    run_rounds(make(deepspeed='zero2', train_arguments='--seed 1'))
    model = 'work/round_1/hf'
    options = (
        '--cfg-options model.llm.pretrained_model_name_or_path={model} '
        'tokenizer.pretrained_model_name_or_path={model} '
        'train_dataloader.dataset.dataset.path=work/round_{n}/data/pairs.jsonl'
    )
    first, second = options.format(model='start', n=1), options.format(model=model, n=2)
    assert [' '.join(words) for words in asked()] == [
        'sample data.py --work-dir work/round_1/data',
        f'train training.py --work-dir work/round_1/training --seed 1 --deepspeed zero2 {first}',
        'convert pth_to_hf training.py work/round_1/training/iter_4.pth work/round_1/hf '
        f'--safe-serialization {first}',
        f'sample data.py --work-dir work/round_2/data --cfg-options policy.model={model}',
        f'train training.py --work-dir work/round_2/training --seed 1 --deepspeed zero2 {second}',
        'convert pth_to_hf training.py work/round_2/training/iter_4.pth work/round_2/hf '
        f'--safe-serialization {second}',
    ]


def test_the_reference_may_stay_the_first_model(make: Make) -> None:
    run_rounds(make(reference='first', training_options={'model': {'beta': 0.2}}))
    first, second = (words for words in asked() if words[0] == 'train')
    reference = [word for word in second if word.startswith('model.ref_llm.')]
    assert reference == [
        'model.ref_llm.pretrained_model_name_or_path=start',
        'model.ref_llm.torch_dtype=torch.float32',
    ]
    assert not any('ref_llm' in word for word in first)
    assert 'model.beta=0.2' in first
    assert 'model.beta=0.2' in second


def test_an_adapter_is_merged_before_the_next_round(make: Make) -> None:
    settings = make(training_options={'model.lora.r': 4})
    half = Path('work/round_1/hf')
    half.mkdir(parents=True)
    (half / 'model.safetensors').touch()  # Of a merge that was killed.
    run_rounds(settings)
    assert not (half / 'model.safetensors').exists()
    convert, merge = (words for words in asked() if words[0] == 'convert' and 'round_1' in words[3])
    assert convert[4] == 'work/round_1/adapter'
    assert merge == ['convert', 'merge', 'start', 'work/round_1/adapter', 'work/round_1/hf']
    run_rounds(settings)
    assert asked() == []


def test_the_model_to_begin_with_may_be_another_one(make: Make) -> None:
    run_rounds(make(model='mine', data_options={'sampling.num_samples': 2}, rounds=1))
    sampled, trained, _ = asked()
    assert sampled[-3:] == ['--cfg-options', 'sampling.num_samples=2', 'policy.model=mine']
    assert 'model.llm.pretrained_model_name_or_path=mine' in trained
    assert 'tokenizer.pretrained_model_name_or_path=mine' in trained


def test_nothing_is_done_twice_and_rounds_can_be_added(make: Make) -> None:
    run_rounds(make())
    asked()
    run_rounds(make())
    assert asked() == []
    settings = make(rounds=3)
    run_rounds(settings)
    assert [words[0] for words in asked()] == ['sample', 'train', 'convert']
    assert next_command(settings) == (
        'maskdpo evaluate data.py --models base round_1=work/round_1/hf round_2=work/round_2/hf '
        'round_3=work/round_3/hf'
    )


@pytest.mark.parametrize('kind', ['sample', 'train', 'convert'])
def test_a_step_that_fails_is_shown_and_done_again(make: Make, kind: str) -> None:
    Path(f'{kind}.does').write_text('fail')
    with pytest.raises(StepFailed, match=rf'ended with 3: \S+ -S \S+stand_in.py maskdpo {kind} '):
        run_rounds(make())
    assert asked()[-1][0] == kind
    Path(f'{kind}.does').unlink()
    run_rounds(make())
    assert asked()[0][0] == kind


def test_a_command_that_leaves_nothing_has_failed(make: Make) -> None:
    Path('train.does').write_text('nothing')
    with pytest.raises(StepFailed, match='did not write work/round_1/training/last_checkpoint'):
        run_rounds(make())


def test_missing_answers_end_the_rounds_unless_they_may_be_missing(make: Make) -> None:
    Path('sample.does').write_text('missing')
    with pytest.raises(StepFailed, match='round 1: data ended with 1'):
        run_rounds(make())
    run_rounds(make(accept_missing=True))
    Path('sample.does').unlink()


def test_an_old_summary_does_not_pass_for_that_of_a_run_that_failed(make: Make) -> None:
    Path('sample.does').write_text('missing')
    with pytest.raises(StepFailed):
        run_rounds(make())
    launch = [sys.executable, '-c', 'import sys; sys.exit(1)']
    with pytest.raises(StepFailed, match='did not write'):
        run_rounds(make(accept_missing=True, launch={'sample': launch}))


def test_what_was_made_from_something_else_is_refused_with_the_difference(make: Make) -> None:
    run_rounds(make())
    asked()
    for changes, said in (
        ({'data_options': {'sampling.seed': 5}}, 'sampling.seed: 0 -> 5'),
        ({'training_options': {'model.beta': 0.5}}, 'model.beta: 0.1 -> 0.5'),
        ({'reference': 'first'}, "reference: 'from' -> 'start'"),
    ):
        with pytest.raises(ValueError, match=said):
            run_rounds(make(**changes))
    Path('work/round_1/data/pairs.jsonl').write_text('others')
    with pytest.raises(ValueError, match=r'round 1: training .* \(pairs.sha256: '):
        run_rounds(make())
    assert asked() == []


def test_a_round_made_anew_makes_those_after_it_stale(make: Make) -> None:
    run_rounds(make())
    for name in ('data', 'training', 'hf'):
        shutil.rmtree(f'work/round_1/{name}')
        Path(f'work/round_1/{name}.json').unlink()
    with pytest.raises(ValueError, match='round 2: data was made from something else'):
        run_rounds(make(data_options={'sampling.seed': 5}))


def test_shards_run_side_by_side_each_with_its_gpu(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '4,6')
    launched = {'sampling_processes': 2, 'rounds': 1}
    run_rounds(make(**launched))
    shards = [words for words in asked() if words[0] == 'sample']
    assert sorted(words[words.index('--shard') + 1] for words in shards) == ['0/2', '1/2']
    assert {words[-1] for words in shards} == {'gpu 4,6'}  # What launches them, chooses.
    settings = make(**launched, launch={})
    step = next(iter(steps_of(settings.model_copy(update={'work_dir': Path('other')}))))
    assert [command.variables for command in step.commands] == [
        {'CUDA_VISIBLE_DEVICES': '4'},
        {'CUDA_VISIBLE_DEVICES': '6'},
    ]
    with pytest.raises(ValueError, match='sampling_processes=3'):
        run_rounds(make(sampling_processes=3, launch={}, work_dir='third'))


def test_shards_that_are_merged_are_not_asked_again_by_another_number(make: Make) -> None:
    run_rounds(make(sampling_processes=2))
    asked()
    run_rounds(make(sampling_processes=1))
    run_rounds(make(sampling_processes=4))
    assert asked() == []


def test_a_failing_shard_says_the_end_of_its_log(make: Make) -> None:
    Path('sample.does').write_text('fail')
    with pytest.raises(StepFailed, match='something is wrong'):
        run_rounds(make(sampling_processes=2))


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({'data': ['data.py']}, 'data names 1 configs for 2 rounds'),
        ({'rounds': 0}, 'rounds.py: rounds: '),
        ({'beta': 1}, 'there is no setting beta'),
        ({'reference': 'base'}, 'rounds.py: reference: '),
        ({'training_options': {'model.peft_model': 'x'}}, 'model.peft_model cannot be set'),
        ({'training_options': {'model.ref_llm.x': 4}}, 'model.ref_llm cannot be set'),
        ({'data_options': {'policy.model': 'b'}}, 'samples from b and training.py trains start'),
        ({'training': 'data.py'}, 'must have model.llm.pretrained_model_name_or_path'),
    ],
)
def test_what_makes_no_rounds_is_refused_before_anything_runs(
    make: Make, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        run_rounds(make(**changes))
    assert asked() == []


def test_a_policy_behind_a_server_is_refused(make: Make) -> None:
    served = "policy = dict(type='openai', model='start', base_urls=['http://localhost:1'])\n"
    Path('data.py').write_text(DATA + served)
    with pytest.raises(ValueError, match='behind a server'):
        run_rounds(make())


def start(folder: Path) -> subprocess.Popen[str]:
    """Run the tool until its training hangs."""
    (folder / 'train.does').write_text('hang')
    program = subprocess.Popen(
        [sys.executable, '-m', 'maskdpo_xtuner', 'rounds', 'rounds.py'],
        env={**os.environ, 'PYTHONPATH': str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: (folder / 'hanging').exists() and (folder / 'hanging').read_text() != '')
    return program


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def has_ended(process: int) -> bool:
    state = Path(f'/proc/{process}/stat')
    return not state.exists() or state.read_text().rpartition(')')[2].split()[0] == 'Z'


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGKILL])
def test_a_training_that_was_stopped_goes_on_from_its_checkpoint(
    make: Make, tmp_path: Path, number: signal.Signals
) -> None:
    settings = make()
    program = start(tmp_path)
    with pytest.raises(ValueError, match='works in this folder'):
        run_rounds(settings)
    program.send_signal(number)
    assert program.wait(60) == (130 if number == signal.SIGINT else -signal.SIGKILL)
    # No command is left alone at work.
    training = int((tmp_path / 'hanging').read_text())
    wait_until(lambda: has_ended(training))
    assert [words[0] for words in asked()] == ['sample', 'train']
    (tmp_path / 'train.does').unlink()
    run_rounds(settings)
    again = asked()
    assert [words[0] for words in again] == ['train', 'convert', 'sample', 'train', 'convert']
    assert again[0][again[0].index('--resume') + 1] == 'work/round_1/training/iter_2.pth'
    assert '--resume' not in again[3]


def test_half_a_training_is_not_mixed_with_another(make: Make, tmp_path: Path) -> None:
    Path('convert.does').write_text('fail')
    with pytest.raises(StepFailed):
        run_rounds(make())
    record = tmp_path / 'work' / 'round_1' / 'training.json'
    record.write_text(record.read_text().replace('"done"', '"begun"'))
    with pytest.raises(ValueError, match='training was made from something else'):
        run_rounds(make(training_options={'model.beta': 0.5}))


@pytest.mark.parametrize(
    'path', sorted(shipped('configs').glob('rounds/*.py')), ids=lambda p: p.stem
)
def test_a_shipped_config_of_rounds_is_short_and_names_shipped_configs(path: Path) -> None:
    assert len(path.read_text(encoding='utf-8').splitlines()) <= 10
    settings = load_rounds(path.stem)
    assert settings.data in config_names()
    assert settings.training in config_names()
    assert settings.deepspeed == 'zero2'
