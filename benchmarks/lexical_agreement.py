"""Agreement of the lexical annotator with human spans, per sentence; positive: hallucinated.

Reads JSON lines with ``question_id``, ``question``, ``document``, ``language`` and ``responses``,
each with ``text`` and ``hallucination_spans`` (objects with ``start`` and ``end``, characters). A
sentence is hallucinated when a span overlaps it.

    python benchmarks/lexical_agreement.py FILE
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from typing import Any

from maskdpo_xtuner.annotators import LexicalAnnotator
from maskdpo_xtuner.jsonl import parse_record, read_objects
from maskdpo_xtuner.records import Label, Question
from maskdpo_xtuner.sentences import split_sentences

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


def main() -> None:
    """Print the scores beside two baselines, and the labels."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('file', help='answers with human hallucination spans, JSON lines')
    cases = list(judged_sentences(parser.parse_args().file, LexicalAnnotator()))
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
