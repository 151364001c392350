"""What reference log-probabilities depend on, in one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import transformers
from datasets import Dataset

from maskdpo_xtuner.engines.model_files import name_and_revision
from maskdpo_xtuner.training.adapters import adapter_identity, refers_to_start
from maskdpo_xtuner.training.reference import computing, store
from maskdpo_xtuner.training.reference.code import code_digest, file_of
from maskdpo_xtuner.training.reference.computing import (
    CollateFunction,
    is_base_of_lora,
    reference_config,
)
from maskdpo_xtuner.training.reference.precision import Precision


def key_parts(
    pairs: Dataset, model: Mapping[str, Any], precision: Precision, collate_fn: CollateFunction
) -> dict[str, Any]:
    """Collect all that the reference log-probabilities depend on, beyond rounding.

    Args:
        pairs: items of `build_mask_preference_dataset`, whose fingerprint stands for data,
            tokenizer, template, masks and length.
        model: config of a `MaskDPO`.
        precision: of the training.
        collate_fn: of the data loader. Its code counts, its options do not: all give the same.

    Raises:
        ValueError: for a model whose weights cannot be told from others.
    """
    config = reference_config(model)
    logits = config.pop('logits', None) or {}
    identity = _weights_identity(config['llm'])
    del config['llm']['pretrained_model_name_or_path']
    adapter = adapter_identity(config) if refers_to_start(model) else None
    config = {key: value for key, value in config.items() if key not in computing.OF_START}
    return {
        'data': pairs._fingerprint,
        'weights': identity,
        'model': config,
        'adapter': adapter,
        'base of LoRA': is_base_of_lora(model),
        # The other settings of the logits change memory and rounding only.
        'fp32 logits': logits.get('fp32', False),
        'cast': precision.cast,
        'autocast': precision.autocast,
        'transformers': transformers.__version__,
        'code': code_digest([*map(_file, (computing, store)), file_of(collate_fn)]),
    }


def describe(parts: Mapping[str, Any]) -> str:
    """The parts as JSON that is the same in every process."""
    return json.dumps(parts, indent=2, sort_keys=True, default=_name)


def hash_of(description: str) -> str:
    """The key, 32 hexadecimal digits."""
    return hashlib.sha256(description.encode()).hexdigest()[:32]


def _weights_identity(llm: Mapping[str, Any]) -> str:
    """The content of a model folder, wherever it lies, or the name and commit on the hub."""
    name = llm['pretrained_model_name_or_path']
    if Path(name).is_dir():
        name = str(Path(name, llm.get('subfolder', '')))
    _, revision = name_and_revision(name, llm.get('revision'), llm.get('trust_remote_code', False))
    return revision if Path(name).is_dir() else f'{name}@{revision}'


def _file(module: ModuleType) -> Path:
    assert module.__file__ is not None
    return Path(module.__file__)


def _name(value: Any) -> str:
    """Name a class or function by its path: what ``repr`` gives may hold an address."""
    if callable(value):
        return f'{value.__module__}.{value.__qualname__}'
    return str(value)
