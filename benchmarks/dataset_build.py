"""Time and memory of one build of the training data set, as one line of JSON.

    python benchmarks/dataset_build.py PAIRS.jsonl TOKENIZER_FOLDER

The cache is a new one, so that everything is computed. Memory is what the process itself holds
(RssAnon of Linux): pages of memory-mapped files are the system's, which takes them back at need.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time

import datasets
from process_memory import PeakMemory, held_memory
from transformers import AutoTokenizer

from maskdpo_xtuner.training import build_mask_preference_dataset


def main() -> None:
    """Build, measure, print."""
    path, folder = sys.argv[1:]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    before = held_memory(os.getpid())
    with tempfile.TemporaryDirectory() as cache, PeakMemory() as peak:
        datasets.config.HF_DATASETS_CACHE = cache
        start = time.perf_counter()
        pairs = {'type': 'load_preference_pairs', 'path': path}
        items = build_mask_preference_dataset(pairs, tokenizer, max_length=1024)
        seconds = time.perf_counter() - start
        tokens = sum(
            len(batch[f'{side}_ids'].combine_chunks().flatten())
            for batch in items.with_format('arrow').iter(batch_size=10_000)
            for side in ('chosen', 'rejected')
        )
    result = {
        'pairs': len(items),
        'tokens': tokens,
        'seconds': seconds,
        'before': before,
        'peak': peak.bytes,
    }
    print(json.dumps(result))


if __name__ == '__main__':
    main()
