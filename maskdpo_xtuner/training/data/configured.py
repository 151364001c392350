"""The data set that ``xtuner train CONFIG`` trains on, without the training."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset
from mmengine.config import Config, DictAction
from mmengine.registry import DATASETS
from xtuner.configs import cfgs_name_path

from maskdpo_xtuner.config_files import find_config, know_our_bases, search_beside
from maskdpo_xtuner.masking import SIDES, PairConverter, Side
from maskdpo_xtuner.training.data.dataset import (
    build_converter,
    build_mask_preference_dataset,
    build_tokenizer,
)
from maskdpo_xtuner.training.data.sources import load_preference_pairs
from maskdpo_xtuner.training.loops import loss_of

OURS = build_mask_preference_dataset
CONVERTER_KEYS = ('max_length', 'dataset_map_fn', 'end_of_turn', 'template_kwargs', 'prompts')


@dataclass(frozen=True)
class TrainingPairs:
    """What a training reads.

    Attributes:
        items: of the data set, those that are dropped included, in the order of the file.
        tokenizer: that made them.
        sides: those that the loss looks at.
        settings: of the data set, as the config has them.
    """

    items: Dataset
    tokenizer: Any
    sides: tuple[Side, ...]
    settings: dict[str, Any]


def load_training_config(path: Path | str, options: Sequence[str] = ()) -> Config:
    """Read a training config as XTuner does, which imports what its ``custom_imports`` name.

    Args:
        path: the file, or the name of a config of this package or of XTuner's. Modules of
            ``custom_imports`` may lie beside it.
        options: ``KEY=VALUE`` texts, as XTuner's ``--cfg-options`` takes them.

    Raises:
        ValueError: naming the file, and what to correct, for a config that cannot be read or
            trains nothing.
    """
    path = find_config(cfgs_name_path.get(str(path), path))
    if path.suffix != '.py':
        raise ValueError(
            f'{path}: this is not a training config; name the file that `xtuner train` gets, such '
            'as configs/smollm2_135m_maskdpo.py, and pairs by --pairs'
        )
    search_beside(path)
    know_our_bases(Config)
    replaced = _parse_options(options)
    try:
        cfg = Config.fromfile(path)
        cfg.merge_from_dict(replaced)
    except (SyntaxError, OSError, ImportError, TypeError, KeyError, ValueError) as error:
        raise ValueError(f'{path}: this config cannot be read: {error}') from error
    if cfg.get('train_dataloader') is None:
        raise ValueError(
            f'{path}: the config has no train_dataloader, so it trains nothing; configs of '
            'configs/data/ make pairs'
        )
    return cfg


def training_pairs(cfg: Config, pairs: str | None = None) -> TrainingPairs:
    """Build the data set of a config, by the very functions that the training calls.

    Args:
        cfg: the whole config.
        pairs: a file of pairs, or a work dir, instead of the config's.

    Raises:
        ValueError: as the training would.
    """
    data = data_config(cfg)
    if pairs is not None:
        data['dataset'] = _other_pairs(data.get('dataset'), pairs)
    settings = {key: data[key] for key in CONVERTER_KEYS if data.get(key) is not None}
    tokenizer = build_tokenizer(data['tokenizer'])
    if _is_ours(data):
        data.update(tokenizer=tokenizer, keep_dropped=True)
    return TrainingPairs(DATASETS.build(data), tokenizer, trained_sides(cfg), settings)


def trained_sides(cfg: Config) -> tuple[Side, ...]:
    """The sides that the loss of a config looks at: both, or the chosen alone."""
    loss = loss_of(cfg)
    return SIDES if loss is None or loss.needs_rejected else SIDES[:1]


def training_converter(cfg: Config) -> PairConverter:
    """Build what turns pairs into masked tokens as the training of a config does.

    Raises:
        ValueError: when its data set is not `build_mask_preference_dataset`.
    """
    data = data_config(cfg)
    if not _is_ours(data):
        raise ValueError(
            f'train_dataloader.dataset.type is {data.get("type")}, not {OURS.__name__}'
        )
    keys = ('tokenizer', *CONVERTER_KEYS)
    return build_converter(**{key: data[key] for key in keys if key in data})


def data_config(cfg: Config) -> dict[str, Any]:
    """The config of the training's data set, with the tokenizer that the loop would give it.

    Raises:
        ValueError: when there is none.
    """
    data = dict(cfg.train_dataloader.dataset)
    tokenizer = data.get('tokenizer') or cfg.get('tokenizer')
    if tokenizer is None:
        raise ValueError('the config names no tokenizer; set tokenizer=dict(...) at its top')
    return {**data, 'tokenizer': tokenizer}


def _is_ours(data: dict[str, Any]) -> bool:
    kind = data.get('type')
    return (DATASETS.get(kind) if isinstance(kind, str) else kind) is OURS


def _other_pairs(configured: Any, path: str) -> dict[str, Any]:
    """A file instead of the one that is configured, whose held-out share stays."""
    kind = configured.get('type') if isinstance(configured, dict) else None
    ours = kind in (load_preference_pairs, load_preference_pairs.__name__)
    return {**(configured if ours else {}), 'type': 'load_preference_pairs', 'path': path}


def _parse_options(options: Sequence[str]) -> dict[str, Any]:
    for option in options:
        if '=' not in option:
            raise ValueError(f'--cfg-options takes KEY=VALUE, not {option!r}')
    parser = ArgumentParser()
    parser.add_argument('options', nargs='*', action=DictAction, default={})
    parsed: dict[str, Any] = parser.parse_args(['--', *options]).options
    return parsed
