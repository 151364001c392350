from __future__ import annotations

import math

import pytest

from maskdpo_xtuner.evaluation.perplexity import ResponseNll
from maskdpo_xtuner.evaluation.text_metrics import shared_ngrams, text_tallies
from maskdpo_xtuner.records import AnnotatedResponse, Question
from tests.evaluation.answers import answer

QUESTIONS = {
    f'{topic}/{n}': Question(
        question_id=f'{topic}/{n}', question='?', document='-', language='en', topic=topic
    )
    for topic in ('tin', 'gold')
    for n in range(2)
}
TOPICS = {question_id: question.topic for question_id, question in QUESTIONS.items()}


def response(question_id: str, run: int, text: str, **changes: object) -> AnnotatedResponse:
    return answer(question_id, run, '', text=text, sentences=(), **changes)


def measured(
    *responses: AnnotatedResponse, nlls: dict[str, list[ResponseNll]] | None = None
) -> dict[str, float | None]:
    found = text_tallies(responses, QUESTIONS, TOPICS, nlls or {})
    return {name: ratio.value() for name, ratio in found.items()}


def test_shared_n_grams_are_those_that_another_text_has_too() -> None:
    same, other = 'one two three four five', 'one two three four six'
    # Of two different 4-grams each has one in common.
    assert shared_ngrams([same, other, 'a b c d']) == [0.5, 0.5, 0.0]
    assert shared_ngrams([same, same]) == [1, 1]


def test_repetition_within_a_text_is_not_shared() -> None:
    assert shared_ngrams(['a b c d a b c d', 'e f g h']) == [0, 0]


def test_short_texts_are_shared_as_a_whole_and_blank_ones_are_nothing() -> None:
    assert shared_ngrams(['Tin. ', 'tin.', 'Sn.', '  ', '']) == [1, 1, 0, None, None]


def test_a_text_alone_shares_nothing_that_could_be_said() -> None:
    assert shared_ngrams(['one two three four']) == [None]


def test_answers_are_held_against_other_questions_of_the_topic_in_the_same_run() -> None:
    text = 'this is one long answer'
    alike = measured(response('tin/0', 0, text), response('tin/1', 0, text))
    other_topic = measured(response('tin/0', 0, text), response('gold/0', 0, text))
    other_run = measured(response('tin/0', 0, text), response('tin/1', 1, text))
    assert (alike['shared_4'], other_topic['shared_4'], other_run['shared_4']) == (100, None, None)


def test_runs_are_distinct_by_question_and_one_run_is_not_measured() -> None:
    found = measured(
        *(response('tin/0', run, 'the same') for run in range(4)),
        *(response('tin/1', run, f'answer {run}') for run in range(4)),
    )
    assert found['distinct_answers'] == 100 * (0.25 + 1) / 2
    assert measured(response('tin/0', 0, 'x'))['distinct_answers'] is None


def test_shares_of_answers_are_counted() -> None:
    found = measured(
        response('tin/0', 0, 'I do not know.', completion_tokens=4),
        response('tin/1', 0, 'again and again and again and again', completion_tokens=8),
        response('gold/0', 0, ' ', completion_tokens=0),
        response('gold/1', 0, 'Gold is a', finish_reason='length', completion_tokens=4),
    )
    assert (found['refusals'], found['empty'], found['truncated']) == (25, 25, 25)
    assert found['tokens_per_answer'] == 4
    # The third answer has no tokens, and the last too few for a 4-gram.
    assert found['rep_4'] == pytest.approx(100 * (0 + 2 / 4) / 2)


def test_the_perplexity_is_pooled_over_tokens_and_averaged_over_answers() -> None:
    nlls = {'gpt2': [ResponseNll(3.0, 1), ResponseNll(3.0, 3), ResponseNll(0.0, 0)]}
    found = measured(*(response('tin/0', run, 'x') for run in range(3)), nlls=nlls)
    assert found['perplexity under gpt2'] == pytest.approx(math.exp(6 / 4))
    assert found['mean perplexity under gpt2'] == pytest.approx((math.e**3 + math.e) / 2)


def test_perplexity_pools_tokens_and_averages_answers() -> None:
    nlls = [ResponseNll(2 * math.log(4), 2), ResponseNll(6 * math.log(2), 6), ResponseNll(0.0, 0)]
    asked = [response('tin/0', 0, 'a'), response('tin/1', 0, 'b'), response('gold/0', 0, '')]
    found = measured(*asked, nlls={'gpt2': nlls})
    assert found['perplexity under gpt2'] == pytest.approx(2 ** (10 / 8))
    assert found['mean perplexity under gpt2'] == pytest.approx(3)


def test_nothing_but_empty_answers_have_no_perplexity() -> None:
    found = measured(response('tin/0', 0, ''), nlls={'gpt2': [ResponseNll(0.0, 0)]})
    assert found['perplexity under gpt2'] is None
    assert found['mean perplexity under gpt2'] is None
