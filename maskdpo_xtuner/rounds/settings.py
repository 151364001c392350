"""The settings of on-policy rounds: which configs they run, how often, and from what."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from typing_extensions import Self

from maskdpo_xtuner.config_files import find_config
from maskdpo_xtuner.parts import Part
from maskdpo_xtuner.settings import read_config

Reference = Literal['last', 'first']
Kind = Literal['sample', 'merge', 'train', 'convert']


def _words(value: Any) -> Any:
    return shlex.split(value) if isinstance(value, str) else value


Words = Annotated[list[str], BeforeValidator(_words)]


class RoundsSettings(Part):
    """What `maskdpo rounds` does. Rounds are not of the paper, which trains once.

    Attributes:
        work_dir: each round has a folder in it: ``round_1/data``, ``training`` and ``hf``.
        rounds: how many; more may be added later.
        data: a config of `maskdpo sample`, by name or as a file; or a list with one for each round,
            such as one with other questions. Its ``work_dir`` is not used.
        training: a config of `maskdpo train`. Its pairs and ``work_dir`` are not used.
        model: what the first round samples from and trains; None: what both configs name.
        reference: whose probabilities the loss compares with from the second round on. ``last``:
            those of the model that the round begins with, so that every round begins at a loss of
            ln 2 and may go as far again: the rewards of the rounds add up. ``first``: those of the
            model before the first round, so that ``beta`` holds all rounds together to it, and
            pairs that the model tells apart already weigh less.
        data_options: settings that replace those of ``data``, as ``--cfg-options`` does.
        training_options: the same for ``training``; values are written as on the command line.
        deepspeed: as of `maskdpo train`; None: without.
        train_arguments: further arguments of `maskdpo train`, such as ``--seed 1``.
        sampling_processes: into how many shards the questions are dealt, which run side by side,
            each with one of the visible GPUs.
        accept_missing: whether to train on the pairs of a round in which some requests failed.
        launch: what stands before a command, by its kind (``sample``, ``merge``, ``train``,
            ``convert``), such as ``dict(train='srun --nodes=2')``. Shards that are launched
            choose no GPU.
    """

    work_dir: Path
    rounds: int = Field(ge=1)
    data: str | list[str]
    training: str
    model: str | None = None
    reference: Reference = 'last'
    data_options: dict[str, Any] = {}
    training_options: dict[str, Any] = {}
    deepspeed: str | None = None
    train_arguments: Words = []
    sampling_processes: int = Field(default=1, ge=1)
    accept_missing: bool = False
    launch: dict[Kind, Words] = {}

    @model_validator(mode='after')
    def _check_data(self) -> Self:
        if isinstance(self.data, list) and len(self.data) != self.rounds:
            raise ValueError(
                f'data names {len(self.data)} configs for {self.rounds} rounds; name one for '
                'each, or one for all'
            )
        return self

    def data_of(self, number: int) -> Path:
        """Give the data config of a round; the first is 1."""
        name = self.data if isinstance(self.data, str) else self.data[number - 1]
        return find_config(name)


def load_rounds(
    config: Path | str,
    options: Mapping[str, Any] | None = None,
    work_dir: Path | str | None = None,
) -> RoundsSettings:
    """Read a config of rounds.

    Args:
        config: an mmengine Python config, or the name of one that comes with the package.
        options: ``{'rounds': 3}``, what ``--cfg-options`` gives.
        work_dir: replaces the config's.

    Raises:
        ValueError: naming file and key, and what is wrong.
    """
    config = find_config(config)
    values = read_config(config, options or {})
    if work_dir is not None:
        values['work_dir'] = str(work_dir)
    try:
        return RoundsSettings.model_validate(values)
    except ValidationError as error:
        told = '; '.join(_describe(detail) for detail in error.errors())
        raise ValueError(f'{config}: {told}') from error


def _describe(detail: Any) -> str:
    key = '.'.join(map(str, detail['loc']))
    if detail['type'] == 'extra_forbidden':
        known: Sequence[str] = list(RoundsSettings.model_fields)
        return f'there is no setting {key}; rounds have {", ".join(known)}'
    said = detail['msg'].removeprefix('Value error, ')
    return f'{key}: {said}' if key else str(said)
