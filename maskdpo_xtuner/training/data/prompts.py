"""The prompts of a few pairs, to ask a model while it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xtuner.dataset.huggingface import build_origin_dataset

from maskdpo_xtuner.records import Message
from maskdpo_xtuner.training.data.map_fns import find_map_fn


def sample_prompts(dataset: Mapping[str, Any], number: int) -> list[list[Message]]:
    """Take prompts at equal distances, so that they have different topics in most files.

    Args:
        dataset: config of `build_mask_preference_dataset`.
        number: of prompts that differ; fewer where there are no more.
    """
    pairs = build_origin_dataset(dataset['dataset'], split='train')
    map_fn = find_map_fn(dataset.get('dataset_map_fn', 'sentence_mask_map_fn'))
    found: list[list[Message]] = []
    for part in range(number):
        for index in range(len(pairs) * part // number, len(pairs)):
            chosen, _ = map_fn(pairs[index])
            prompt = [Message.model_validate(message) for message in chosen.prompt]
            if prompt not in found:
                found.append(prompt)
                break
    return found
