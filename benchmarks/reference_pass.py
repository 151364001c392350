"""What computing the reference log-probabilities once costs beside an epoch of training.

Each turn runs three sides over the same pairs, each with a model of its own: the pass over the
reference model before training, an epoch with its results, and an epoch that runs the reference
model at every step. Loading a model is told apart: it does not grow with the data.

    python benchmarks/reference_pass.py [--kind documents] [--pairs 8] [--batch 4] [--rounds 3]

Times are of one process; with n processes all three are divided by n alike.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from datasets import Dataset
from mmengine.config import ConfigDict
from process_memory import PeakMemory
from train_step import make_pairs
from transformers import AutoTokenizer

from maskdpo_xtuner.builtin.model import builtin_model
from maskdpo_xtuner.training import (
    MaskDPO,
    build_mask_preference_dataset,
    mask_preference_collate_fn,
    response_mask_map_fn,
)
from maskdpo_xtuner.training.reference.computing import ReferenceModel
from maskdpo_xtuner.training.reference.precision import Precision
from maskdpo_xtuner.training.reference.store import COLUMNS

Items = Sequence[dict[str, Any]]


@dataclass
class Run:
    """One side of one turn: seconds to load, seconds to compute, and bytes."""

    loading: float
    seconds: float
    memory: int


def measure(load: Callable[[], Any], compute: Callable[[Any], Any]) -> tuple[Run, Any]:
    """Time both parts; returns also what the second gives."""
    with PeakMemory() as peak:
        start = time.perf_counter()
        model = load()
        loaded = time.perf_counter()
        result = compute(model)
        end = time.perf_counter()
    return Run(loaded - start, end - loaded, peak.bytes), result


def config_of(folder: Path) -> ConfigDict:
    """Config of the model, in fp32."""
    llm = {
        'type': 'transformers.AutoModelForCausalLM.from_pretrained',
        'pretrained_model_name_or_path': str(folder),
        'torch_dtype': 'torch.float32',
    }
    return ConfigDict(type='MaskDPO', llm=llm)


def train(model: Any, items: Items, batch_size: int) -> None:
    """One epoch, an optimizer step a batch."""
    model.train()
    optimizer = torch.optim.AdamW(model.llm.parameters(), lr=5e-6)
    for first in range(0, len(items), batch_size):
        batch = mask_preference_collate_fn(items[first : first + batch_size])
        model.compute_loss(**batch)['loss'].mean().backward()
        optimizer.step()
        optimizer.zero_grad()


def turn(folder: Path, items: Items, batch_size: int) -> dict[str, Run]:
    """All sides once."""
    config = config_of(folder)
    runs = {}
    runs['pass'], rows = measure(
        lambda: ReferenceModel(config, Precision(), mask_preference_collate_fn),
        lambda model: model.logps(items),
    )
    known = [
        {**item, **dict(zip(COLUMNS, row, strict=True))}
        for item, row in zip(items, rows, strict=True)
    ]
    for reference in ('cached', 'model'):
        runs[f'epoch, {reference}'], _ = measure(
            partial(MaskDPO, config.llm, reference=reference),
            partial(train, items=known, batch_size=batch_size),
        )
    return runs


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--kind', choices=['questions', 'documents'], default='questions')
    parser.add_argument('--pairs', type=int, default=8)
    parser.add_argument('--batch', type=int, default=4, help='pairs of an optimizer step')
    parser.add_argument('--rounds', type=int, default=3)
    options = parser.parse_args()
    folder = builtin_model()
    pairs = [pair.model_dump(mode='json') for pair in make_pairs(options.kind, options.pairs)]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    items = build_mask_preference_dataset(
        Dataset.from_list(pairs), tokenizer, 1024, response_mask_map_fn
    ).to_list()
    turns = [turn(folder, items, options.batch) for _ in range(options.rounds)]
    epoch = median(runs['epoch, cached'].seconds for runs in turns)
    print(f'{"":15} {"loading":>8} {"seconds":>8} {"of an epoch":>12} {"GiB":>6}')
    for name in turns[0]:
        loading, seconds, memory = (
            median(getattr(runs[name], field) for runs in turns)
            for field in ('loading', 'seconds', 'memory')
        )
        print(
            f'{name:15} {loading:8.2f} {seconds:8.2f} {seconds / epoch:12.2f} {memory / 2**30:6.2f}'
        )


if __name__ == '__main__':
    main()
