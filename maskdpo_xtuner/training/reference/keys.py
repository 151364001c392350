"""What reference log-probabilities depend on, in one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import transformers
from datasets import Dataset

from maskdpo_xtuner.batches import collate, layouts, responses
from maskdpo_xtuner.modeling import attention, flash, forward, heads
from maskdpo_xtuner.objectives import chunks, logps
from maskdpo_xtuner.training.reference import computing, precision, shards
from maskdpo_xtuner.training.reference.computing import is_base_of_lora, reference_config
from maskdpo_xtuner.training.reference.precision import Precision
from maskdpo_xtuner.training.reference.weights import weights_identity

CODE = (
    *(attention, chunks, collate, computing, flash, forward, heads, layouts, logps, precision),
    *(responses, shards),
)


def key_parts(pairs: Dataset, model: Mapping[str, Any], precision: Precision) -> dict[str, Any]:
    """All that the reference log-probabilities of a data set depend on, beyond rounding.

    Args:
        pairs: items of `build_mask_preference_dataset`, whose fingerprint stands for data,
            tokenizer, template, masks and length.
        model: config of a `MaskDPO`.
        precision: of the training.
    """
    config = reference_config(model)
    logits = config.pop('logits', None) or {}
    identity = weights_identity(config['llm'])
    del config['llm']['pretrained_model_name_or_path']
    return {
        'data': pairs._fingerprint,
        'weights': identity,
        'model': config,
        'base of LoRA': is_base_of_lora(model),
        # The other settings of the logits change memory and rounding only.
        'fp32 logits': logits.get('fp32', False),
        'cast': precision.cast,
        'autocast': precision.autocast,
        'transformers': transformers.__version__,
        'code': hashlib.sha256(b''.join(_sources())).hexdigest(),
    }


def describe(parts: Mapping[str, Any]) -> str:
    """The parts as JSON that is the same in every process."""
    return json.dumps(parts, indent=2, sort_keys=True, default=_name)


def hash_of(description: str) -> str:
    """The key, 32 hexadecimal digits."""
    return hashlib.sha256(description.encode()).hexdigest()[:32]


def _sources() -> Iterator[bytes]:
    for module in CODE:
        assert module.__file__ is not None
        yield Path(module.__file__).read_bytes()


def _name(value: Any) -> str:
    """A class or function by its name: what ``repr`` gives may hold an address."""
    if callable(value):
        return f'{value.__module__}.{value.__qualname__}'
    return str(value)
