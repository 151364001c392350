"""What a round does: sample from its model, train on the pairs, convert what was trained."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from maskdpo_xtuner.engines.settings import OpenAISettings
from maskdpo_xtuner.hashing import file_sha256
from maskdpo_xtuner.pipeline.shards import Shard
from maskdpo_xtuner.pipeline.work_dir import describe_questions
from maskdpo_xtuner.rounds.arguments import (
    TOLD_BY_ROUNDS,
    cfg_options,
    data_options,
    first_model,
    training_config,
    training_options,
    visible_gpu,
)
from maskdpo_xtuner.rounds.settings import Kind, RoundsSettings
from maskdpo_xtuner.settings import Settings, flatten, load_settings
from maskdpo_xtuner.steps.commands import Command
from maskdpo_xtuner.steps.records import Step, is_done, last_checkpoint

OF_DATA = ('policy', 'sampling', 'annotator', 'pairs', 'annotation')
OF_TRAINING = frozenset(
    {
        *('model', 'tokenizer', 'optim_wrapper', 'param_scheduler', 'train_dataloader'),
        *('train_cfg', 'randomness'),
    }
)


def steps_of(settings: RoundsSettings) -> Iterator[Step]:
    """Give the steps of all rounds; each must be done before the next is asked for.

    Raises:
        ValueError: when the configs cannot make rounds together.
    """
    training = training_config(settings)
    first = first_model(settings, training)
    model = made_by = first
    for number in range(1, settings.rounds + 1):
        each = Round(settings, number, model, first, training, made_by)
        yield from each.steps()
        model, made_by = str(each.folder / 'hf'), file_sha256(each.record('training'))


def models_of(settings: RoundsSettings) -> list[Path]:
    """Give the folders of the models that the rounds end in."""
    return [folder_of(settings, number) / 'hf' for number in range(1, settings.rounds + 1)]


def folder_of(settings: RoundsSettings, number: int) -> Path:
    """Give the folder of a round."""
    return settings.work_dir / f'round_{number}'


@dataclass(frozen=True)
class Round:
    """One round.

    Attributes:
        settings: of all rounds.
        number: from 1.
        model: that it samples from and trains.
        first: that the first round began with.
        training: the training config as it stands.
        made_by: what determines the model: the hash of the training before, or its name.
    """

    settings: RoundsSettings
    number: int
    model: str
    first: str
    training: Mapping[str, Any]
    made_by: str

    @property
    def folder(self) -> Path:
        """Where all of it goes."""
        return folder_of(self.settings, self.number)

    def record(self, name: str) -> Path:
        """Give the record of what lies in the folder of this name."""
        return self.folder / f'{name}.json'

    def _mend(self, name: str) -> str:
        return (
            f'Remove {self.folder / name}, {self.record(name)} and the later rounds, or choose '
            'another work dir (--work-dir)'
        )

    def steps(self) -> Iterator[Step]:
        """Sample, train, convert."""
        count = self.settings.sampling_processes
        kind: Kind = 'merge' if count > 1 else 'sample'
        data = self._sampling('data', [self._command(kind, self._sample_arguments)])
        if count > 1 and not is_done(data):
            yield self._sampling('shards', [self._shard(Shard(n, count)) for n in range(count)])
        yield data
        yield self._training()
        if self.training['model'].get('lora'):
            yield self._conversion('adapter', 'adapter_config.json')
            yield self._merging()
        else:
            yield self._conversion('hf', 'config.json')

    def _command(self, kind: Kind, arguments: list[str]) -> Command:
        return Command([kind, *arguments], self.settings.launch.get(kind, ()))

    @cached_property
    def _data(self) -> Settings:
        config = self.settings.data_of(self.number)
        options = data_options(self.settings, self.number, self.model)
        settings = load_settings(config, options, self.folder / 'data')
        if isinstance(settings.policy, OpenAISettings):
            raise ValueError(
                f'{config}: the policy is behind a server, which would not serve what a round has '
                "trained; sample in the process, with policy.type='lmdeploy' or 'transformers'"
            )
        return settings

    @property
    def _sample_arguments(self) -> list[str]:
        config = str(self.settings.data_of(self.number))
        options = data_options(self.settings, self.number, self.model)
        return [config, '--work-dir', str(self._data.work_dir), *cfg_options(options)]

    def _shard(self, shard: Shard) -> Command:
        launch = self.settings.launch.get('sample', ())
        arguments = ['sample', *self._sample_arguments, '--quiet', '--shard', str(shard)]
        log = self.folder / 'logs' / f'shard_{shard.index}.log'
        return Command(arguments, launch, {} if launch else visible_gpu(shard), log)

    def _sampling(self, name: str, commands: list[Command]) -> Step:
        data, count = self._data, self.settings.sampling_processes
        folders = [data.work_dir]
        if name == 'shards':
            folders = [Shard(n, count).folder(data.work_dir) for n in range(count)]
        made_from = {
            **data.flat(OF_DATA),
            **describe_questions(data.questions.load()),
            'policy.model': self.made_by,
        }
        return Step(
            title=f'round {self.number}: {name}',
            record=self.record(name),
            commands=commands,
            made_from=made_from,
            outputs=[folder / 'summary.json' for folder in folders],
            accepts=frozenset({0, 1} if self.settings.accept_missing else {0}),
            mend=self._mend(name),
        )

    @property
    def _training_options(self) -> list[str]:
        pairs = self._data.work_dir / 'pairs.jsonl'
        reference = self.first if self.settings.reference == 'first' else self.model
        options = training_options(self.settings, self.training, self.model, reference, pairs)
        return cfg_options(options)

    def _training(self) -> Step:
        settings, work_dir = self.settings, self.folder / 'training'
        last = work_dir / 'last_checkpoint'
        arguments = [settings.training, '--work-dir', str(work_dir), *settings.train_arguments]
        if settings.deepspeed:
            arguments += ['--deepspeed', settings.deepspeed]
        return Step(
            title=f'round {self.number}: training',
            record=self.record('training'),
            commands=[self._command('train', [*arguments, *self._training_options])],
            made_from=self._training_origin(),
            outputs=[last],
            resumes=last,
            mend=self._mend('training'),
        )

    def _training_origin(self) -> dict[str, Any]:
        kept = {key: self.training[key] for key in OF_TRAINING & set(self.training)}
        values = {key: v for name in kept for key, v in flatten(kept[name], name).items()}
        return {
            **{key: value for key, value in values.items() if key not in TOLD_BY_ROUNDS},
            'from': self.made_by,
            'reference': self.first if self.settings.reference == 'first' else 'from',
            'pairs.sha256': file_sha256(self._data.work_dir / 'pairs.jsonl'),
            'deepspeed': self.settings.deepspeed,
            'train_arguments': self.settings.train_arguments,
        }

    def _conversion(self, name: str, output: str) -> Step:
        folder = self.folder / name
        checkpoint = last_checkpoint(self.folder / 'training' / 'last_checkpoint') or ''
        arguments = ['pth_to_hf', self.settings.training, str(checkpoint), str(folder)]
        options = ['--safe-serialization', *self._training_options]
        return Step(
            title=f'round {self.number}: conversion',
            record=self.record(name),
            commands=[self._command('convert', [*arguments, *options])],
            made_from={'training': file_sha256(self.record('training'))},
            outputs=[folder / output],
            mend=self._mend(name),
        )

    def _merging(self) -> Step:
        adapter, folder = self.folder / 'adapter', self.folder / 'hf'
        merge = self._command('convert', ['merge', self.model, str(adapter), str(folder)])
        step = Step(
            title=f'round {self.number}: merging of the adapter',
            record=self.record('hf'),
            commands=[merge],
            made_from={'adapter': file_sha256(self.record('adapter'))},
            outputs=[folder / 'config.json'],
            mend=self._mend('hf'),
        )
        if folder.exists() and not is_done(step):
            shutil.rmtree(folder)  # It is written by this step alone, and never over weights.
        return step
