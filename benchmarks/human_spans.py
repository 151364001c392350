"""Spans that people marked as weights: pairs finer than sentences, and what sentences blur.

Reads JSON lines with ``question_id``, ``question``, ``document``, ``language`` and ``responses``,
each with ``text`` and ``hallucination_spans`` (objects with ``start`` and ``end``, characters).
The answer with the smallest share of marked characters is chosen, the one with the largest
rejected. Three masks of the same pairs are compared: whole answers, sentences (one that a mark
overlaps is hallucinated), and the marks themselves.

    python benchmarks/human_spans.py FILE [--out PAIRS.jsonl] [--tokenizer FOLDER]

``--out`` keeps the pairs with the marks as weights, ready for ``xtuner train``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from transformers import AutoTokenizer

from maskdpo_xtuner.builtin.model import builtin_model
from maskdpo_xtuner.evaluation.human.marks import read_marked_questions
from maskdpo_xtuner.jsonl import write_records
from maskdpo_xtuner.masking import LabelledResponse, Side, mask_batch
from maskdpo_xtuner.records import PreferencePair, Question
from maskdpo_xtuner.sepo.spans import Span, merge_spans
from maskdpo_xtuner.splitters import split_sentences


@dataclass(frozen=True)
class Answer:
    """A text and the merged spans of it that people marked."""

    text: str
    language: Any
    marked: list[Span]

    @property
    def marked_share(self) -> float:
        """Of its characters."""
        return sum(end - start for start, end in self.marked) / len(self.text)


Pair = tuple[Question, dict[Side, Answer]]
"""A question of the file with its best and its worst answer."""


def complement(spans: Sequence[Span], length: int) -> list[Span]:
    """What ``spans`` leave of ``[0, length)``."""
    borders = [0, *(border for span in spans for border in span), length]
    return [(a, b) for a, b in zip(borders[::2], borders[1::2], strict=True) if a < b]


def read_pairs(path: str) -> Iterator[Pair]:
    """Best and worst answer of each question where the best has something right to learn."""
    for _, question, row in read_marked_questions(path):
        answers = []
        for response in row.responses:
            spans = [(span.start, span.end) for span in response.hallucination_spans]
            answers.append(Answer(response.text, question.language, merge_spans(spans)))
        best, worst = (pick(answers, key=lambda a: a.marked_share) for pick in (min, max))
        if best.marked_share < worst.marked_share:
            yield question, {'chosen': best, 'rejected': worst}


def whole(side: Side, answer: Answer) -> list[Span]:
    """Plain DPO."""
    return [(0, len(answer.text))]


def sentences(side: Side, answer: Answer) -> list[Span]:
    """Mask-DPO: right sentences of the chosen, wrong ones of the rejected answer."""
    return [
        (start, end)
        for start, end in split_sentences(answer.text, answer.language)
        if any(a < end and b > start for a, b in answer.marked) == (side == 'rejected')
    ]


def marks(side: Side, answer: Answer) -> list[Span]:
    """What people marked in the rejected, and did not mark in the chosen answer."""
    marked = answer.marked
    return marked if side == 'rejected' else complement(marked, len(answer.text))


MASKS = {'whole answers': whole, 'sentences': sentences, 'marks': marks}


def weighted_pair(question: Question, answers: dict[Side, Answer]) -> PreferencePair:
    """A record whose pieces are the marks, each with the weight 1."""
    fields: dict[str, Any] = question.model_dump(include={'question_id', 'language'})
    for side, answer in answers.items():
        spans = marks(side, answer)
        fields[side] = [{'role': 'assistant', 'content': answer.text}]
        pieces = [answer.text[start:end] for start, end in spans]
        fields[f'{side}_item'] = {'sents': pieces, 'spans': spans, 'weights': [1.0] * len(spans)}
    prompt = [{'role': 'user', 'content': question.question}]
    return PreferencePair.model_validate({'prompt': prompt, **fields})


def token_masks(
    tokenizer: Any,
    pairs: Sequence[Pair],
    side: Side,
    spans_of: Callable[[Side, Answer], list[Span]],
) -> list[bool]:
    """The masks of one side of all pairs, one after the other; without end-of-turn tokens."""
    items = []
    for question, answers in pairs:
        prompt = [{'role': 'user', 'content': question.question}]
        spans = spans_of(side, answers[side])
        items.append(LabelledResponse(prompt, answers[side].text, spans, [1.0] * len(spans)))
    return [flag for masked in mask_batch(tokenizer, items, 'never') for flag in masked.mask]


def report(tokenizer: Any, pairs: Sequence[Pair]) -> None:
    """Print one line for each mask."""
    print(f'{len(pairs)} pairs; tokens in the loss, and of them those that teach the opposite\n')
    print(f'{"mask":14} ' + ' '.join(f'{side:>9} {"opposite":>9}' for side in get_args(Side)))
    truths = {side: token_masks(tokenizer, pairs, side, marks) for side in get_args(Side)}
    for name, spans_of in MASKS.items():
        cells = []
        for side, truth in truths.items():
            mask = token_masks(tokenizer, pairs, side, spans_of)
            right = sum(flag and true for flag, true in zip(mask, truth, strict=True))
            cells.append(f'{sum(mask):9,} {1 - right / sum(mask):9.1%}')
        print(f'{name:14} ' + ' '.join(cells))


def main() -> None:
    """Print the table; write the pairs."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('file', help='answers with human hallucination spans, JSON lines')
    parser.add_argument('--out', metavar='PAIRS.jsonl', help='keep the pairs')
    parser.add_argument('--tokenizer', metavar='FOLDER', help='default: of the built-in model')
    options = parser.parse_args()
    pairs = list(read_pairs(options.file))
    report(AutoTokenizer.from_pretrained(options.tokenizer or builtin_model()), pairs)
    if options.out:
        count = write_records(options.out, [weighted_pair(*pair) for pair in pairs])
        print(f'\n{options.out}: {count} pairs')


if __name__ == '__main__':
    main()
