"""Which human label belongs to a sentence of a judge, who may cut the text elsewhere.

Only letters and digits count, so blanks and punctuation at a border decide nothing. Where people
labelled sentences, a judge's sentence is the human one with which it shares more than
`LEAST_OVERLAP` of the letters and digits that stand in either: there is one at most, and no two
sentences of a judge have the same. Where people marked spans, a judge's sentence has the label of
the marks that share a letter or digit with it, of two labels the graver, and that of the unmarked
text otherwise; there every sentence has one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from maskdpo_xtuner.evaluation.human.forms import UNMARKED, HumanResponse, graver
from maskdpo_xtuner.records import AnnotatedResponse, Label, Sentence

LEAST_OVERLAP = 0.5

COMPARED = 'compared'
NOT_JUDGED = 'the judge gave no verdict'
NOT_TO_JUDGE = 'the judge left it out: cut, damaged or leaked'
NOT_LABELLED = 'the human label cannot be read'
NOT_MAPPED = 'no human sentence is the same'
NOT_REACHED = 'human sentences that no sentence of the judge is'
NO_RESPONSE = 'responses that the judge does not have'
OUTCOMES = (COMPARED, NOT_JUDGED, NOT_TO_JUDGE, NOT_LABELLED, NOT_MAPPED)


@dataclass(frozen=True)
class Case:
    """A sentence with both labels; ``score`` is the judge's, None where it gives none."""

    topic: str
    human: Label
    judge: Label
    score: float | None = None


@dataclass
class Matched:
    """The cases of one judge, and what became of all of its sentences.

    ``counts`` has the sentences by outcome: those of `OUTCOMES` are all that the judge gave.
    `NOT_REACHED` counts human sentences, `NO_RESPONSE` whole responses.
    """

    cases: list[Case] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def sentences(self) -> int:
        """All that the judge gave."""
        return sum(self.counts[outcome] for outcome in OUTCOMES)


def match(
    human: Iterable[HumanResponse],
    judged: Mapping[tuple[str, str], AnnotatedResponse],
    least_overlap: float = LEAST_OVERLAP,
) -> Matched:
    """Put both labels of every sentence of a judge side by side.

    Args:
        human: labelled responses.
        judged: (question id, text) -> the same response by the judge.
        least_overlap: see the head of this module; 0.5 at least, so that the human sentence is
            one alone.

    Raises:
        ValueError: for another ``least_overlap``.
    """
    if not LEAST_OVERLAP <= least_overlap < 1:
        raise ValueError(
            f'the least overlap is {least_overlap}; it must be in [{LEAST_OVERLAP}, 1): with less, '
            'a sentence could be two human ones'
        )
    found = Matched()
    for question, labelled in human:
        response = judged.get((question.question_id, labelled.text))
        if response is None:
            found.counts[NO_RESPONSE] += 1
            continue
        _match_response(found, question.topic, labelled, response, least_overlap)
    return found


def _match_response(
    found: Matched,
    topic: str,
    labelled: AnnotatedResponse,
    response: AnnotatedResponse,
    least_overlap: float,
) -> None:
    words = _counter_of_words(labelled.text)
    reached = set()
    for sentence in response.sentences:
        if UNMARKED in labelled.annotator:
            human: Sentence | None = _by_marks(sentence, labelled, words)
        else:
            human = _the_same(sentence, labelled.sentences, words, least_overlap)
            reached.add(human)
        found.counts[_enter(found.cases, topic, human, sentence)] += 1
    if UNMARKED not in labelled.annotator:
        found.counts[NOT_REACHED] += len(set(labelled.sentences) - reached)


def _enter(cases: list[Case], topic: str, human: Sentence | None, judge: Sentence) -> str:
    """Add the case if there is one; gives the outcome."""
    if human is None:
        return NOT_MAPPED
    if human.label is None:
        return NOT_LABELLED
    if judge.label is None:
        return NOT_TO_JUDGE if judge.is_left_out else NOT_JUDGED
    cases.append(Case(topic, human.label, judge.label, judge.score))
    return COMPARED


def _counter_of_words(text: str) -> Callable[[int, int], int]:
    """Make a function that counts the letters and digits from a start to an end."""
    before = [0, *accumulate(map(str.isalnum, text))]
    return lambda start, end: before[end] - before[start] if start < end else 0


def _the_same(
    sentence: Sentence,
    humans: Sequence[Sentence],
    words: Callable[[int, int], int],
    least_overlap: float,
) -> Sentence | None:
    for human in humans:
        shared = words(max(sentence.start, human.start), min(sentence.end, human.end))
        either = words(sentence.start, sentence.end) + words(human.start, human.end) - shared
        if shared > least_overlap * either:
            return human
    return None


def _by_marks(
    sentence: Sentence, labelled: AnnotatedResponse, words: Callable[[int, int], int]
) -> Sentence:
    """Give the span of a judge with the label that the marks give it."""
    label: Label | None = None
    for mark in _touching(sentence, labelled.sentences, words):
        if mark.label is None:
            return mark
        label = mark.label if label is None else graver(label, mark.label)
    label = label or Label(labelled.annotator[UNMARKED])
    return Sentence(start=sentence.start, end=sentence.end, label=label)


def _touching(
    sentence: Sentence, marks: Sequence[Sentence], words: Callable[[int, int], int]
) -> Iterator[Sentence]:
    for mark in marks:
        if words(max(sentence.start, mark.start), min(sentence.end, mark.end)):
            yield mark
