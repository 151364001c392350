"""The lists name what there is, and are what the paper says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner import cli
from maskdpo_xtuner.config_files import config_names
from maskdpo_xtuner.evaluation.paper import paper
from maskdpo_xtuner.reproduction.listing import describe, experiments, find
from maskdpo_xtuner.reproduction.page import PAGE, page
from maskdpo_xtuner.reproduction.plan import PlannedStep, hours, in_order
from maskdpo_xtuner.reproduction.rates import RATES
from maskdpo_xtuner.reproduction.readings import READINGS

BOTH = pytest.mark.parametrize('small', [False, True], ids=['paper', 'small'])
# Which word of the command is the config.
CONFIG_AT = {'sample': 1, 'merge': 1, 'train': 1, 'evaluate': 1, 'pairs': 2, 'convert': 2}


def all_steps(*, small: bool, seeds: int | None = None) -> list[PlannedStep]:
    known = experiments(small=small, seeds=seeds)
    return in_order(step for experiment in known for step in experiment.steps)


@cache
def read(name: str) -> Any:
    """A training config."""
    from mmengine.config import Config

    return Config.fromfile(config_names()[name], import_custom_modules=False)


def commands(*, small: bool) -> Iterator[list[str]]:
    """The words of every ``maskdpo`` command."""
    for step in all_steps(small=small):
        for command in step.commands:
            for found in re.findall(r'maskdpo [a-z][^|&]*', command):
                yield [word for word in found.split()[1:] if word != '--completions']


@BOTH
def test_every_command_and_every_config_exists(small: bool) -> None:
    known, configs = cli._commands(), config_names()
    for name, *words in commands(small=small):
        assert name in known
        if name in CONFIG_AT:
            assert words[CONFIG_AT[name] - 1] in configs, words


@BOTH
def test_what_a_training_reads_is_made_before_it(small: bool) -> None:
    made: set[str] = set()
    for step in all_steps(small=small, seeds=1):
        if step.name.startswith('train-'):
            command = step.commands[0]
            given = re.search(r'dataset\.path=(\S+)', command)
            name = re.search(r'maskdpo train (\S+)', command)
            assert name
            cfg = read(name[1])
            path = given[1] if given else cfg.train_dataloader.dataset.dataset.path
            assert path in made, step.name
            base = cfg.model.llm.pretrained_model_name_or_path
            assert not base.startswith('work_dirs/') or f'{base}/config.json' in made
        made.add(step.makes)


@BOTH
def test_every_model_that_is_evaluated_was_converted_before(small: bool) -> None:
    made: set[str] = set()
    for step in all_steps(small=small):
        for folder in re.findall(r'work_dirs/paper/\w+/seed_\d+/hf', ' '.join(step.commands)):
            assert f'{folder}/config.json' in {*made, step.makes}, step.name
        made.add(step.makes)


@BOTH
def test_no_two_steps_make_the_same_file(small: bool) -> None:
    made = [step.makes for step in all_steps(small=small)]
    assert len(set(made)) == len(made)


def test_every_table_of_the_paper_is_there_with_what_it_leaves_unsaid() -> None:
    names = [experiment.name for experiment in experiments()]
    tables = [table.name for table in paper().tables]
    assert [name for name in names if name.startswith('table')] == tables
    assert set(READINGS) == set(names)


def test_rows_are_trained_with_five_seeds_and_with_three_in_small() -> None:
    seeds = {
        small: [s.name for s in all_steps(small=small) if re.match(r'train-\w+_dpo-seed', s.name)]
        for small in (False, True)
    }
    assert len(seeds[False]) == 5
    assert len(seeds[True]) == 3


def test_the_small_lists_take_about_eight_hours() -> None:
    assert 6 < hours(all_steps(small=True)) <= 8.2


@BOTH
def test_costs_name_the_rate_they_are_estimated_from(small: bool) -> None:
    for step in all_steps(small=small):
        assert step.cost.rate in RATES if step.cost.hours else not step.cost.rate


@pytest.mark.parametrize('gpus', [1, 2, 4, 8])
def test_a_step_has_64_pairs_on_any_number_of_gpus(gpus: int) -> None:
    (found,) = find(experiments(gpus=gpus, seeds=1), ['table8'])
    command = next(s.commands[0] for s in in_order(found.steps) if s.name.startswith('train-'))
    counts = re.search(r'accumulative_counts=(\d+)', command)
    assert gpus * 8 * int(counts[1] if counts else 1) == 64
    assert (f'NPROC_PER_NODE={gpus} ' in command) == (gpus > 1)


def test_options_of_the_model_are_not_given_where_a_training_starts_from_another() -> None:
    option = 'model.llm.pretrained_model_name_or_path=FOLDER'
    known = experiments(seeds=1, train_options=[option, 'train_cfg.row_tokens=2048'])
    commands = {
        step.name: step.commands[0]
        for step in in_order(find(known, ['table7'])[0].steps[:1])
        if step.name.startswith('train-')
    }
    assert option in commands['train-llama3_8b_maskdpo-seed_1']
    assert option not in commands['train-llama3_8b_base_sft_maskdpo-seed_1']
    assert all('row_tokens=2048' in command for command in commands.values())


def test_what_is_printed_is_a_script_with_what_is_done_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (found,) = find(experiments(small=True, seeds=1), ['table6'])
    steps = in_order(found.steps)
    lines = list(describe(steps))
    assert re.fullmatch(r'# 4 steps, 0 done; 4\d\.\d min left', lines[0])
    assert 'maskdpo sample smollm2_135m_elements' in lines
    pairs = tmp_path / steps[0].makes
    pairs.parent.mkdir(parents=True)
    pairs.touch()
    after = list(describe(steps))
    assert f'# {steps[0].name}: done ({steps[0].makes})' in after
    assert 'maskdpo sample smollm2_135m_elements' not in after


def test_a_table_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="there is no 'table13' here; there are table1, table2"):
        find(experiments(), ['table13'])
    with pytest.raises(ValueError, match='--gpus must be 1, 2, 4 or 8'):
        experiments(gpus=3)


def test_two_different_steps_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two different steps are called 'a'"):
        in_order([PlannedStep('a', ('true',), 'x'), PlannedStep('a', ('false',), 'x')])


def test_the_page_of_the_documentation_is_current() -> None:
    written = PAGE.read_text(encoding='utf-8')
    assert written == page(), 'python -m maskdpo_xtuner.reproduction.page writes it anew'
