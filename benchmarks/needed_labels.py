"""The share of sentences that the paper's rule needs, on simulated labels; no pipeline around it.

    python benchmarks/needed_labels.py [--samples 8 32 256] [--answers 2560] [--marked FILE]

Answers have 5 to 15 sentences, each of which is right with the probability of its answer. That is
drawn between two bounds: the less answers differ from each other, the more has to be asked.
``fewest`` is what no way of asking can fall below: the verdicts that prove the pair to somebody who
knows them all beforehand.

``--marked`` takes labels of people instead: a file as that of `benchmarks/human_spans.py`, with
several answers to a question. A sentence that a mark overlaps is hallucinated. Sentences are asked
in several orders within their answers.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any

from maskdpo_xtuner.evaluation.human.marks import read_marked_questions
from maskdpo_xtuner.pairing import PairRules, bounds_of, still_needed
from maskdpo_xtuner.records import NOT_NEEDED, AnnotatedResponse, Label, Sentence
from maskdpo_xtuner.splitters import split_sentences

BOUNDS = ((0.51, 0.51), (0.75, 0.75), (0.4, 1.0), (0.0, 1.0))
RULES = PairRules()
ORDERS: Mapping[str, Callable[[int, str], Any]] = {
    'from the beginning': lambda place, text: place,
    'from the end': lambda place, text: -place,
    'the longest first': lambda place, text: -len(text),
    'the most numbers first': lambda place, text: (-len(re.findall(r'\d+', text)), place),
}
"""What sentences of an answer are sorted by, of their place and text."""


def response(index: int, asked: Sequence[bool], left: int) -> AnnotatedResponse:
    """A response with the verdicts on its first sentences, one character each."""
    labels = [Label.NO_HALLUCINATION if right else Label.CONTRADICTORY for right in asked]
    known = [Sentence(start=n, end=n + 1, label=label) for n, label in enumerate(labels)]
    rest = range(len(asked), len(asked) + left)
    return AnnotatedResponse(
        question_id='q', sample_index=index, seed=1, text=f'{index:99d}', model='m',
        finish_reason='stop', prompt_tokens=0, completion_tokens=0, annotator={},
        sentences=(*known, *(Sentence(start=n, end=n + 1, failure=NOT_NEEDED) for n in rest)),
    )  # fmt: skip


def asked_of(labels: Sequence[Sequence[bool]]) -> tuple[int, int]:
    """Ask until the pair is known; gives the sentences that were asked, and the rounds."""
    asked, rounds = [0] * len(labels), 0
    known = [bounds_of(response(n, [], len(each)), RULES) for n, each in enumerate(labels)]
    while wanted := still_needed(known, RULES):
        rounds += 1
        for index in [each.sample_index for each in wanted]:
            asked[index] += 1
            now = labels[index][: asked[index]]
            left = len(labels[index]) - len(now)
            known[index] = bounds_of(response(index, now, left), RULES)
    return sum(asked), rounds


def fewest_of(labels: Sequence[Sequence[bool]]) -> int:
    """Count the fewest verdicts that prove the pair: the first best and the first worst response.

    Both have to be judged whole. Any other must be shown to be no better than the one, by sentences
    that are wrong, and no worse than the other, by sentences that are right.
    """
    scores = [Fraction(sum(each), len(each)) for each in labels]
    best = min(range(len(labels)), key=lambda n: (-scores[n], n))
    worst = min(range(len(labels)), key=lambda n: (scores[n], n))
    total = sum(len(labels[n]) for n in {best, worst})
    for n, each in enumerate(labels):
        if n not in (best, worst):
            # Of equal scores the first counts, so that one before it must be strictly less.
            total += _fewest(len(each), 1 - scores[best], strictly=n < best)
            total += _fewest(len(each), scores[worst], strictly=n < worst)
    return total


def _fewest(length: int, share: Fraction, *, strictly: bool) -> int:
    """Give the least number of ``length`` sentences that makes this share of them, or more."""
    exact = length * share
    return floor(exact) + 1 if strictly else ceil(exact)


def marked_answers(path: str) -> Iterator[list[list[tuple[str, bool]]]]:
    """Yield of each question its answers: sentences, and whether they are right."""
    for _, question, row in read_marked_questions(path):
        answers = []
        for each in row.responses:
            marks = [(mark.start, mark.end) for mark in each.hallucination_spans]
            spans = split_sentences(each.text, question.language)
            answers.append([(each.text[a:b], not _overlaps(a, b, marks)) for a, b in spans])
        yield [answer for answer in answers if answer]


def _overlaps(start: int, end: int, marks: Sequence[tuple[int, int]]) -> bool:
    return any(a < end and b > start for a, b in marks)


def show_marked(path: str) -> None:
    """Print the table of people's labels."""
    questions = list(marked_answers(path))
    print('| sentences | of all questions | of those with a pair | fewest of these |')
    print('|---|---|---|---|')
    for name, key in ORDERS.items():
        counts = []
        for answers in questions:
            labels = [_in_order(answer, key) for answer in answers]
            scores = {Fraction(sum(each), len(each)) for each in labels}
            asked = asked_of(labels)[0]
            counts.append((len(scores) > 1, sum(map(len, labels)), asked, fewest_of(labels)))
        paired = [each for each in counts if each[0]]
        total, of_pairs = (sum(each[1] for each in some) for some in (counts, paired))
        print(
            f'| {name} | {sum(each[2] for each in counts) / total:.3f} '
            f'| {sum(each[2] for each in paired) / of_pairs:.3f} '
            f'| {sum(each[3] for each in paired) / of_pairs:.3f} |'
        )
    print(f'\n{len(questions)} questions, {len(paired)} of them with a pair; {total} sentences')


def _in_order(answer: Sequence[tuple[str, bool]], key: Callable[[int, str], Any]) -> list[bool]:
    places = sorted(range(len(answer)), key=lambda place: key(place, answer[place][0]))
    return [answer[place][1] for place in places]


def show_simulated(sizes: Sequence[int], answers: int) -> None:
    """Print the table of simulated labels."""
    print('| K | right with a probability of | asked | fewest | rounds a question |')
    print('|---|---|---|---|---|')
    for samples in sizes:
        for low, high in BOUNDS:
            chance = random.Random(samples)
            asked = total = rounds = fewest = 0
            questions = max(1, answers // samples)
            for _ in range(questions):
                labels = []
                for _ in range(samples):
                    right = chance.uniform(low, high)
                    labels.append([chance.random() < right for _ in range(chance.randint(5, 15))])
                counts = asked_of(labels)
                asked, rounds = asked + counts[0], rounds + counts[1]
                fewest += fewest_of(labels)
                total += sum(map(len, labels))
            print(
                f'| {samples} | {low} to {high} | {asked / total:.2f} | {fewest / total:.2f} '
                f'| {rounds / questions:.0f} |',
                flush=True,
            )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--samples', type=int, nargs='+', default=[8, 32, 256])
    parser.add_argument('--answers', type=int, default=2560, help='to all questions together')
    parser.add_argument('--marked', metavar='FILE', help='labels of people in their place')
    args = parser.parse_args()
    if args.marked:
        show_marked(args.marked)
    else:
        show_simulated(args.samples, args.answers)


if __name__ == '__main__':
    main()
