from __future__ import annotations

import pytest

from maskdpo_xtuner.evaluation.counts import Counts, count_response, count_runs, mean_counts
from maskdpo_xtuner.evaluation.metrics import judged_tallies
from maskdpo_xtuner.records import NOT_NEEDED, AnnotatedResponse, Label, Question, Sentence
from tests.evaluation.answers import answer
from tests.evaluation.test_comparison import evaluated


def test_the_four_labels_and_the_missing_verdict_are_counted_apart() -> None:
    counts = count_response(
        answer('q', 0, '...++cu?', finish_reason='length', completion_tokens=31)
    )
    assert counts == Counts(
        answers=1,
        empty=0,
        truncated=1,
        tokens=31,
        sentences=8,
        units=8,
        correct=5,
        supported=2,
        incorrect=2,
        no_facts=3,
        without_verdict=1,
        uncheckable=0,
    )


def test_a_sentence_without_a_verdict_does_not_move_the_score() -> None:
    assert count_response(answer('q', 0, '++c')).score == pytest.approx(200 / 3)
    assert count_response(answer('q', 0, '++c???')).score == pytest.approx(200 / 3)


def test_an_empty_answer_is_counted_as_empty_and_has_no_score() -> None:
    counts = count_response(answer('q', 0, ''))
    assert (counts.answers, counts.empty, counts.sentences) == (1, 1, 0)
    assert counts.score is None


def test_the_score_of_a_run_is_pooled_over_sentences_not_averaged_over_answers() -> None:
    (run,) = count_runs([answer('long', 0, '+++++++++'), answer('short', 0, 'u')])
    assert run.score == pytest.approx(90.0)


def test_columns_are_totals_over_the_set_and_means_over_runs() -> None:
    runs = count_runs(
        [
            answer('a', 0, '++'),
            answer('b', 0, 'cc'),
            answer('a', 1, '+++c'),
            answer('b', 1, ''),
        ]
    )
    means = mean_counts(runs)
    assert (means['correct'], means['incorrect']) == (2.5, 1.5)
    assert (means['answers'], means['empty'], means['tokens']) == (2, 0.5, 16)


def test_runs_come_out_in_their_order_whatever_the_order_of_answers() -> None:
    answers = [answer('a', 2, 'u'), answer('a', 0, '+'), answer('a', 1, '+u')]
    assert [run.score for run in count_runs(answers)] == [100, 50, 0]


def questions_on(topics: dict[str, str]) -> dict[str, Question]:
    return {
        name: Question(question_id=name, question='?', document='d', language='en', topic=topic)
        for name, topic in topics.items()
    }


def measured(*answers: AnnotatedResponse) -> dict[str, float | None]:
    topics = {a.question_id: a.question_id for a in answers}
    found = judged_tallies(answers, questions_on(topics), topics)
    return {name: each.value() for name, each in found.items()}


def test_the_papers_score_is_the_mean_of_the_runs_scores() -> None:
    runs = [answer('a', 0, '+'), answer('b', 0, 'c')], [answer('a', 1, '+++++'), answer('b', 1, '')]
    assert measured(*runs[0], *runs[1])['score'] == 75


def test_the_means_of_several_runs_are_those_of_their_scores_not_of_their_counts() -> None:
    # (9, 1) and (10, 30): 57.5, not 38.0.
    found = measured(answer('a', 0, '+' * 9 + 'c'), answer('a', 1, '+' * 10 + 'u' * 30))
    assert found['score'] == pytest.approx(57.5)
    assert found['precision'] == pytest.approx(38.0)


def test_a_run_in_which_nothing_was_judged_is_left_out_of_the_mean_score() -> None:
    assert measured(answer('a', 0, '?'), answer('a', 1, '+u'))['score'] == 50
    assert measured(answer('a', 0, '?'))['score'] is None


def test_no_facts_pay_in_the_score_and_not_in_the_precision() -> None:
    found = measured(answer('a', 0, '+cc' + '.' * 7))
    assert (found['score'], found['precision']) == pytest.approx((80, 100 / 3))
    assert (found['supported_per_answer'], found['hallucinated_per_answer']) == (1, 2)
    assert found['no_facts'] == 70


def test_silence_has_no_precision_and_no_supported_sentences() -> None:
    found = measured(answer('a', 0, '..'), answer('b', 0, ''))
    assert (found['score'], found['precision'], found['supported_per_answer']) == (100, None, 0)
    assert found['uncheckable_answers'] == 100


def said(question_id: str, run: int, *labelled: tuple[str, Label]) -> AnnotatedResponse:
    sentences, text = [], ''
    for sentence, label in labelled:
        end = len(text) + len(sentence)
        sentences.append(Sentence(start=len(text), end=end, label=label))
        text += sentence
    return answer(question_id, run, '', text=text, sentences=tuple(sentences))


def test_a_sentence_that_is_said_again_counts_once_a_topic_and_run() -> None:
    true, false = Label.NO_HALLUCINATION, Label.CONTRADICTORY
    answers = [
        said('a', 0, ('Tin is Sn. ', true), ('tin  is Sn. ', true), ('It is red.', false)),
        said('b', 0, ('Tin is Sn.', true), ('It is blue.', false)),
        said('b', 1, ('Tin is Sn.', true)),
        said('c', 0, ('Tin is Sn.', true), ('Hello.', Label.NO_FACTS)),
    ]
    topics = {'a': 'tin', 'b': 'tin', 'c': 'solder'}
    found = judged_tallies(answers, questions_on(topics), topics)
    assert found['precision'].value() == pytest.approx(100 * 5 / 7)
    # Topic tin, run 0: once true, twice false; run 1: once true; topic solder: once true.
    assert found['distinct_precision'].value() == pytest.approx(100 * 3 / 5)


def test_an_answer_without_a_verdict_is_not_counted_as_uncheckable() -> None:
    found = measured(answer('a', 0, '?.'), answer('b', 0, '.'), answer('c', 0, '+.'))
    assert found['uncheckable_answers'] == pytest.approx(100 / 3)
    assert found['without_verdict'] == 20


def test_a_row_of_the_paper_is_reproduced_from_its_columns() -> None:
    # Table 2, without mask: 446.6 correct and 206.0 incorrect sentences, score 68.44.
    assert Counts(correct=4466, incorrect=2060).score == pytest.approx(68.44, abs=0.01)


def test_answers_annotated_only_as_far_as_pairs_need_it_are_not_counted() -> None:
    whole = answer('q', 0, '+c')
    skipped = Sentence(start=0, end=4, failure=NOT_NEEDED)
    partial = whole.model_copy(update={'sentences': (skipped, whole.sentences[1])})
    with pytest.raises(ValueError, match="q#0 was annotated only .* annotation='all'"):
        count_response(partial)


def test_an_answer_without_any_verdict_is_no_answer_that_says_nothing() -> None:
    base, half, failed = evaluated(base='+u', half='+?', failed='??').judges[0].models
    for key in ('supported_per_answer', 'hallucinated_per_answer'):
        assert base.measures[key].value == 1
        assert failed.measures[key].value is None
    assert half.measures['supported_per_answer'].value == 1
