"""Agreement of the lexical annotator with the judge of a built-in table.

FILE has JSON lines with ``question_id`` (of the table's questions) and ``text``, as a run writes
them to ``responses.jsonl``. The judge that reads the table says what holds. Against human labels:
``maskdpo judge-agreement --judge lexical``.

    python benchmarks/lexical_agreement.py countries FILE
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import get_args

import numpy as np

from maskdpo_xtuner.annotators import LexicalAnnotator, SentenceAnnotator
from maskdpo_xtuner.annotators.table import TableAnnotator
from maskdpo_xtuner.builtin.named import BUILT_IN, find_table
from maskdpo_xtuner.builtin.tables import Split, build_questions
from maskdpo_xtuner.evaluation.agreement import cohens_kappa
from maskdpo_xtuner.jsonl import read_objects
from maskdpo_xtuner.records import Label, Question, Sentence
from maskdpo_xtuner.splitters import split_sentences


def compared_labels(table_name: str, path: str) -> Counter[tuple[Label, Label]]:
    """Count (label by the table, label by the words) over the sentences of the file's answers."""
    table = find_table(table_name)
    rows = table.load_rows()
    questions = [q for split in get_args(Split) for q in build_questions(table, rows, split)]
    by_id = {question.question_id: question for question in questions}
    judges: tuple[SentenceAnnotator, SentenceAnnotator] = (
        TableAnnotator(table),
        LexicalAnnotator(),
    )
    counts: Counter[tuple[Label, Label]] = Counter()
    for _, row in read_objects(path):
        question, text = by_id[row['question_id']], row['text']
        for span in split_sentences(text, question.language):
            by_table, by_words = (_label(judge, question, text, span) for judge in judges)
            counts[by_table, by_words] += 1
    return counts


def _label(judge: SentenceAnnotator, question: Question, text: str, span: tuple[int, int]) -> Label:
    try:
        next(judge.judge(question, text, span))
    except StopIteration as stopped:
        sentence: Sentence = stopped.value
        assert sentence.label is not None
        return sentence.label
    raise AssertionError('an annotator without a model asked something')


def main() -> None:
    """Print the table of both judges and what follows from it."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('table', choices=sorted(BUILT_IN), help='what the answers are about')
    parser.add_argument('file', help='JSON lines, see the top of this script')
    args = parser.parse_args()
    _print_table(compared_labels(args.table, args.file))


def _print_table(counts: Counter[tuple[Label, Label]]) -> None:
    print('table, lexical →   ' + ' '.join(f'{label.value:>16}' for label in Label))
    for one in Label:
        print(f'{one.value:18} ' + ' '.join(f'{counts[one, other]:16}' for other in Label))
    true = Label.NO_HALLUCINATION
    called = sum(counts[label, true] for label in Label)
    hold = sum(counts[true, label] for label in Label)
    both = counts[true, true]
    precision, recall = (both / n if n else float('nan') for n in (called, hold))
    grid = np.array([[counts[one, other] for other in Label] for one in Label])
    kappa = cohens_kappa(grid[np.newaxis])[0]
    wrong = counts[Label.CONTRADICTORY, true]
    print(
        f'\nno_hallucination: {called}, of which the table holds {precision:.1%} and denies {wrong}'
        f'\ntrue by the table: {hold}, found {recall:.1%}\nkappa {kappa:.3f}'
    )


if __name__ == '__main__':
    main()
