"""The steps that experiments are made of: data, trainings, evaluations, each with its commands."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from maskdpo_xtuner.reproduction.plan import FREE, Cost, PlannedStep

PAIRS = 'train_dataloader.dataset.dataset.path'
ROOT = 'work_dirs/paper'


@dataclass(frozen=True)
class Scale:
    """How large everything is done.

    Attributes:
        gpus: of this machine; 0: two CPU cores.
        seeds: how many trainings a row is the mean of.
        data_options: ``KEY=VALUE`` for the tools that sample and judge.
        train_options: ``KEY=VALUE`` for all trainings.
        keep_checkpoints: whether they stay when they have been converted.
    """

    gpus: int = 8
    seeds: int = 5
    data_options: tuple[str, ...] = ()
    train_options: tuple[str, ...] = ()
    keep_checkpoints: bool = False

    def options_of(self, recipe: Recipe) -> list[str]:
        """Give those of a training, which name no model where it starts from another one."""
        return [
            option
            for option in self.train_options
            if not (recipe.own_model and option.startswith(('model.llm.', 'tokenizer.')))
        ]


@dataclass(frozen=True)
class Recipe:
    """A training that a row needs, with the pairs that it reads.

    Attributes:
        config: of the training, by its name.
        needs: the steps that make what it reads.
        name: of the run; that of the config if empty.
        options: ``KEY=VALUE`` of the training.
        cost: of one seed.
        seeds: of them; 0: as many as the scale says.
        accumulated: batches of a step on 8 GPUs.
        own_model: whether it starts from a model that another step has trained.
    """

    config: str
    needs: tuple[PlannedStep, ...]
    name: str = ''
    options: tuple[str, ...] = ()
    cost: Cost = FREE
    seeds: int = 0
    accumulated: int = 1
    own_model: bool = False

    @property
    def run(self) -> str:
        """The name of the folder of its seeds."""
        return self.name or self.config

    def folder(self, seed: int) -> str:
        """The model of transformers that a seed ends in."""
        return f'{ROOT}/{self.run}/seed_{seed}/hf'

    def number(self, scale: Scale) -> int:
        """How many seeds are trained."""
        return min(self.seeds or scale.seeds, scale.seeds)


Model = Recipe | str | None


def sample(
    config: str,
    scale: Scale,
    cost: Cost = FREE,
    needs: tuple[PlannedStep, ...] = (),
    options: Sequence[str] = (),
) -> PlannedStep:
    """Give the step that samples, judges and pairs; on several GPUs by a shard each."""
    arguments = _with_options(config, [*scale.data_options, *options])
    whole = f'maskdpo sample {arguments}'
    commands: tuple[str, ...] = (whole,)
    if scale.gpus > 1:
        commands = (
            _shards(f'maskdpo sample {arguments} --quiet', scale.gpus),
            f'maskdpo merge --completions {arguments}',
        )
    pairs = f'work_dirs/{config}/pairs.jsonl'
    return PlannedStep(config, commands, pairs, needs, cost, determined_by=whole)


def sample_alone(
    config: str,
    scale: Scale,
    cost: Cost = FREE,
    needs: tuple[PlannedStep, ...] = (),
    options: Sequence[str] = (),
    judged: bool = True,
) -> PlannedStep:
    """Give the step that does so in one process, as what shares a store must.

    ``judged`` says whether the judge is that of the scale, whose options it takes.
    """
    given = tuple(o for o in scale.data_options if judged or not o.startswith('annotator.'))
    return sample(config, replace(scale, gpus=1, data_options=given), cost, needs, options)


def pair_anew(
    config: str, source: str, scale: Scale, needs: tuple[PlannedStep, ...]
) -> PlannedStep:
    """Give the step that makes other pairs of the annotated answers of a work dir."""
    arguments = _with_options(config, scale.data_options)
    command = f'maskdpo pairs work_dirs/{source} {arguments}'
    return PlannedStep(config, (command,), f'work_dirs/{config}/pairs.jsonl', needs)


def second_round(
    name: str, config: str, recipe: Recipe, scale: Scale, cost: Cost
) -> tuple[PlannedStep, str]:
    """Give one more on-policy round from the first seed of a recipe, and the model of it."""
    folder = f'{ROOT}/{name}'
    model = f'{folder}/round_1/hf'
    options = [f'model={recipe.folder(1)}', 'rounds=1', *_round_options(scale)]
    command = (
        f'{_processes(scale.gpus)}maskdpo rounds {config} --work-dir {folder}{_options(options)}'
    )
    before = trained(recipe, scale)[:1]
    return PlannedStep(name, (command,), f'{model}/config.json', before, cost), model


def train(recipe: Recipe, seed: int, scale: Scale) -> PlannedStep:
    """Give the training of a seed and the conversion that makes a model of it."""
    folder = f'{ROOT}/{recipe.run}/seed_{seed}'
    model_options = [*scale.options_of(recipe), *recipe.options]
    options = [*_batch_options(recipe, scale.gpus), *model_options]
    whole = f'maskdpo train {recipe.config} --deepspeed zero2 --work-dir {folder} --seed {seed}'
    command = f'{_processes(scale.gpus)}{whole}{_options(options)}'
    made = f'{folder}/last_checkpoint'
    name = f'{recipe.run}-seed_{seed}'
    trained = PlannedStep(
        f'train-{name}',
        (command,),
        made,
        recipe.needs,
        recipe.cost,
        resumes=folder,
        determined_by=whole + _options(model_options),
    )
    convert = (
        f'maskdpo convert pth_to_hf {recipe.config} "$(cat {made})" {folder}/hf '
        f'--safe-serialization{_options(model_options)}'
    )
    return PlannedStep(
        f'convert-{name}',
        (convert,),
        f'{folder}/hf/config.json',
        (trained,),
        Cost(0.1, 0, 'convert') if scale.gpus else Cost(0.5 / 60, 0, 'cpu'),
        frees='' if scale.keep_checkpoints else f'{folder}/iter_*.pth',
    )


def trained(recipe: Recipe, scale: Scale) -> tuple[PlannedStep, ...]:
    """Give the models of all seeds."""
    return tuple(train(recipe, seed, scale) for seed in range(1, recipe.number(scale) + 1))


def evaluate(
    table: str,
    config: str,
    rows: Mapping[str, Model],
    scale: Scale,
    cost: Cost = FREE,
    options: Sequence[str] = (),
    needs: tuple[PlannedStep, ...] = (),
    sharded: bool = False,
) -> PlannedStep:
    """Give the step that asks and judges the models of a table, each row's seeds as one row.

    Args:
        table: names the step and its folder.
        config: of the evaluation, by its name.
        rows: name of a row -> what trained it, or a hub name; None is the base, the policy of the
            config. Without rows the models are those of the config.
        scale: of everything.
        cost: of all models together.
        options: ``KEY=VALUE``, after those of the scale.
        needs: steps that come before, beside the trainings.
        sharded: whether every GPU takes a part of the questions.
    """
    models = [_row(name, model, scale) for name, model in rows.items()]
    folder = f'{ROOT}/{table}'
    # What one table has asked, the others need not ask; parts side by side cannot share it.
    store = () if sharded else (f'store={ROOT}/completions.sqlite',)
    arguments = _with_options(config, [*scale.data_options, *store, *options])
    command = f'maskdpo evaluate {arguments} --work-dir {folder}'
    command += f' --models {" ".join(models)}' if models else ''
    shards = (_shards(f'{command} --quiet', scale.gpus),) if sharded and scale.gpus > 1 else ()
    models_made = (model for model in rows.values() if isinstance(model, Recipe))
    made = tuple(step for model in models_made for step in trained(model, scale))
    said = f'{command} --page {folder}/evaluation.html | tee {folder}.txt'
    return PlannedStep(
        f'evaluate-{table}',
        (f'mkdir -p {folder}', *shards, said),
        f'{folder}.txt',
        (*made, *needs),
        cost,
        determined_by=said,
        results=folder,
    )


def beside_paper(table: str, evaluated: PlannedStep, *tables: str) -> PlannedStep:
    """Give the step that prints an evaluation beside the rows of the paper."""
    folder = f'{ROOT}/{table}'
    out = f'{ROOT}/{table}-beside-paper.txt'
    command = (
        f'maskdpo compare {folder} --paper {" ".join(tables or (table,))} --csv {folder}.csv '
        f'| tee {out}'
    )
    return PlannedStep(f'compare-{table}', (command,), out, (evaluated,))


def by_hand(name: str, makes: str, what: str) -> PlannedStep:
    """Give a step that a person does."""
    return PlannedStep(name, (), makes, by_hand=what)


def _row(name: str, model: Model, scale: Scale) -> str:
    if not isinstance(model, Recipe):
        return name if model is None else f'{name}={model}'
    folders = [model.folder(seed) for seed in range(1, model.number(scale) + 1)]
    return f'{name}={",".join(folders)}'


def _with_options(config: str, options: Sequence[str]) -> str:
    return f'{config}{_options(options)}'


def _options(options: Sequence[str]) -> str:
    return f' --cfg-options {shlex.join(options)}' if options else ''


def _shards(command: str, gpus: int) -> str:
    """One part of the questions a GPU; what a part could not do, the next command finds missing."""
    last = gpus - 1
    return (
        f'for i in $(seq 0 {last}); do CUDA_VISIBLE_DEVICES=$i {command} --shard $i/{gpus} & '
        'done; wait'
    )


def _processes(gpus: int) -> str:
    return f'NPROC_PER_NODE={gpus} ' if gpus > 1 else ''


def _batch_options(recipe: Recipe, gpus: int) -> list[str]:
    """Keep 64 pairs a step, as on 8 GPUs, where there are fewer."""
    counts = recipe.accumulated * 8 // max(gpus, 1)
    return [f'optim_wrapper.accumulative_counts={counts}'] if 0 < gpus < 8 else []


def _round_options(scale: Scale) -> list[str]:
    """Give the options of `maskdpo rounds`: its shards, and those of its data."""
    shards = [f'sampling_processes={scale.gpus}'] if scale.gpus else []
    return [*shards, *(f'data_options.{option}' for option in scale.data_options)]


def path_option(data: PlannedStep) -> str:
    """Give the option by which a training reads the pairs of a step."""
    return f'{PAIRS}={Path(data.makes)}'
