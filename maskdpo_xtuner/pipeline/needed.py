"""Annotation of no more than the pairs need."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from maskdpo_xtuner.annotators.base import Annotator, Dialogue
from maskdpo_xtuner.annotators.pieces import Piece, pieces_of
from maskdpo_xtuner.completions import Scheduler, run_rounds
from maskdpo_xtuner.engines.base import Engine
from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.pairing import (
    Bounds,
    PairRules,
    bounds_of,
    reads_all_scores,
    still_needed,
)
from maskdpo_xtuner.pipeline.annotation import as_annotated
from maskdpo_xtuner.records import NOT_NEEDED, AnnotatedResponse, Question, Response, Sentence
from maskdpo_xtuner.settings import Settings

_AT_A_TIME = 2
"""Sentences of a question that are asked about at a time, at most: one of each side of a pair."""

_PARTIAL = (
    "not judged as far as these pairs need it: annotate it with annotation='all' first, in its own "
    'work dir (nothing is asked twice)'
)
Verdicts = tuple[Sentence, ...]


def rules_of_needed(settings: Settings, engine: Engine | None) -> PairRules | None:
    """Give the rules that decide what is asked; None where everything is judged."""
    return None if why_all(settings, engine) else settings.pair_rules()


def why_all(settings: Settings, engine: Engine | None) -> str | None:
    """Say why all is judged; None where the settings ask for less and it can be done."""
    if settings.annotation == 'all':
        return "annotation='all'"
    if engine is None:
        return 'the judge asks no engine, so that there is nothing to save'
    return reads_all_scores(settings.pair_rules())


def refuse_partial(annotated: Iterable[AnnotatedResponse], rules: PairRules) -> None:
    """Refuse responses that were judged for other pairs, and not far enough for these.

    Raises:
        ValueError: naming the first question, and what to do.
    """
    for question_id, group in groupby(annotated, key=lambda response: response.question_id):
        responses = list(group)
        if not any(response.is_partial for response in responses):
            continue
        known = [bounds_of(each, rules, of_sentences=False) for each in responses]
        if reads_all_scores(rules) or still_needed(known, rules):
            raise ValueError(f'{question_id} is {_PARTIAL}')


def annotate_needed(
    responses: Iterable[Response],
    questions: Mapping[str, Question],
    annotator: Annotator,
    scheduler: Scheduler[Verdicts],
    rules: PairRules,
) -> Iterator[list[AnnotatedResponse]]:
    """Label the sentences that the pairs depend on; the others are `NOT_NEEDED`.

    Pairs, and questions without any, are those of `maskdpo_xtuner.pipeline.annotation.annotate`.

    Args:
        responses: question by question; they come back in the same order, a list for each.
        questions: by id; one for every response.
        annotator: whose verdicts are taken; one that judges whole responses is asked about as many.
        scheduler: runs its dialogues.
        rules: that pairs will be made by, of those for which `reads_all_scores` is None.

    Raises:
        ValueError: for an annotator that gives spans which do not fit the response, or others than
            its splitter does.
    """
    groups = groupby(responses, key=lambda response: response.question_id)
    rounds = (
        _ask([_Judged(questions[name], each, annotator, rules) for each in group], rules)
        for name, group in groups
    )
    return run_rounds(scheduler, rounds, width=_AT_A_TIME)


def _ask(
    judged: Sequence[_Judged], rules: PairRules
) -> Generator[list[Dialogue], list[Verdicts], list[AnnotatedResponse]]:
    """Ask about a question's responses, some sentences at a time, until its pairs are decided."""
    by_index = {each.bounds.response.sample_index: each for each in judged}
    while wanted := still_needed([each.bounds for each in judged], rules):
        asked = [by_index[response.sample_index] for response in wanted]
        verdicts = yield [each.next_dialogue() for each in asked]
        for each, sentences in zip(asked, verdicts, strict=True):
            each.enter(sentences)
    return [each.bounds.response for each in judged]


class _Judged:
    """A response that is asked about piece by piece, from its beginning.

    Attributes:
        bounds: what is known of it.
    """

    bounds: Bounds

    def __init__(
        self, question: Question, response: Response, annotator: Annotator, rules: PairRules
    ) -> None:
        self._response, self._rules = response, rules
        self._identity = identity_of(annotator)
        self._known: list[Sentence | Piece] = []
        self._known.extend(pieces_of(annotator, question, response))
        self._next = 0
        self._update()

    def next_dialogue(self) -> Dialogue:
        """Give the dialogue about the first piece that was not asked about."""
        while isinstance(self._known[self._next], Sentence):
            self._next += 1
        piece = self._known[self._next]
        assert isinstance(piece, Piece)
        return piece.dialogue

    def enter(self, sentences: Verdicts) -> None:
        """Enter what came of that dialogue."""
        piece = self._known[self._next]
        assert isinstance(piece, Piece)
        if piece.is_split and [(s.start, s.end) for s in sentences] != list(piece.spans):
            raise ValueError(
                f'the annotator {self._identity.get("name", "without a name")} judged other '
                f'sentences of {self._response.response_id} than its splitter gives; set '
                "annotation='all'"
            )
        self._known[self._next : self._next + 1] = sentences
        self._update()

    def _update(self) -> None:
        is_split = True
        sentences: list[Sentence] = []
        for item in self._known:
            if isinstance(item, Sentence):
                sentences.append(item)
            else:
                is_split = is_split and item.is_split
                sentences.extend(_not_needed(item))
        response = as_annotated(self._response, tuple(sentences), self._identity)
        self.bounds = bounds_of(response, self._rules, of_sentences=is_split)


def _not_needed(piece: Piece) -> Iterator[Sentence]:
    for start, end in piece.spans:
        yield Sentence(start=start, end=end, failure=NOT_NEEDED)
