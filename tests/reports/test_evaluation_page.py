from __future__ import annotations

import pytest

from maskdpo_xtuner.evaluation.comparison import compare
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.records import AnnotatedResponse, Question
from maskdpo_xtuner.reports.evaluation_page import evaluation_page
from tests.evaluation.answers import answer
from tests.evaluation.test_comparison import questions
from tests.reports.pages import Element, assert_self_contained, parse_page

HOSTILE = '</style><script>alert(1)</script>&"\''


def page_of(
    models: dict[str, str], asked: list[Question] | None = None, **options: object
) -> tuple[str, Element]:
    asked = asked or questions()
    answers: dict[str, list[AnnotatedResponse]] = {
        name: [answer(q.question_id, run, marks) for run in range(2) for q in asked]
        for name, marks in models.items()
    }
    evaluation = compare(
        answers, asked, bootstrap=Bootstrap(resamples=100), settings={'annotator': HOSTILE}
    )
    page = evaluation_page(evaluation, answers, asked, **options)  # type: ignore[arg-type]
    return page, parse_page(page)


@pytest.mark.parametrize(
    ('aligned', 'style', 'text'),
    [('++++u', 'better', 'aligned is better than base'), ('+u', 'noise', 'is within noise')],
)
def test_the_finding_stands_on_top(aligned: str, style: str, text: str) -> None:
    _, page = page_of({'base': '+u', 'aligned': aligned})
    (finding,) = page.find('p', 'callout')
    assert style in finding.classes
    assert text in finding.text


def test_every_model_has_a_row_in_both_tables_and_a_whisker() -> None:
    _, page = page_of({'base': '+u', 'aligned': '++u'})
    names = [row.find('td')[0].text for row in page.find('tr') if row.find('td')]
    assert names == ['base', 'aligned', 'base', 'aligned', '1', '2']
    scores, differences, *_ = page.find('svg')
    assert (len(scores.find('circle')), len(scores.find('path'))) == (2, 2)
    assert (len(differences.find('circle')), len(differences.find('line', 'zero'))) == (1, 1)


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


def test_the_best_of_n_is_drawn_and_stands_in_a_table() -> None:
    _, page = page_of({'base': '+u', 'aligned': '++'})
    assert [heading.text for heading in page.find('h2')].count('Best of N') == 1
    base, aligned = page.find('polyline')
    assert [len((line.attributes['points'] or '').split()) for line in (base, aligned)] == [2, 2]
    (row,) = [row for row in page.find('tr') if row.find('td') and row.find('td')[0].text == '2']
    assert [cell.text for cell in row.find('td')] == [
        '2',
        '50.00 [50.0, 50.0]',
        '100.00 [100.0, 100.0]',
    ]


def test_a_model_with_nothing_to_score_is_shown_without_a_point() -> None:
    _, page = page_of({'base': '+u', 'silent': ''})
    scores, best_of_base = page.find('svg')
    assert len(scores.find('circle')) == 1
    assert len(best_of_base.find('polyline')) == 1
    assert 'silent cannot be compared with base' in page.find('p', 'callout')[0].text
    assert page.find('div', 'empty')[0].text == 'empty answer'


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
    assert page.find('h3')[0].text == HOSTILE
    assert page.find('td')[0].text == HOSTILE
