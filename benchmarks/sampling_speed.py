"""The engine that runs here against the bare steps of its model, and a run with nothing to do.

    OMP_NUM_THREADS=2 python benchmarks/sampling_speed.py [--rows 32 128 256] [--tokens 40]

A bare step is transformers' own forward pass of one new token with so many rows and a cache that
is filled with the prompt and half of an answer. The engine answers twice as many requests as it
decodes at once, prompts, sampling and refilling included; answers end where the model ends them.
Steps and engine take turns, and the medians of their rates are compared. Rates are given by the
clock and by the processor's time: the latter is fairer where others use the processor too.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

# As the engine sets it where torch is not loaded before.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

import torch
from process_memory import PeakMemory
from transformers import DynamicCache

from maskdpo_xtuner.builtin.model import builtin_model
from maskdpo_xtuner.engines.base import Completion, Request, Sampling
from maskdpo_xtuner.engines.transformers import TransformersEngine
from maskdpo_xtuner.records import Message

TOOL = Path(__file__).parents[1] / 'tools/sample_and_annotate.py'
ELEMENTS = ('lithium', 'sodium', 'carbon', 'nitrogen', 'oxygen', 'neon', 'iron', 'gold')
SAMPLES = 8


@dataclass
class Rates:
    """Tokens a second of several turns."""

    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    @contextmanager
    def turn(self) -> Iterator[list[int]]:
        """Time a block, which appends to the list how many tokens it made."""
        made: list[int] = []
        clock, processor = time.perf_counter(), time.process_time()
        yield made
        self.clock.append(sum(made) / (time.perf_counter() - clock))
        self.processor.append(sum(made) / (time.process_time() - processor))


def requests_of(count: int, sampling: Sampling) -> list[Request]:
    """So many requests, some to each question, as a pipeline asks them."""
    questions = [
        f'What is the chemical element {name} used for? ({number})'
        for number in range(count)
        for name in ELEMENTS
    ]
    return [
        Request((Message(role='user', content=questions[n // SAMPLES]),), sampling, n + 1)
        for n in range(count)
    ]


def filled_cache(config: Any, rows: int, columns: int) -> DynamicCache:
    """A cache of random keys and values, all of them visible."""
    shape = (rows, config.num_key_value_heads, columns, config.head_dim)
    cache = DynamicCache()
    for layer in range(config.num_hidden_layers):
        cache.update(torch.randn(shape), torch.randn(shape), layer)
    return cache


@torch.inference_mode()
def bare_steps(model: Any, cache: DynamicCache, rows: int, steps: int) -> int:
    """Take so many steps, as transformers does by itself; how many tokens they are."""
    enabled, model.config._attn_implementation = model.config._attn_implementation, 'sdpa'
    for _ in range(steps):
        columns = cache.get_seq_length()
        model(
            torch.ones(rows, 1, dtype=torch.long),
            attention_mask=torch.ones(rows, columns + 1, dtype=torch.long),
            position_ids=torch.full((rows, 1), columns),
            past_key_values=cache,
        )
    model.config._attn_implementation = enabled
    return rows * steps


def answered(engine: TransformersEngine, requests: list[Request]) -> tuple[int, int]:
    """Answer the requests; the tokens written, and those of the longest prompt."""
    outcomes = asyncio.run(engine.complete(requests))
    done = [each for each in outcomes if isinstance(each, Completion)]
    assert len(done) == len(requests), outcomes
    # The token that ends an answer was decoded as well.
    written = sum((each.completion_tokens or 0) + (each.finish_reason == 'stop') for each in done)
    return written, max(each.prompt_tokens or 0 for each in done)


def compare(rows: int, tokens: int, repeats: int, steps: int) -> None:
    """Print a line for one number of rows."""
    engine = TransformersEngine(str(builtin_model()), device='cpu', batch_size=rows)
    sampling = Sampling(tokens)
    requests = requests_of(engine.batch_size, sampling)
    _, prompt = answered(engine, requests_of(2, Sampling(2)))
    bare, whole = Rates(), Rates()
    with PeakMemory() as peak:
        for _ in range(repeats):
            cache = filled_cache(engine._model.config, rows, prompt + tokens // 2)
            with bare.turn() as made:
                made.append(bare_steps(engine._model, cache, rows, steps))
            del cache
            with whole.turn() as made:
                made.append(answered(engine, requests)[0])
    for name in ('clock', 'processor'):
        own, theirs = median(getattr(whole, name)), median(getattr(bare, name))
        print(
            f'{rows:5d} rows, by the {name:9s}: steps {theirs:6.0f} tokens/s, engine {own:6.0f}, '
            f'ratio {own / theirs:.2f}; peak {peak.bytes / 2**30:.2f} GiB',
            flush=True,
        )


def nothing_to_do(repeats: int) -> None:
    """Print how long the pipeline takes when all is answered already."""
    with tempfile.TemporaryDirectory() as folder:
        options = ['questions.topics=1', 'sampling.num_samples=2', 'sampling.max_new_tokens=8']
        command = [sys.executable, str(TOOL), '--quiet', '--work-dir', folder, '--cfg-options']
        seconds = []
        for _ in range(repeats + 1):
            start = time.perf_counter()
            subprocess.run([*command, *options], check=False, capture_output=True)
            seconds.append(time.perf_counter() - start)
    print(f'a run with nothing to do: {median(seconds[1:]):.1f} s (the first: {seconds[0]:.1f} s)')


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rows', type=int, nargs='+', default=[32, 128, 256])
    parser.add_argument('--tokens', type=int, default=40, help='most tokens of an answer')
    parser.add_argument('--steps', type=int, default=5, help='bare steps of a turn')
    parser.add_argument('--repeats', type=int, default=3)
    args = parser.parse_args()
    nothing_to_do(args.repeats)
    for rows in args.rows:
        compare(rows, args.tokens, args.repeats, args.steps)


if __name__ == '__main__':
    main()
