import pytest

from maskdpo_xtuner.evaluation.comparison import ModelResult
from maskdpo_xtuner.evaluation.intervals import Difference, Interval
from maskdpo_xtuner.evaluation.metrics import Counts, mean_counts
from maskdpo_xtuner.evaluation.table import (
    best_of_rows,
    content_rows,
    format_evaluation,
    format_table,
    score_rows,
    statement,
    statements,
)
from tests.evaluation.test_comparison import evaluated


def result(
    difference: Difference | None, name: str = 'aligned', correct_facts: int = 5
) -> ModelResult:
    runs = (Counts(answers=1, sentences=9, correct=correct_facts + 4, no_facts=4),)
    return ModelResult(
        name=name,
        model='m',
        runs=runs,
        means=mean_counts(runs),
        score=100,
        interval=None,
        difference=difference,
        best_of=(),
    )


@pytest.mark.parametrize(
    ('difference', 'expected'),
    [
        (
            Difference(3.25, Interval(-1.0, 7.5), 'within noise'),
            'the difference between aligned and base is within noise: +3.2 points [-1.0, +7.5]',
        ),
        (
            Difference(3.25, Interval(1.0, 7.5), 'better'),
            'aligned is better than base: +3.2 points [+1.0, +7.5]',
        ),
        (
            Difference(-3.25, Interval(-7.5, -1.0), 'worse'),
            'aligned is worse than base: -3.2 points [-7.5, -1.0]',
        ),
        (
            Difference(3.25, None, 'unknown'),
            '+3.2 points from base to aligned; one topic cannot tell if it is noise',
        ),
        (
            Difference(None, None, 'unknown'),
            'aligned cannot be compared with base: nothing was judged',
        ),
    ],
)
def test_the_statement_says_what_the_interval_shows(difference: Difference, expected: str) -> None:
    assert statement(result(difference), result(None, 'base')) == expected


@pytest.mark.parametrize(('correct_facts', 'says_less'), [(3, True), (4, False), (6, False)])
def test_a_model_that_says_less_is_not_called_better_without_saying_so(
    correct_facts: int, says_less: bool
) -> None:
    better = Difference(3.25, Interval(1.0, 7.5), 'better')
    text = statement(result(better, correct_facts=correct_facts), result(None, 'base'))
    assert ('but it says less: 3.0 correct sentences with facts' in text) == says_less


def test_the_first_model_has_no_statement() -> None:
    with pytest.raises(ValueError, match='compared with'):
        statement(result(None), result(None, 'base'))
    assert statements(evaluated(base='+u')) == []


def test_the_scores_of_every_model_are_in_the_table() -> None:
    base, better, silent = score_rows(evaluated(base='.++u', better='+', silent=''))
    assert (base['correct'], base['incorrect'], base['score %']) == ('36.0', '12.0', '75.00')
    assert (base['95% interval'], base['difference'], base['verdict']) == ('[75.0, 75.0]', '-', '-')
    assert (better['difference'], better['verdict']) == ('+25.00', 'better')
    assert (silent['score %'], silent['95% interval'], silent['difference']) == ('-', '-', '-')
    assert silent['verdict'] == 'unknown'


def test_what_the_score_hides_is_in_a_table_of_its_own() -> None:
    base, silent, failed = content_rows(evaluated(base='.++u', silent='', failed='??'))
    assert (base['correct with facts'], base['no facts']) == ('24.0', '25%')
    assert (base['sentences/answer'], base['tokens/answer']) == ('4.0', '16')
    assert (silent['empty answers'], silent['no facts'], base['empty answers']) == (
        *('12.0', '-'),
        '0.0',
    )
    assert failed['no verdict'] == '24.0'


def test_table_columns_are_aligned() -> None:
    table = format_table([{'model': 'a', 'score': '1.5'}, {'model': 'longer', 'score': '10.25'}])
    assert table.splitlines() == ['model   score', 'a         1.5', 'longer  10.25']


def test_the_best_of_n_has_a_row_for_each_n_and_a_column_a_model() -> None:
    rows = best_of_rows(evaluated(base='+u', silent=''))
    assert rows == [
        {'best of': count, 'base': '50.00 [50.0, 50.0]', 'silent': '-'} for count in ('1', '2')
    ]


def test_a_single_run_has_no_table_of_the_best() -> None:
    evaluation = evaluated(base='+u')
    (base,) = evaluation.models
    single = base.model_copy(update={'runs': base.runs[:1]})
    text = format_evaluation(evaluation.model_copy(update={'models': (single,)}))
    assert 'best of' in format_evaluation(evaluation)
    assert 'best of' not in text


def test_the_printed_evaluation_has_the_set_the_table_and_the_statement() -> None:
    text = format_evaluation(evaluated(base='+u', aligned='+++u'))
    lines = text.splitlines()
    assert lines[0].startswith('12 questions on 6 topics, 2 runs')
    assert lines[-1] == 'aligned is better than base: +25.0 points [+25.0, +25.0]'
    first_words = [line.split()[0] for line in lines if line]
    tables = [*['model', 'base', 'aligned'] * 2, 'best', '1', '2']
    assert first_words == ['12', *tables, 'aligned']
