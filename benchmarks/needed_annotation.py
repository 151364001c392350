"""What annotating only what the pairs need saves, with a stand-in for both models.

    python benchmarks/needed_annotation.py [--samples 8 32 256] [--questions 60]

The stages of the pipeline run with ``annotation='all'`` and with ``'needed'``, in two work dirs;
their pairs are compared byte by byte. There are three kinds of answers: ``alike``, where every
sentence is right with the same probability (the least that can be saved), and ``different`` and
``far apart``, where each answer has one of its own, from 0.4 or 0 to 1. Part of the table: the
share of dialogues that ended in their first or second turn. Seconds are of our side alone, memory
is the highest of the process so far.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from stand_in_annotator import InstantEngine, annotator_of, question_of

from maskdpo_xtuner.builtin.model import builtin_model
from maskdpo_xtuner.completions import CompletionStore
from maskdpo_xtuner.pairing import PairRules
from maskdpo_xtuner.pipeline.run import annotate_stage, pair_stage, sample_stage
from maskdpo_xtuner.pipeline.summary import Summary
from maskdpo_xtuner.settings import SamplingSettings

CONCURRENCY = 128
# The smallest share of right sentences in an answer, in percent; None: the same in all.
KINDS: dict[str, int | None] = {'alike': None, 'different': 40, 'far apart': 0}


@dataclass(frozen=True)
class Run:
    """What one run gave."""

    sentences: int
    turns: Counter[int]
    seconds: float
    pairs: bytes


def run(folder: Path, questions: int, samples: int, *, kind: str, needed: bool) -> Run:
    """Sample, annotate and pair."""
    asked = {question_of(number).question_id: question_of(number) for number in range(questions)}
    summary = Summary(questions=questions, samples=samples)
    judge = InstantEngine(CONCURRENCY, least=KINDS[kind])
    policy = InstantEngine(CONCURRENCY, policy=True)
    sampling = SamplingSettings(num_samples=samples)
    annotator = annotator_of(builtin_model()), judge
    rules = PairRules() if needed else None
    with CompletionStore(folder / 'completions.sqlite') as store:
        sample_stage(folder, store, policy, asked, sampling, summary, quiet=True)
        start = time.perf_counter()
        annotate_stage(folder, store, annotator, asked, summary, quiet=True, needed_by=rules)
        seconds = time.perf_counter() - start
        pair_stage(folder, asked, PairRules(), summary)
    sentences = summary.labels.total()
    return Run(sentences, judge.turns, seconds, (folder / 'pairs.jsonl').read_bytes())


def compare(questions: int, samples: int, kind: str) -> str:
    """Give a line of the table."""
    runs = []
    for needed in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(run(Path(folder), questions, samples, kind=kind, needed=needed))
    every, few = runs
    assert every.pairs == few.pairs, 'the pairs differ'
    turns, fewer = every.turns.total(), few.turns.total()
    first, second = (1 - every.turns[turn + 1] / every.turns[turn] for turn in (1, 2))
    cells = (
        kind,
        samples,
        questions,
        every.sentences,
        f'{few.sentences / every.sentences:.2f}',
        turns,
        fewer,
        f'{fewer / turns:.2f}',
        f'{every.seconds:.0f}',
        f'{few.seconds:.0f}',
        f'{first:.0%}',
        f'{second:.0%}',
        f'{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}',
    )
    return '| ' + ' | '.join(map(str, cells)) + ' |'


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--samples', type=int, nargs='+', default=[8, 32, 256])
    parser.add_argument(
        '--questions', type=int, default=60, help='at 32 samples; else as many answers'
    )
    parser.add_argument('--answers', nargs='+', choices=KINDS, default=list(KINDS))
    args = parser.parse_args()
    print(
        '| answers | K | questions | sentences | asked | turns: all | needed | share | '
        's: all | needed | ended in turn 1 | of the rest in 2 | MiB |'
    )
    print('|' + '---|' * 13)
    for kind in args.answers:
        for samples in args.samples:
            questions = max(4, args.questions * 32 // samples)
            print(compare(questions, samples, kind), flush=True)


if __name__ == '__main__':
    main()
