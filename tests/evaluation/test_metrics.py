import pytest

from maskdpo_xtuner.evaluation.metrics import (
    Counts,
    count_response,
    count_runs,
    mean_counts,
    mean_score,
)
from tests.evaluation.answers import answer


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
        correct=5,
        incorrect=2,
        no_facts=3,
        without_verdict=1,
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
    assert mean_score(runs) == pytest.approx((50 + 75) / 2)


def test_runs_come_out_in_their_order_whatever_the_order_of_answers() -> None:
    answers = [answer('a', 2, 'u'), answer('a', 0, '+'), answer('a', 1, '+u')]
    assert [run.score for run in count_runs(answers)] == [100, 50, 0]


def test_a_run_in_which_nothing_was_judged_is_left_out_of_the_mean_score() -> None:
    runs = count_runs([answer('a', 0, '?'), answer('a', 1, '+u')])
    assert mean_score(runs) == 50
    assert mean_score(runs[:1]) is None


def test_a_row_of_the_paper_is_reproduced_from_its_columns() -> None:
    # Table 2, without mask: 446.6 correct and 206.0 incorrect sentences, score 68.44.
    assert Counts(correct=4466, incorrect=2060).score == pytest.approx(68.44, abs=0.01)
