"""The data set of XTuner's own supervised fine-tuning: the chosen responses of pairs."""

from __future__ import annotations

from typing import Any

from datasets import Dataset
from mmengine.registry import DATASETS
from xtuner.registry import BUILDER

from maskdpo_xtuner.training.data.dataset import build_mask_preference_dataset


@DATASETS.register_module()  # type: ignore[untyped-decorator]
@BUILDER.register_module()  # type: ignore[untyped-decorator]
def build_chosen_dataset(**settings: Any) -> Dataset:
    """Build a data set for XTuner's `SupervisedFinetune` (paper, Table 7) out of preference pairs.

    Args:
        settings: those of `build_mask_preference_dataset`. With ``response_mask_map_fn`` the whole
            response is supervised; with ``sentence_mask_map_fn`` its correct sentences.

    Returns:
        Items with ``input_ids`` and ``labels``, as `xtuner.dataset` has them; -100 is not
        supervised.

    Raises:
        ValueError: for a bad pair (with its place), and when no pair is left.
    """
    pairs = build_mask_preference_dataset(**settings)
    columns = {'chosen_ids': 'input_ids', 'chosen_labels': 'labels'}
    return pairs.select_columns(list(columns)).rename_columns(columns)
