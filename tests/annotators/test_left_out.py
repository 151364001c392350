"""What of a response no annotator judges, and what it costs."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Literal

import pytest

from maskdpo_xtuner.annotators.base import Annotator, Dialogue, SentenceAnnotator
from maskdpo_xtuner.annotators.left_out import LeavesOut
from maskdpo_xtuner.engines.base import Completion, Failure, Request
from maskdpo_xtuner.evaluation.counts import count_response
from maskdpo_xtuner.pairing import PairRules, factuality_score, make_pairs
from maskdpo_xtuner.records import AnnotatedResponse, Label, Question, Response, Sentence
from maskdpo_xtuner.splitters import split_sentences

QUESTION = Question(
    question_id='q', question='What is tin?', document='Tin is a metal.', language='en', topic='tin'
)
Outcome = list[tuple[str, str | None]]


class Listening(SentenceAnnotator):
    """Finds everything right, and remembers what it was shown."""

    identity = {'name': 'listening', 'version': '1'}

    def __init__(self) -> None:
        self.heard: list[str] = []

    def judge(
        self, question: Question, text: str, span: tuple[int, int]
    ) -> Generator[Request, Completion | Failure, Sentence]:
        self.heard.append(text)
        yield from ()
        return Sentence(start=span[0], end=span[1], label=Label.NO_HALLUCINATION)


class ByHalves:
    """No annotator of sentences: two dialogues, of half of the response each."""

    identity = {'name': 'halves', 'version': '1'}

    def annotate(self, question: Question, response: Response) -> Sequence[Dialogue]:
        half, end = len(response.text) // 2, len(response.text)
        return [self._half(0, half), self._half(half, end)]

    def _half(self, start: int, end: int) -> Dialogue:
        yield from ()
        return (Sentence(start=start, end=end, label=Label.CONTRADICTORY),)


def response_of(text: str, finish_reason: Literal['stop', 'length'] = 'length') -> Response:
    return Response(
        question_id='q',
        sample_index=0,
        seed=1,
        text=text,
        finish_reason=finish_reason,
        prompt_tokens=1,
        completion_tokens=2,
        model='m',
    )


def annotated(
    annotator: Annotator,
    response: Response,
    cut_sentence: Literal['unjudged', 'judged'] = 'unjudged',
    asks: bool = True,
) -> AnnotatedResponse:
    sentences: list[Sentence] = []
    for dialogue in LeavesOut(annotator, asks, cut_sentence).annotate(QUESTION, response):
        with pytest.raises(StopIteration) as stop:
            next(dialogue)
        sentences += stop.value.value
    return AnnotatedResponse(
        **response.model_dump(), sentences=tuple(sentences), annotator={'name': 'x'}
    )


def outcome(response: AnnotatedResponse) -> Outcome:
    return [(response.text[s.start : s.end], s.failure_kind) for s in response.sentences]


@pytest.mark.parametrize('asks', [True, False])
def test_the_cut_sentence_of_a_response_gets_no_verdict(asks: bool) -> None:
    response = annotated(Listening(), response_of('Tin is a metal. But, in'), asks=asks)
    assert outcome(response) == [('Tin is a metal. ', None), ('But, in', 'cut')]
    assert response.sentences[1].is_left_out
    assert not response.sentences[0].is_left_out


def test_a_judge_that_is_asked_is_not_shown_the_cut_sentence() -> None:
    annotator = Listening()
    annotated(annotator, response_of('Tin is a metal. But, in'))
    assert annotator.heard == ['Tin is a metal. ']


@pytest.mark.parametrize(
    'text',
    [
        'Tin is a metal.',
        'Is it?\n',
        'He said “tin.” ',
        '锡是金属。',
        'So it is…',
        'A. It is (tin).',
    ],
)
def test_a_last_sentence_with_a_terminator_is_whole(text: str) -> None:
    response = annotated(Listening(), response_of(text))
    assert {kind for _, kind in outcome(response)} == {None}


@pytest.mark.parametrize('text', ['Tin', '锡是金', 'Tin is a metal:', '1. Tin is.\n2.', '- (b)'])
def test_a_last_sentence_without_one_is_not(text: str) -> None:
    assert outcome(annotated(Listening(), response_of(text)))[-1][1] == 'cut'


def test_a_response_that_ended_by_itself_has_no_cut_sentence() -> None:
    response = annotated(Listening(), response_of('Tin is a metal. But, in', 'stop'))
    assert {kind for _, kind in outcome(response)} == {None}


def test_a_response_of_one_cut_sentence_is_not_asked_about() -> None:
    annotator = Listening()
    response = annotated(annotator, response_of('Tin is a'))
    assert outcome(response) == [('Tin is a', 'cut')]
    assert annotator.heard == []
    assert factuality_score(response) is None


def test_a_cut_sentence_is_judged_where_the_settings_say_so() -> None:
    response = annotated(Listening(), response_of('Tin is a metal. But, in'), 'judged')
    assert outcome(response) == [('Tin is a metal. ', None), ('But, in', None)]


def test_what_other_annotators_find_at_the_cut_is_left_out() -> None:
    response = annotated(ByHalves(), response_of('Tin is. It is a'))
    assert [kind for _, kind in outcome(response)] == [None, 'cut']


@pytest.mark.parametrize('setting', ['unjudged', 'judged'])
def test_a_sentence_with_a_cut_character_is_damaged(
    setting: Literal['unjudged', 'judged'],
) -> None:
    text = 'Joseph-François Y\ufffdep was born. He left. And then \ufffd'
    response = annotated(Listening(), response_of(text, 'stop'), setting)
    assert [kind for _, kind in outcome(response)] == ['damaged', None, 'damaged']


@pytest.mark.parametrize(
    'mark',
    ['<|im_end|>\n<|im_start|>user', '</s>', '<end_of_turn>', '<｜end▁of▁sentence｜>', '<think>'],
)
@pytest.mark.parametrize('setting', ['unjudged', 'judged'])
def test_nothing_of_a_response_with_marks_of_a_template_is_judged(
    mark: str, setting: Literal['unjudged', 'judged']
) -> None:
    annotator = Listening()
    response = annotated(annotator, response_of(f'Tin is a metal.{mark} So?', 'stop'), setting)
    assert outcome(response) == [(response.text, 'leaked')]
    assert annotator.heard == []


@pytest.mark.parametrize('text', ['a < b | c > d', 'x <| y', 'I think so.', '<b>Tin</b>', '[INFO]'])
def test_other_marks_are_text(text: str) -> None:
    response = annotated(Listening(), response_of(text + '.', 'stop'))
    assert {kind for _, kind in outcome(response)} == {None}


def test_a_blank_response_has_no_sentences() -> None:
    assert annotated(Listening(), response_of(' \n')).sentences == ()


def test_spans_are_those_of_the_splitter() -> None:
    text = 'Tin is soft.\nIt melts: at 505 K. But, in'
    response = annotated(Listening(), response_of(text))
    assert [(s.start, s.end) for s in response.sentences] == split_sentences(text, 'en')


def test_what_is_left_out_is_in_no_count_of_the_evaluation() -> None:
    counts = count_response(annotated(Listening(), response_of('Tin is a metal. But, in')))
    assert (counts.sentences, counts.correct, counts.without_verdict) == (1, 1, 0)
    assert (counts.empty, counts.truncated) == (0, 1)


def test_what_is_left_out_is_not_trained_on_and_makes_no_answer_unusable() -> None:
    text = 'Tin is a metal. It is \ufffd. One \ufffd more. But, in'
    chosen = annotated(Listening(), response_of(text))
    rejected = annotated(ByHalves(), response_of('Tin is no metal. It is none.', 'stop'))
    rejected = rejected.model_copy(update={'sample_index': 1})
    pairs = make_pairs(QUESTION, [chosen, rejected], PairRules())
    assert isinstance(pairs, list)
    item = pairs[0].chosen_item
    assert item.score == 1
    assert item.type == ('no_hallucination', 'hallucination', 'hallucination', 'hallucination')
    assert item.labels == (Label.NO_HALLUCINATION, None, None, None)
