"""Agreement of the lexical annotator with human spans and with the judge of a table.

Human spans: JSON lines with ``question_id``, ``question``, ``document``, ``language`` and
``responses``, each with ``text`` and ``hallucination_spans`` (objects with ``start`` and ``end``,
characters). A sentence is hallucinated when a span overlaps it. Positive: hallucinated.

A built-in table: JSON lines with ``question_id`` (of the table's questions) and ``text``, as a run
writes them to ``responses.jsonl``. The judge that reads the table says what holds.

    python benchmarks/lexical_agreement.py --spans FILE
    python benchmarks/lexical_agreement.py --table countries FILE
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from typing import Any, get_args

from maskdpo_xtuner.annotators import LexicalAnnotator, SentenceAnnotator
from maskdpo_xtuner.annotators.table import TableAnnotator
from maskdpo_xtuner.builtin.named import BUILT_IN, find_table
from maskdpo_xtuner.builtin.tables import Split, build_questions
from maskdpo_xtuner.jsonl import parse_record, read_objects
from maskdpo_xtuner.records import Label, Question, Sentence
from maskdpo_xtuner.splitters import split_sentences

Case = tuple[bool, Label]  # whether a human marked the sentence, and what the annotator says


def judged_sentences(path: str, annotator: LexicalAnnotator) -> Iterator[Case]:
    """Give one case per sentence of the file; errors as of `read_objects`."""
    for line, row in read_objects(path):
        question = parse_record(Question, {'topic': row['question_id'], **row}, path, line)
        for response in row['responses']:
            text, spans = response['text'], response['hallucination_spans']
            for start, end in split_sentences(text, question.language):
                label, _ = annotator.label(question, text[start:end])
                yield _is_marked(spans, start, end), label


def _is_marked(spans: list[dict[str, Any]], start: int, end: int) -> bool:
    return any(span['start'] < end and span['end'] > start for span in spans)


def scores(true_positives: float, predicted: float, marked: int) -> tuple[float, float, float]:
    """Precision, recall and F1 (``2 tp / (predicted + marked)``); nan where undefined."""
    precision = true_positives / predicted if predicted else float('nan')
    recall = true_positives / marked if marked else float('nan')
    total = predicted + marked
    return precision, recall, 2 * true_positives / total if total else float('nan')


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


def kappa(counts: Counter[tuple[Label, Label]]) -> float:
    """Cohen's kappa over the four labels (Cohen 1960); nan where chance alone agrees."""
    total = counts.total()
    agreed = sum(counts[label, label] for label in Label) / total
    first, second = (Counter[Label](), Counter[Label]())
    for (one, other), count in counts.items():
        first[one] += count
        second[other] += count
    chance = sum(first[label] * second[label] for label in Label) / total**2
    return (agreed - chance) / (1 - chance) if chance < 1 else float('nan')


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument('--spans', action='store_true', help='FILE holds human spans')
    kind.add_argument(
        '--table', choices=sorted(BUILT_IN), help='FILE holds answers about this table'
    )
    parser.add_argument('file', help='JSON lines, see the top of this script')
    args = parser.parse_args()
    if args.table:
        _print_table(compared_labels(args.table, args.file))
    else:
        _print_spans(list(judged_sentences(args.file, LexicalAnnotator())))


def _print_table(counts: Counter[tuple[Label, Label]]) -> None:
    print('table, lexical →   ' + ' '.join(f'{label.value:>16}' for label in Label))
    for one in Label:
        print(f'{one.value:18} ' + ' '.join(f'{counts[one, other]:16}' for other in Label))
    true = Label.NO_HALLUCINATION
    called = sum(counts[label, true] for label in Label)
    hold = sum(counts[true, label] for label in Label)
    precision, recall, _ = scores(counts[true, true], called, hold)
    wrong = counts[Label.CONTRADICTORY, true]
    print(
        f'\nno_hallucination: {called}, of which the table holds {precision:.1%} and denies {wrong}'
        f'\ntrue by the table: {hold}, found {recall:.1%}\nkappa {kappa(counts):.3f}'
    )


def _print_spans(cases: list[Case]) -> None:
    marked = sum(is_marked for is_marked, _ in cases)
    predicted = sum(label.is_hallucination for _, label in cases)
    hits = sum(is_marked and label.is_hallucination for is_marked, label in cases)
    base_rate, rate = marked / len(cases), predicted / len(cases)
    rows = {
        'lexical': scores(hits, predicted, marked),
        'always positive': scores(marked, len(cases), marked),
        # Expectation of a coin that says "hallucinated" as often as the annotator does.
        'random, same rate': scores(rate * marked, predicted, marked),
    }
    print(f'{len(cases)} sentences, {marked} hallucinated (base rate {base_rate:.1%})\n')
    print(f'{"":18} {"precision":>9} {"recall":>9} {"F1":>9}')
    for name, row in rows.items():
        print(f'{name:18} ' + ' '.join(f'{value:9.3f}' for value in row))
    _print_labels(cases)


def _print_labels(cases: list[Case]) -> None:
    counts = Counter(label for _, label in cases)
    marked = Counter(label for is_marked, label in cases if is_marked)
    print(f'\n{"label":18} {"sentences":>9} {"share":>9} {"marked":>9}')
    for label in Label:
        share = counts[label] / len(cases)
        print(f'{label.value:18} {counts[label]:9} {share:9.1%} {marked[label]:9}')


if __name__ == '__main__':
    main()
