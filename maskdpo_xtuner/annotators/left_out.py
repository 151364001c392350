"""What of a response no annotator judges: what was cut, damaged or leaked from a template."""

from __future__ import annotations

import re
from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from maskdpo_xtuner.annotators.base import Annotator, Dialogue, SentenceAnnotator
from maskdpo_xtuner.annotators.pieces import Piece, pieces_of
from maskdpo_xtuner.annotators.spoken import TEMPLATE_MARK
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.identity import identity_of
from maskdpo_xtuner.records import Question, Response, Sentence
from maskdpo_xtuner.splitters.lines import CLOSERS, TERMINATORS

CutSentence = Literal['unjudged', 'judged']

_LEAKED = re.compile(rf'{TEMPLATE_MARK.pattern}|</?think(?:ing)?>')
_NUMBER_OF_ITEM = re.compile(r'\W*(?:\d{1,3}|[A-Za-z])[.)]+\W*')
_REPLACEMENT = '\ufffd'


class LeavesOut:
    """An annotator that judges what another one does, but for what cannot be judged.

    That has a `Sentence` whose ``failure`` is of a kind of its own, which counts in no score and
    is not asked again:

    - ``cut``: the last sentence of a response that met its token limit, unless a terminator ends
      it. The judge is not asked about it, nor shown it.
    - ``damaged``: a sentence with U+FFFD, which stands for a character that was cut.
    - ``leaked``: the whole of a response that goes on behind its end, as marks of a chat template
      in it show. To train on it would be to train on those marks.
    """

    def __init__(self, annotator: Annotator, asks: bool, cut_sentence: CutSentence) -> None:
        """Make it of an annotator.

        Args:
            annotator: whose verdicts are taken.
            asks: whether it asks an engine, so that what it is not asked about saves requests.
            cut_sentence: ``judged`` takes a cut sentence for a whole one.
        """
        self._annotator = annotator
        self._asks = asks and isinstance(annotator, SentenceAnnotator)
        self._leaves_out_cut = cut_sentence == 'unjudged'
        self.identity: Mapping[str, str] = identity_of(annotator)
        self.languages: Collection[str] | None = getattr(annotator, 'languages', None)

    def annotate(self, question: Question, response: Response) -> Sequence[Dialogue]:
        """Open the other's dialogues about what it can judge; see `Annotator`."""
        leaked = _leaked(response)
        if leaked:
            return [_at_once(leaked)]
        response, cut, is_cut = self._take_cut(question, response)
        dialogues = self._annotator.annotate(question, response) if response.text or not cut else []
        judged = [_checked(dialogue, response.text, is_cut) for dialogue in dialogues]
        return [*judged, *([_at_once(cut)] if cut else [])]

    def pieces(self, question: Question, response: Response) -> list[Piece | Sentence]:
        """Give the other's pieces, and at once what it cannot judge; see `pieces_of`."""
        leaked = _leaked(response)
        if leaked:
            return [leaked]
        response, cut, is_cut = self._take_cut(question, response)
        found = pieces_of(self._annotator, question, response) if response.text or not cut else []
        judged = [
            piece
            if isinstance(piece, Sentence)
            else replace(piece, dialogue=_checked(piece.dialogue, response.text, is_cut))
            for piece in found
        ]
        return [*judged, *([cut] if cut else [])]

    def _take_cut(
        self, question: Question, response: Response
    ) -> tuple[Response, Sentence | None, bool]:
        """Take off the cut sentence; else say whether it is still to be found at the end."""
        is_cut = self._leaves_out_cut and response.finish_reason == 'length'
        cut = self._cut_sentence(question, response.text) if is_cut and self._asks else None
        if cut is None:
            return response, None, is_cut
        return response.model_copy(update={'text': response.text[: cut.start]}), cut, False

    def _cut_sentence(self, question: Question, text: str) -> Sentence | None:
        assert isinstance(self._annotator, SentenceAnnotator), '_asks'
        spans = self._annotator.split(question, text)
        if not spans or _is_whole(text[slice(*spans[-1])]):
            return None
        start, end = spans[-1]
        return Sentence(start=start, end=end, failure=_CUT)


def _leaked(response: Response) -> Sentence | None:
    leaked = _LEAKED.search(response.text)
    if leaked is None:
        return None
    reason = f'leaked: the mark {leaked[0]!r} of a chat template'
    return Sentence(start=0, end=len(response.text), failure=reason)


_CUT = 'cut: the response met its token limit in this sentence'


def _checked(dialogue: Dialogue, text: str, is_cut: bool) -> Dialogue:
    sentences = yield from dialogue
    return tuple(map(partial(_leave_out, text, is_cut), sentences))


def _leave_out(text: str, is_cut: bool, sentence: Sentence) -> Sentence:
    """Give the sentence, with a failure instead of its verdict where it cannot have one."""
    said = text[sentence.start : sentence.end]
    reason = None
    if _REPLACEMENT in said:
        reason = 'damaged: U+FFFD stands for a character that was cut'
    elif is_cut and not text[sentence.end :].strip() and not _is_whole(said):
        reason = _CUT
    return Sentence(start=sentence.start, end=sentence.end, failure=reason) if reason else sentence


def _is_whole(sentence: str) -> bool:
    """Whether a terminator ends it, and not the stop of a number of an item."""
    ended = sentence.rstrip().rstrip(CLOSERS).endswith(tuple(TERMINATORS))
    return ended and not _NUMBER_OF_ITEM.fullmatch(sentence)


def _at_once(
    sentence: Sentence,
) -> Generator[Request, Completion | Failure, tuple[Sentence, ...]]:
    yield from ()
    return (sentence,)
