"""The share of sentences that the paper's rule needs, on simulated labels; no pipeline around it.

    python benchmarks/needed_labels.py [--samples 8 32 256] [--answers 256]

Answers have 5 to 15 sentences, each of which is right with the probability of its answer. That is
drawn between two bounds: the less answers differ from each other, the more has to be asked.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence

from maskdpo_xtuner.pairing import PairRules, bounds_of, still_needed
from maskdpo_xtuner.pipeline.needed import LOOK_AHEAD
from maskdpo_xtuner.records import NOT_NEEDED, AnnotatedResponse, Label, Sentence

BOUNDS = ((0.51, 0.51), (0.75, 0.75), (0.4, 1.0), (0.0, 1.0))
RULES = PairRules()


def response(index: int, asked: Sequence[bool], left: int) -> AnnotatedResponse:
    """A response with the verdicts on its first sentences, one character each."""
    labels = [Label.NO_HALLUCINATION if right else Label.CONTRADICTORY for right in asked]
    known = [Sentence(start=n, end=n + 1, label=label) for n, label in enumerate(labels)]
    rest = range(len(asked), len(asked) + left)
    return AnnotatedResponse(
        question_id='q', sample_index=index, seed=1, text=f'{index:16d}'[-16:], model='m',
        finish_reason='stop', prompt_tokens=0, completion_tokens=0, annotator={},
        sentences=(*known, *(Sentence(start=n, end=n + 1, failure=NOT_NEEDED) for n in rest)),
    )  # fmt: skip


def asked_of(labels: Sequence[Sequence[bool]]) -> tuple[int, int]:
    """Ask until the pair is known; gives the sentences that were asked, and the rounds."""
    asked, rounds = [0] * len(labels), 0
    known = [bounds_of(response(n, [], len(each)), RULES) for n, each in enumerate(labels)]
    while wanted := still_needed(known, RULES, LOOK_AHEAD):
        rounds += 1
        for index in [each.sample_index for each in wanted]:
            asked[index] += 1
            now = labels[index][: asked[index]]
            left = len(labels[index]) - len(now)
            known[index] = bounds_of(response(index, now, left), RULES)
    return sum(asked), rounds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--samples', type=int, nargs='+', default=[8, 32, 256])
    parser.add_argument('--answers', type=int, default=256, help='to all questions together')
    args = parser.parse_args()
    print('| K | right with a probability of | asked | rounds a question |\n|---|---|---|---|')
    for samples in args.samples:
        for low, high in BOUNDS:
            chance = random.Random(samples)
            asked = total = rounds = 0
            questions = max(1, args.answers // samples)
            for _ in range(questions):
                labels = []
                for _ in range(samples):
                    right = chance.uniform(low, high)
                    labels.append([chance.random() < right for _ in range(chance.randint(5, 15))])
                counts = asked_of(labels)
                asked, rounds = asked + counts[0], rounds + counts[1]
                total += sum(map(len, labels))
            print(
                f'| {samples} | {low} to {high} | {asked / total:.2f} | {rounds / questions:.0f} |',
                flush=True,
            )


if __name__ == '__main__':
    main()
