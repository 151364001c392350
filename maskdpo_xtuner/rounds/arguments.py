"""What rounds tell the commands: which model, which reference, which pairs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maskdpo_xtuner.builtin.model import NAME
from maskdpo_xtuner.builtin.wheels import cache_dir
from maskdpo_xtuner.config_files import find_config
from maskdpo_xtuner.engines.settings import TransformersSettings
from maskdpo_xtuner.pipeline.shards import Shard
from maskdpo_xtuner.rounds.settings import RoundsSettings
from maskdpo_xtuner.settings import flatten, load_settings, read_config

LLM = 'model.llm.pretrained_model_name_or_path'
TOKENIZER = 'tokenizer.pretrained_model_name_or_path'
PAIRS = 'train_dataloader.dataset.dataset.path'
REFERENCE = 'model.ref_llm'
TOLD_BY_ROUNDS = frozenset({LLM, TOKENIZER, PAIRS})


def dotted(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give options under dotted keys, however deep they were written."""
    return {key: leaf for name in options for key, leaf in flatten(options[name], name).items()}


def cfg_options(options: Mapping[str, Any]) -> list[str]:
    """Write options as the command line has them."""
    pairs = [f'{key}={value}' for key, value in options.items()]
    return ['--cfg-options', *pairs] if pairs else []


def training_config(settings: RoundsSettings) -> dict[str, Any]:
    """Read the training config with the options.

    Raises:
        ValueError: for one that rounds cannot go on from.
    """
    config = find_config(settings.training)
    training = read_config(config, dotted(settings.training_options))
    try:
        model = training['model']
        model['llm']['pretrained_model_name_or_path']
    except (KeyError, TypeError) as error:
        raise ValueError(f'{config}: a config of a training must have {LLM}') from error
    for key in ('ref_llm', 'peft_model'):
        if model.get(key):
            raise ValueError(
                f'{config}: model.{key} cannot be set, as rounds begin with whole models and say '
                "what the reference is; see their setting 'reference'"
            )
    return training


def first_model(settings: RoundsSettings, training: Mapping[str, Any]) -> str:
    """Give the model that the first round samples from and trains.

    Raises:
        ValueError: when the two configs name different ones.
    """
    trained: str = training['model']['llm']['pretrained_model_name_or_path']
    if settings.model is not None:
        return settings.model
    data = load_settings(settings.data_of(1), dotted(settings.data_options), settings.work_dir)
    sampled = data.policy.model
    if sampled is None and isinstance(data.policy, TransformersSettings):
        sampled = str(cache_dir() / 'models' / NAME)
    if sampled != trained:
        raise ValueError(
            f'{settings.data_of(1)} samples from {sampled} and {settings.training} trains '
            f'{trained}: the answers would not be of the model that is trained. Name the model '
            '(model=...), which then stands for both'
        )
    return trained


def data_options(settings: RoundsSettings, number: int, model: str) -> dict[str, Any]:
    """Give the options of `maskdpo sample` in a round."""
    options = dotted(settings.data_options)
    # The first round leaves the built-in model to its config, which makes it where it is missing.
    as_it_stands = number == 1 and settings.model is None
    return options if as_it_stands else {**options, 'policy.model': model}


def training_options(
    settings: RoundsSettings, training: Mapping[str, Any], model: str, reference: str, pairs: Path
) -> dict[str, Any]:
    """Give the options of `maskdpo train` in a round, and of the conversion.

    Args:
        settings: of all rounds.
        training: the training config, whose base says how a reference of its own is loaded.
        model: what is trained.
        reference: what it is compared with.
        pairs: what it is trained on.
    """
    options = {**dotted(settings.training_options), LLM: model, TOKENIZER: model}
    if reference != model:
        llm = {**training['model']['llm'], 'pretrained_model_name_or_path': reference}
        options.update(flatten(llm, REFERENCE))
    return {**options, PAIRS: str(pairs)}


def visible_gpu(shard: Shard) -> dict[str, str]:
    """Give a shard one of the GPUs that are visible.

    Raises:
        ValueError: when there are fewer.
    """
    visible = os.environ.get('CUDA_VISIBLE_DEVICES')
    names = visible.split(',') if visible else [str(n) for n in range(shard.count)]
    if shard.count > len(names):
        raise ValueError(
            f'sampling_processes={shard.count}, and CUDA_VISIBLE_DEVICES={visible} names '
            f'{len(names)} GPUs; a process needs one'
        )
    return {'CUDA_VISIBLE_DEVICES': names[shard.index]}
