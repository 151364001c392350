from __future__ import annotations

from maskdpo_xtuner.evaluation.agreement import Agreement
from maskdpo_xtuner.evaluation.printing import format_evaluation
from maskdpo_xtuner.evaluation.results import JudgeResult
from maskdpo_xtuner.evaluation.statements import (
    agreement_line,
    remarks_of,
    statements_of,
)
from maskdpo_xtuner.evaluation.table import (
    agreement_rows,
    best_of_rows,
    content_rows,
    format_table,
    score_rows,
    text_rows,
    verdict_rows,
)
from tests.evaluation.test_comparison import answers, compared, evaluated, judged_twice


def result(**models: str) -> JudgeResult:
    return evaluated(**models).judges[0]


def test_the_verdict_of_every_model_stands_beside_what_it_rests_on() -> None:
    base, better, silent = verdict_rows(result(base='.+u', better='.+++u', silent='..'))
    assert (base['precision %'], base['verdict']) == ('50.0 [50.0, 50.0]', '-')
    assert (better['precision %'], better['verdict']) == ('75.0 [75.0, 75.0]', 'better')
    assert better['supported/answer'] == '3.00 [3.00, 3.00]'
    assert better['hallucinated/answer'] == '1.00 [1.00, 1.00]'
    assert silent['precision %'] == '-'
    assert silent['verdict'] == 'avoids checkable statements (none in 100 % of answers)'


def test_the_papers_score_has_the_columns_of_the_papers_tables() -> None:
    base, better, empty = score_rows(result(base='.++u', better='+', empty=''), 0.95)
    assert (base['correct'], base['incorrect']) == ('36.0', '12.0')
    assert (base["paper's score %"], base['95% interval']) == ('75.00', '[75.0, 75.0]')
    assert (base['difference'], better['difference']) == ('-', '+25.00 [+25.00, +25.00]')
    assert (empty["paper's score %"], empty['95% interval'], empty['difference']) == ('-',) * 3


def test_what_the_score_hides_is_in_a_table_of_its_own() -> None:
    base, silent, failed = content_rows(result(base='.++u', silent='..', failed='??'))
    assert (base['sentences/answer'], base['no facts']) == ('4.0', '25%')
    assert (base['answers without checkable'], silent['answers without checkable']) == (
        *('0%', '100%'),
    )
    assert (failed['no verdict'], failed['answers without checkable']) == ('24.0', '0%')


def test_few_topics_are_said_to_be_few() -> None:
    enough = evaluated(base='+u', aligned='++u').model_copy(update={'topics': 6})
    assert remarks_of(enough) == []
    (said,) = remarks_of(enough.model_copy(update={'topics': 5}))
    assert said.startswith('intervals and verdicts are not to be relied on: all of 5 topics')
    assert said in format_evaluation(enough.model_copy(update={'topics': 5}))


def test_the_texts_are_in_a_table_that_no_judge_decides() -> None:
    base, empty = text_rows(evaluated(base='+u', empty=''))
    assert (base['tokens/answer'], base['empty'], base['rep-4']) == ('8', '0%', '29%')
    assert (empty['tokens/answer'], empty['empty'], empty['rep-4']) == ('0', '100%', '-')
    assert (base['distinct runs'], empty['distinct runs']) == ('100%', '50%')


def test_a_server_that_counts_no_tokens_has_a_dash_in_their_place() -> None:
    uncounted = [r.model_copy(update={'completion_tokens': None}) for r in answers('+u')]
    base, served = text_rows(compared({'base': answers('+u'), 'served': uncounted}))
    assert (base['tokens/answer'], served['tokens/answer']) == ('8', '-')


def test_a_perplexity_is_given_both_ways() -> None:
    base, odd = text_rows(judged_twice())
    assert base['perplexity (gpt2)'] == '2.7 [2.7, 2.7], mean 2.7 [2.7, 2.7]'
    assert odd['perplexity (gpt2)'] == '20.1 [20.1, 20.1], mean 20.1 [20.1, 20.1]'


def test_table_columns_are_aligned() -> None:
    table = format_table([{'model': 'a', 'score': '1.5'}, {'model': 'longer', 'score': '10.25'}])
    assert table.splitlines() == ['model   score', 'a         1.5', 'longer  10.25']


def test_the_best_of_n_has_a_row_for_each_model_and_n_with_totals_beside_the_means() -> None:
    rows = best_of_rows(result(base='+u.', silent='.'))
    base = ('66.7 [66.7, 66.7]', '24.0', '12.0', '66.7', '50.0 [50.0, 50.0]')
    silent = ('100.0 [100.0, 100.0]', '12.0', '0.0', '100.0', '-')
    assert [tuple(row.values()) for row in rows] == [
        *(('base', '1', *base), ('base', '2', *base)),
        *(('silent', '1', *silent), ('silent', '2', *silent)),
    ]


def test_a_single_run_has_no_table_of_the_best() -> None:
    evaluation = evaluated(base='+u')
    assert 'Best of N, selected by the judge that scores (strict):' in format_evaluation(evaluation)
    single = evaluation.model_copy(update={'num_runs': 1})
    assert 'Best of N' not in format_evaluation(single)


def test_the_printed_evaluation_ends_in_the_verdict() -> None:
    lines = format_evaluation(evaluated(base='+u', aligned='+++u')).splitlines()
    assert lines[0].startswith('12 questions on 6 topics, 2 runs')
    assert lines[2] == 'judge: strict (did not make the pairs)'
    assert lines[-1] == (
        'aligned against base, judged by strict: better; '
        'precision 50.0 % -> 75.0 % (+25.0 [+25.0, +25.0]); '
        'supported sentences per answer 1.00 -> 3.00 (+2.00 [+2.00, +2.00]); '
        'hallucinated 1.00 -> 1.00 (+0.00 [+0.00, +0.00]); perplexity was not checked'
    )


def test_several_judges_have_tables_of_their_own_and_one_verdict_together() -> None:
    evaluation = judged_twice()
    text = format_evaluation(evaluation)
    headings = [line for line in text.splitlines() if line.startswith('judge: ')]
    assert headings == ['judge: kind (made the pairs)', 'judge: strict (did not make the pairs)']
    assert text.splitlines()[-3:] == statements_of(evaluation, 'aligned')
    assert text.splitlines()[-1] == evaluation.verdicts['aligned'].statement
    assert "kind and strict on 96 sentences: 50.0% agree, Cohen's kappa" in text


def test_the_words_are_the_same_in_the_table_and_in_the_statement() -> None:
    evaluation = judged_twice()
    for by_judge in evaluation.judges:
        _, row = verdict_rows(by_judge)
        (line,) = [
            line
            for line in statements_of(evaluation, 'aligned')
            if f'by {by_judge.judge.name}:' in line
        ]
        assert f': {row["verdict"]};' in line


TABLE = ((5, 1, 0), (2, 8, 0), (0, 1, 3))


def test_the_agreement_is_a_small_table_with_a_line() -> None:
    found = Agreement(judges=('a', 'b'), table=TABLE, without_verdict=2)
    assert [list(row.values()) for row in agreement_rows(found)] == [
        ['supported', '5', '1', '0'],
        ['hallucinated', '2', '8', '0'],
        ['no facts', '0', '1', '3'],
    ]
    assert agreement_line(found) == (
        "a and b on 20 sentences: 80.0% agree, Cohen's kappa 0.67; "
        '2 without a verdict by one of them'
    )


def test_judges_without_a_common_sentence_are_said_to_have_none() -> None:
    found = Agreement(judges=('a', 'b'), table=((0,) * 3,) * 3, without_verdict=4)
    assert agreement_line(found) == 'a and b on 0 sentences: no sentence was judged by both'
