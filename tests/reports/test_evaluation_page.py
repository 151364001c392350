from __future__ import annotations

import pytest

from maskdpo_xtuner.evaluation.comparison import compare
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.evaluation.judges import Judge
from maskdpo_xtuner.evaluation.run import SetRun
from maskdpo_xtuner.records import AnnotatedResponse, Label, Question, Sentence
from maskdpo_xtuner.reports.evaluation_page import evaluation_page
from tests.evaluation.answers import answer
from tests.evaluation.test_comparison import ANY_TEXT, questions
from tests.reports.pages import Element, assert_self_contained, parse_page

BEST_OF = 'Best of N, selected by the judge that scores (kind)'
HOSTILE = '</style><script>alert(1)</script>&"\''


def page_of(
    models: dict[str, str],
    asked: list[Question] | None = None,
    strict: dict[str, str] | None = None,
    runs: int = 2,
    **options: object,
) -> tuple[str, Element]:
    """The page of models by one judge, or by two where ``strict`` has a second one's labels."""
    asked = asked or questions()

    def annotated(marks: dict[str, str]) -> dict[str, list[AnnotatedResponse]]:
        return {
            name: [answer(q.question_id, run, mark) for run in range(runs) for q in asked]
            for name, mark in marks.items()
        }

    answers = {Judge(name='kind', made_pairs=True): annotated(models)}
    if strict:
        answers = {Judge(name='strict', made_pairs=False): annotated(strict), **answers}
    evaluation = compare(
        answers,
        asked,
        nlls={},
        settings={'annotator': HOSTILE},
        bounds=ANY_TEXT,
        bootstrap=Bootstrap(resamples=100),
    )
    page = evaluation_page([SetRun(evaluation, asked, answers)], **options)  # type: ignore[arg-type]
    return page, parse_page(page)


@pytest.mark.parametrize(
    ('aligned', 'style', 'text'),
    [
        ('++++u', 'better', 'judged by kind: better; precision 50.0 % -> 80.0 %'),
        ('+u', 'noise', 'judged by kind: within noise;'),
        ('+uuu', 'worse', 'judged by kind: worse;'),
        ('.', 'worse', 'judged by kind: avoids checkable statements (none in 100 % of answers)'),
    ],
)
def test_the_verdict_stands_on_top_and_in_the_table(aligned: str, style: str, text: str) -> None:
    _, page = page_of({'base': '+u', 'aligned': aligned})
    (callout,) = page.find('div', 'callout')
    assert style in callout.classes
    (line,) = callout.find('p')
    assert text in line.text
    verdict = page.find('table')[0].find('tr')[2].find('td')[-1].text
    assert f'judged by kind: {verdict};' in line.text


def test_every_model_has_a_row_in_every_table_and_a_whisker_in_every_plot() -> None:
    _, page = page_of({'base': '+u', 'aligned': '++u'})
    names = [row.find('td')[0].text for row in page.find('tr') if row.find('td')]
    assert names == [*['base', 'aligned'] * 4, *['base'] * 2, *['aligned'] * 2, 'base', 'aligned']
    # Precision, supported sentences, F1 and the paper's score, each with its differences.
    plots = page.find('svg')[:8]
    assert [len(plot.find('circle')) for plot in plots] == [2, 1] * 4
    assert [len(plot.find('line', 'zero')) for plot in plots] == [0, 1] * 4
    panels = [panel.find('h3') for panel in page.find('div', 'panel')]
    titles = [headings[0].text for headings in panels if headings]
    assert titles == [
        'Precision, %',
        'Supported sentences per answer',
        'F1@32, %',
        "The paper's score, %",
    ]


def test_each_judge_has_a_section_and_the_first_leads() -> None:
    _, page = page_of({'base': '+u', 'aligned': '++'}, strict={'base': '+u', 'aligned': 'cu'})
    headings = [section.find('h2')[0].text for section in page.find('section', 'judge')]
    assert headings == [
        'Judge: strict (did not make the pairs)',
        'Judge: kind (made the pairs)',
    ]
    (callout,) = page.find('div', 'callout')
    strict, kind, together = (line.text for line in callout.find('p'))
    assert 'judged by strict: worse' in strict
    assert 'judged by kind: better' in kind
    assert together == (
        'aligned against base: worse, for the judges disagree: worse by strict, better by kind'
    )
    assert 'worse' in callout.classes
    assert 'labels of strict' in page.find('p', 'soft')[-1].text
    marked = page.find('article')[0].find('section', 'side')[1].find('span', 'contradictory')
    assert len(marked) == 1


def test_the_agreement_of_two_judges_is_a_table_and_of_one_there_is_none() -> None:
    _, page = page_of({'base': '+u', 'aligned': '++'}, strict={'base': '+u', 'aligned': 'cu'})
    (table,) = [
        t
        for t in page.find('table')
        if 'no facts' in [h.text for h in t.find('th')][1:]
        and t.find('th')[0].text.startswith('strict')
    ]
    assert [cell.text for cell in table.find('tr')[1].find('td')] == ['supported', '24', '0', '0']
    _, alone = page_of({'base': '+u'})
    assert 'Agreement of the judges' not in [heading.text for heading in alone.find('h2')]


def test_examples_are_spread_over_the_questions_and_show_the_first_run() -> None:
    _, page = page_of({'base': '+u', 'aligned': '++'}, examples=3)
    cards = page.find('article')
    shown = [card.find('span', 'soft')[0].text.split(' · ')[1] for card in cards]
    assert shown == ['t0/q0', 't2/q0', 't4/q0']
    for card, question_id in zip(cards, shown, strict=True):
        sides = [[s.text for s in side.find('span', 's')] for side in card.find('section', 'side')]
        assert sides == [[f'Sentence {index} of {question_id}, run 0.' for index in range(2)]] * 2


def test_a_set_smaller_than_the_number_of_examples_is_shown_whole() -> None:
    _, page = page_of({'base': '+'}, questions(topics=2, each=1), examples=9)
    assert len(page.find('article')) == 2


def test_training_curves_are_drawn_if_given() -> None:
    _, page = page_of({'base': '+u'}, curves={'loss': [(1, 0.69), (2, 0.5), (3, 0.4)]})
    *_, line = page.find('polyline')
    assert len((line.attributes['points'] or '').split()) == 3
    _, bare = page_of({'base': '+u'})
    assert len(bare.find('polyline')) == len(page.find('polyline')) - 1


def best_of_curves(page: Element) -> dict[str, Element]:
    """The curves of the one plot of the best of N, by what the key says of them."""
    panel = next(panel for panel in page.find('div', 'panel') if panel.find('g', 'curve'))
    drawing, *_ = panel.find('svg')
    keys = [span.text.strip() for span in panel.find('span')]
    return dict(zip(keys, drawing.find('g', 'curve'), strict=True))


def test_the_best_of_n_of_all_models_is_one_plot_and_stands_in_a_table() -> None:
    _, page = page_of({'base': '+u.', 'aligned': '++'}, runs=4)
    assert [heading.text for heading in page.find('h3')].count(BEST_OF) == 1
    curves = best_of_curves(page)
    assert list(curves) == [
        *('base, precision', 'base, score'),
        *('aligned, precision', 'aligned, score'),
    ]
    assert [len(curve.find('path', 'marker')) for curve in curves.values()] == [3] * 4
    # A model has its colour and marker, and a score is dashed.
    assert [curve.classes[1:] for curve in curves.values()] == [
        *(['c0'], ['c0', 'dashed']),
        *(['c1'], ['c1', 'dashed']),
    ]
    rows = [[cell.text for cell in row.find('td')] for row in page.find('tr')]
    assert [row for row in rows if row[1:2] == ['2']] == [
        ['base', '2', '66.7 [66.7, 66.7]', '24.0', '12.0', '66.7', '50.0 [50.0, 50.0]'],
        ['aligned', '2', '100.0 [100.0, 100.0]', '24.0', '0.0', '100.0', '100.0 [100.0, 100.0]'],
    ]


def test_two_runs_give_the_table_of_the_best_of_n_and_no_curve() -> None:
    _, page = page_of({'base': '+u.', 'aligned': '++'})
    assert [heading.text for heading in page.find('h3')].count(BEST_OF) == 1
    assert not page.find('polyline')
    assert [row for row in page.find('tr') if row.find('td') and row.find('td')[1].text == '2']


def test_a_model_with_nothing_to_score_is_shown_without_a_point() -> None:
    _, page = page_of({'base': '+u', 'silent': ''}, runs=4)
    precision, *_ = page.find('svg')
    assert len(precision.find('circle')) == 1
    curves = best_of_curves(page)
    assert [name for name in curves if 'precision' in name] == ['base, precision']
    assert 'silent against base, judged by kind: avoids' in page.find('p')[1].text
    assert page.find('div', 'empty')[0].text == 'empty answer'


def test_the_document_of_an_example_marks_what_the_verdicts_rest_on() -> None:
    asked = [q.model_copy(update={'document': 'Tin shines. Lead is dull.'}) for q in questions()]
    points = ('Tin  shines.', 'metal: tin')
    with_points = Sentence(start=0, end=4, label=Label.NO_HALLUCINATION, points=points)
    said = [answer(q.question_id, 0, '+') for q in asked]
    said = [a.model_copy(update={'sentences': (with_points,)}) for a in said]
    answers = {Judge(name='kind', made_pairs=True): {'base': said}}
    evaluation = compare(
        answers, asked, nlls={}, settings={}, bounds=ANY_TEXT, bootstrap=Bootstrap(resamples=9)
    )
    page = parse_page(evaluation_page([SetRun(evaluation, asked, answers)], examples=1))
    (document,) = page.find('details', 'document')
    assert document.find('div', 'text')[0].text == 'Tin shines. Lead is dull.'
    assert [passage.text for passage in document.find('span', 'used')] == ['Tin shines.']
    (sentence,) = [s for s in page.find('span', 's') if 'data-passages' in s.attributes]
    assert sentence.attributes['data-passages'] == '0'


def test_hostile_text_stays_text() -> None:
    asked = [
        Question(
            question_id=f'{HOSTILE}{n}',
            question=HOSTILE,
            document=HOSTILE,
            language='en',
            topic='t',
        )
        for n in range(2)
    ]
    text, page = page_of({HOSTILE: '+u', 'other': 'u'}, asked)
    assert_self_contained(text)
    assert len(page.find('script')) == 1
    assert page.find('article')[0].find('h3')[0].text == HOSTILE
    assert page.find('td')[0].text == HOSTILE
