"""F1@K, the response ratio and counts of facts, by the numbers of the definitions."""

from __future__ import annotations

import pytest

from maskdpo_xtuner.evaluation.counts import Counts, count_response, f1_at, unit_of
from maskdpo_xtuner.evaluation.metrics import judged_tallies
from maskdpo_xtuner.records import AnnotatedResponse, Fact, Label, Question, Sentence
from tests.evaluation.answers import answer


def test_f1_is_that_of_the_definition() -> None:
    # P = 16 / 20, R = 16 / 32.
    assert f1_at(32, Counts(supported=16, incorrect=4)) == pytest.approx(0.6154, abs=1e-4)
    assert f1_at(8, Counts(supported=16, incorrect=4)) == pytest.approx(2 * 0.8 / 1.8)
    assert f1_at(32, Counts(supported=0, incorrect=4)) == 0


def test_what_has_no_verdict_is_not_a_zero() -> None:
    assert f1_at(32, count_response(answer('q', 0, '??'))) is None
    assert f1_at(32, count_response(answer('q', 0, '.?'))) is None
    assert f1_at(32, count_response(answer('q', 0, '..'))) == 0
    assert f1_at(32, count_response(answer('q', 0, 'c?'))) == 0
    assert f1_at(1, count_response(answer('q', 0, '+?'))) == 1


def measures(marks: list[str], k: int) -> dict[str, float | None]:
    responses = [answer(f'q{n}', 0, mark) for n, mark in enumerate(marks)]
    asked = {
        r.question_id: Question(
            question_id=r.question_id, question='?', document='d', language='en', topic='t'
        )
        for r in responses
    }
    tallies = judged_tallies(responses, asked, dict.fromkeys(asked, 't'), k=k)
    return {name: found.value() for name, found in tallies.items()}


def test_silence_counts_as_zero_and_is_left_out_and_failures_are_neither() -> None:
    # F1@2: 1 and 2/3 (P 1, R 1/2); one answer says nothing checkable, one has no verdict.
    found = measures(['++', '+', '..', '??'], k=2)
    assert found['f1_at_k'] == pytest.approx(100 * (1 + 2 / 3) / 3)
    assert found['f1_at_k_responding'] == pytest.approx(100 * (1 + 2 / 3) / 2)
    assert found['response_ratio'] == pytest.approx(100 * 2 / 3)


def test_nothing_judged_has_no_f1_and_no_ratio() -> None:
    found = measures(['??'], k=2)
    assert (found['f1_at_k'], found['response_ratio']) == (None, None)


# -- judges by facts


def by_facts(*sentences: str) -> AnnotatedResponse:
    """One answer, a sentence for each text: ``+`` supported, ``-`` not, ``?`` unread facts."""
    kinds: dict[str, dict[str, object]] = {
        '+': {'supported': True},
        '-': {'supported': False},
        '?': {'failure': 'unparsed: hm'},
    }
    length = 10
    made = tuple(
        Sentence(
            start=length * n,
            end=length * (n + 1),
            label=Label.NO_HALLUCINATION,
            facts=tuple(Fact(text=f'{n}.{i}', **kinds[m]) for i, m in enumerate(marks)),  # type: ignore[arg-type]
        )
        for n, marks in enumerate(sentences)
    )
    text = 'x' * length * len(sentences)
    return answer('q', 0, '').model_copy(update={'text': text, 'sentences': made})


def test_facts_are_counted_where_a_sentence_has_them() -> None:
    counts = count_response(by_facts('++-', '?', ''))
    assert counts == Counts(
        answers=1,
        sentences=3,
        units=5,
        correct=2,
        supported=2,
        incorrect=1,
        no_facts=1,
        without_verdict=1,
    )
    assert counts.score == counts.precision == pytest.approx(200 / 3)


def test_a_sentence_without_facts_lifts_no_score_of_a_judge_by_facts() -> None:
    assert count_response(by_facts('+-', '', '')).score == 50
    assert count_response(by_facts('', '')).uncheckable == 1
    assert count_response(by_facts('?', '')).uncheckable == 0


def test_the_unit_is_told_by_the_sentences() -> None:
    assert unit_of([answer('q', 0, '+')]) == 'sentences'
    assert unit_of([answer('q', 0, '+'), by_facts('')]) == 'facts'


def test_facts_are_told_apart_by_their_words() -> None:
    asked = {'q': Question(question_id='q', question='?', document='d', language='en', topic='t')}
    once = by_facts('+-')
    again = once.model_copy(update={'sentences': (*once.sentences, *once.sentences)})
    tallies = judged_tallies([again], asked, {'q': 't'})
    assert tallies['distinct_precision'].value() == 50
    assert tallies['distinct_precision'].denominator.sum() == 2
    assert tallies['precision'].denominator.sum() == 4


def test_a_fact_has_either_a_verdict_or_a_failure() -> None:
    with pytest.raises(ValueError, match='supported or not, or has a failure'):
        Fact(text='x')
    with pytest.raises(ValueError, match='supported or not, or has a failure'):
        Fact(text='x', supported=True, failure='unparsed: x')


def test_files_of_judges_of_sentences_do_not_mention_facts() -> None:
    assert 'facts' not in answer('q', 0, '+').model_dump_json().replace('no_facts', '')
    restored = AnnotatedResponse.model_validate_json(by_facts('+', '').model_dump_json())
    assert restored == by_facts('+', '')
