"""Training on one GPU: XTuner's DPO class and MaskDPO, each with a batch that fits.

A random model of the shape of Llama-3.2-1B (vocabulary of 128,256) in bf16, the optimizer step
included. Pairs are random tokens, up to 1,024 a response with its prompt, in sentences of which
about a third are supervised: ``questions`` have short prompts and long responses, ``documents``
the reverse. The batch is half the largest power of two that fits: at the edge a batch fits once and
not the next time. Sides take turns, each with a model of its own. The reference's pass of MaskDPO,
once a data set, is measured by itself.

    python benchmarks/gpu_step.py [--kinds questions documents] [--rounds 3] [--peak 989]

``--peak``: dense bf16 TFLOP/s of the chip, for the share that the matrix products needed (those of
layers and head, what is recomputed not counted) have of it; 989 is an H100's or H200's (SXM).
``--shape tiny --largest 4 --steps 1 --rounds 1`` tries the script on any machine.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.device import get_device
from transformers import LlamaConfig, LlamaForCausalLM
from xtuner.dataset.collate_fns.preference_collate_fn import preference_collate_fn
from xtuner.model.dpo import DPO
from xtuner.registry import BUILDER

from maskdpo_xtuner.training import MaskDPO, mask_preference_collate_fn
from maskdpo_xtuner.training.monitoring.hooks import peak_memory
from maskdpo_xtuner.training.reference.computing import ReferenceModel
from maskdpo_xtuner.training.reference.precision import Precision

SHAPES: dict[str, dict[str, Any]] = {
    'llama3.2-1b': {
        'vocab_size': 128_256,
        'hidden_size': 2048,
        'intermediate_size': 8192,
        'num_hidden_layers': 16,
        'num_attention_heads': 32,
        'num_key_value_heads': 8,
        'head_dim': 64,
    },
    'tiny': {
        'vocab_size': 512,
        'hidden_size': 64,
        'intermediate_size': 128,
        'num_hidden_layers': 4,
        'num_attention_heads': 4,
        'num_key_value_heads': 2,
    },
}
# Tokens of the prompt and of a response.
KINDS = {'questions': ((20, 80), (200, 940)), 'documents': ((500, 700), (60, 320))}
SENTENCE = 30
SUPERVISED = 1 / 3

SIDES: dict[str, tuple[type, float]] = {
    'XTuner': (DPO, 1.0),
    'XTuner, activations kept': (DPO, 0.0),
    'MaskDPO': (MaskDPO, 1.0),
    'MaskDPO, half recomputed': (MaskDPO, 0.5),
    'MaskDPO, activations kept': (MaskDPO, 0.0),
}
"""Class, and share of the layers that is recomputed."""


@dataclass(frozen=True)
class Run:
    """What a side does with a batch: seconds a step, bytes at most, matrix FLOP needed.

    ``tokens`` are those of both sides of the pairs, each with its prompt.
    """

    pairs: int
    tokens: int
    seconds: float
    memory: int
    flop: float


def make_items(kind: str, count: int, vocabulary: int) -> list[dict[str, Any]]:
    """Random pairs, as `build_mask_preference_dataset` gives them."""
    draw = random.Random(0)
    prompts, responses = KINDS[kind]
    items = []
    for number in range(count):
        prompt = draw.choices(range(vocabulary), k=draw.randint(*prompts))
        item: dict[str, Any] = {'place': f'pair {number}'}
        for side in ('chosen', 'rejected'):
            ids = draw.choices(range(vocabulary), k=draw.randint(*responses))
            mask = list(_sentences(len(ids), draw))
            labels = [token if kept else -100 for token, kept in zip(ids, mask, strict=True)]
            item[f'{side}_ids'] = prompt + ids
            item[f'{side}_labels'] = [-100] * len(prompt) + labels
            item[f'{side}_weights'] = [0.0] * len(prompt) + [float(kept) for kept in mask]
        items.append(item)
    return items


def _sentences(length: int, draw: random.Random) -> Iterator[bool]:
    """Whether each token of a response is supervised; one sentence is in any case."""
    starts = range(0, length, SENTENCE)
    always = draw.choice(starts)
    for start in starts:
        kept = start == always or draw.random() < SUPERVISED
        yield from [kept] * min(SENTENCE, length - start)


def build(folder: Path, side: str) -> Any:
    """The model of a side, on the device, ready to train."""
    kind, recomputed = SIDES[side]
    options: dict[str, Any] = {'use_activation_checkpointing': recomputed}
    if kind is MaskDPO:
        options['reference'] = 'cached'
    model = BUILDER.build(ConfigDict(type=kind, llm=_llm(folder), **options))
    return model.to(get_device()).train()


def _llm(folder: Path) -> dict[str, Any]:
    return {
        'type': 'transformers.AutoModelForCausalLM.from_pretrained',
        'pretrained_model_name_or_path': str(folder),
        'torch_dtype': 'torch.bfloat16',
    }


class Trainer:
    """A side's model with its optimizer, and training steps on one batch again and again."""

    def __init__(self, folder: Path, side: str) -> None:
        self.model = build(folder, side)
        ours = isinstance(self.model, MaskDPO)
        self.collate = mask_preference_collate_fn if ours else preference_collate_fn
        self.optimizer = torch.optim.AdamW(self.model.llm.parameters(), lr=1e-6, fused=True)

    def measure(self, items: list[dict[str, Any]], steps: int) -> Run:
        """Train on one batch; the first step is not counted.

        Raises:
            torch.OutOfMemoryError: when the batch does not fit.
        """
        data = self.model.data_preprocessor(self.collate(items))['data']
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        seconds = []
        for _ in range(steps + 1):
            start = time.perf_counter()
            self.model.compute_loss(dict(data))['loss'].mean().backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - start)
        tokens = sum(len(item[f'{side}_ids']) for item in items for side in ('chosen', 'rejected'))
        memory, flop = peak_memory(), _flop(self.model, data)
        return Run(len(items), tokens, median(seconds[1:]), memory, flop)

    def fits(self, items: list[dict[str, Any]]) -> bool:
        """Whether a batch can be trained on."""
        try:
            self.measure(items, steps=1)
        except torch.OutOfMemoryError:
            self.optimizer.zero_grad()
            _free_memory()
            return False
        return True


def _flop(model: Any, data: dict[str, torch.Tensor]) -> float:
    """Matrix products of layers and head: 2 a weight and token forward, 4 backward."""
    head: int = model.llm.get_output_embeddings().weight.numel()
    layers: int = sum(weight.numel() for weight in model.llm.model.layers.parameters())
    if isinstance(model, MaskDPO):
        return 6.0 * (layers * int(data['num_tokens']) + head * len(data['targets']))
    # Every token for the policy, and forward for the reference.
    return 8.0 * (layers + head) * data['input_ids'].numel()


def measure(folder: Path, side: str, items: list[dict[str, Any]], steps: int) -> Run:
    """Train a fresh model on one batch."""
    run = Trainer(folder, side).measure(items, steps)
    _free_memory()
    return run


def safe_batch(folder: Path, side: str, items: list[dict[str, Any]]) -> int:
    """Half the largest power of two of pairs that a side can train on; 0 where 2 are too many."""
    trainer, size = Trainer(folder, side), 1
    while size <= len(items) and trainer.fits(items[:size]):
        size *= 2
    del trainer
    _free_memory()
    return size // 4


def _free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def reference_pass(folder: Path, items: list[dict[str, Any]]) -> tuple[list[Any], float]:
    """Items with the reference's log-probabilities, and the seconds a pair takes."""
    model = ReferenceModel(
        ConfigDict(llm=_llm(folder), type='MaskDPO'), Precision(), mask_preference_collate_fn
    )
    model.logps(items[:2])
    start = time.perf_counter()
    rows = model.logps(items)
    seconds = time.perf_counter() - start
    sides = ('chosen_reference_logps', 'rejected_reference_logps')
    known = [
        {**item, **dict(zip(sides, row, strict=True))}
        for item, row in zip(items, rows, strict=True)
    ]
    return known, seconds / len(items)


def report(kind: str, runs: dict[str, list[Run]], peak: float, pass_seconds: float) -> None:
    """Print one line for each side; speeds are relative to the first."""
    columns = ('batch', 's/step', 'pairs/s', 'tokens/s', 'speed', '3 epochs', 'GiB', 'of peak')
    print(f'\n{kind:28} ' + ' '.join(f'{name:>9}' for name in columns))
    rates: list[tuple[float, float]] = []
    for side, found in runs.items():
        pairs, seconds = found[0].pairs, median(run.seconds for run in found)
        once = pass_seconds if SIDES[side][0] is MaskDPO else 0.0
        rates.append((pairs / seconds, 3 / (3 * seconds / pairs + once)))
        speed, epochs = (ours / first for ours, first in zip(rates[-1], rates[0], strict=True))
        memory = max(run.memory for run in found) / 2**30
        share = found[0].flop / seconds / (peak * 1e12)
        print(
            f'{side:28} {pairs:9} {seconds:9.3f} {pairs / seconds:9.2f} '
            f'{found[0].tokens / seconds:9,.0f} {speed:8.2f}x '
            f'{epochs:8.2f}x {memory:9.2f} {share:9.1%}'
        )
    print(f"the reference's pass: {pass_seconds:.4f} s a pair, once a data set")


def main() -> None:
    """Print one table for each kind of pairs."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--shape', choices=SHAPES, default='llama3.2-1b')
    parser.add_argument('--kinds', nargs='+', choices=KINDS, default=list(KINDS))
    parser.add_argument(
        '--largest',
        type=int,
        default=64,
        help='pairs of the largest batch tried, twice the largest measured',
    )
    parser.add_argument('--steps', type=int, default=5, help='of a run, beside the first')
    parser.add_argument('--rounds', type=int, default=3, help='runs of each side')
    parser.add_argument('--peak', type=float, default=989.0, help='TFLOP/s of the chip in bf16')
    options = parser.parse_args()
    os.environ.setdefault('PYTORCH_CUDA_ALLOC_CONF', 'expandable_segments:True')
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else 'no GPU'
    print(f'{device}, torch {torch.__version__}, {options.shape}')
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        torch.manual_seed(0)
        config = LlamaConfig(**SHAPES[options.shape], tie_word_embeddings=True)
        LlamaForCausalLM(config).bfloat16().save_pretrained(folder)
        for kind in options.kinds:
            items = make_items(kind, options.largest, config.vocab_size)
            items, pass_seconds = reference_pass(folder, items)
            sizes = {side: safe_batch(folder, side, items) for side in SIDES}
            runs: dict[str, list[Run]] = {side: [] for side, size in sizes.items() if size}
            for _ in range(options.rounds):
                for side, found in runs.items():
                    found.append(measure(folder, side, items[: sizes[side]], options.steps))
            report(kind, runs, options.peak, pass_seconds)


if __name__ == '__main__':
    main()
