"""What annotating only what the pairs need saves, with a stand-in for both models.

    python benchmarks/needed_annotation.py [--samples 8 32 256] [--questions 60]

The stages of the pipeline run with ``annotation='all'`` and with ``'needed'``, in two work dirs;
their pairs are compared byte by byte. There are two stand-ins: answers ``alike``, where every
sentence is right with the same probability (the least that can be saved), and ``different``, where
each answer has one of its own, between 0.4 and 1, as a judge finds them. Part of the table: the
share of dialogues that ended in their first or second turn. Seconds are of our side alone, memory
is the highest of the process so far.
"""

from __future__ import annotations

import argparse
import re
import resource
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stand_in_annotator import InstantEngine, annotator_of, question_of

from maskdpo_xtuner.builtin.model import builtin_model
from maskdpo_xtuner.completions import CompletionStore
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.pairing import PairRules
from maskdpo_xtuner.pipeline.run import annotate_stage, pair_stage, sample_stage
from maskdpo_xtuner.pipeline.summary import Summary
from maskdpo_xtuner.settings import SamplingSettings

CONCURRENCY = 128
_SURVEY = re.compile(r'the survey (\d+) of the northern')


class Judge(InstantEngine):
    """Counts how many dialogues come to each turn.

    Args:
        different: whether an answer has a quality of its own.
    """

    def __init__(self, different: bool) -> None:
        super().__init__(CONCURRENCY)
        self.turns: Counter[int] = Counter()
        self._different = different

    async def complete(self, requests: Sequence[Request]) -> list[Completion | Failure]:
        """Answer at once."""
        self.turns.update((len(request.messages) + 1) // 2 for request in requests)
        return await super().complete(requests)

    def _answer(self, request: Request) -> Completion:
        said = super()._answer(request)
        if not self._different or len(request.messages) < 5:
            return said
        prompt = request.messages[0].content
        survey = _SURVEY.findall(prompt)[-1]
        quality = 40 + zlib.crc32(survey.encode()) % 61
        is_right = zlib.crc32(prompt.encode()[::-1]) % 100 < quality
        text = '<No Hallucination>' if is_right else '<Contradictory>'
        return Completion(text, 'stop', said.prompt_tokens, said.completion_tokens)


@dataclass(frozen=True)
class Run:
    """What one run gave."""

    sentences: int
    turns: Counter[int]
    seconds: float
    pairs: bytes


def run(folder: Path, questions: int, samples: int, *, different: bool, needed: bool) -> Run:
    """Sample, annotate and pair."""
    asked = {question_of(number).question_id: question_of(number) for number in range(questions)}
    summary = Summary(questions=questions, samples=samples)
    judge = Judge(different)
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


def compare(questions: int, samples: int, *, different: bool) -> str:
    """Give a line of the table."""
    runs = []
    for needed in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            runs.append(run(Path(folder), questions, samples, different=different, needed=needed))
    every, few = runs
    assert every.pairs == few.pairs, 'the pairs differ'
    turns, fewer = every.turns.total(), few.turns.total()
    first, second = (1 - every.turns[turn + 1] / every.turns[turn] for turn in (1, 2))
    cells = (
        'different' if different else 'alike',
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
    kinds = ['alike', 'different']
    parser.add_argument('--answers', nargs='+', choices=kinds, default=kinds)
    args = parser.parse_args()
    print(
        '| answers | K | questions | sentences | asked | turns: all | needed | share | '
        's: all | needed | ended in turn 1 | of the rest in 2 | MiB |'
    )
    print('|' + '---|' * 13)
    for different in (kind == 'different' for kind in args.answers):
        for samples in args.samples:
            questions = max(4, args.questions * 32 // samples)
            print(compare(questions, samples, different=different), flush=True)


if __name__ == '__main__':
    main()
