"""The pages in a real browser; where there is none, the tests are skipped."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.evaluation.comparison import compare
from maskdpo_xtuner.evaluation.intervals import Bootstrap
from maskdpo_xtuner.evaluation.judges import Judge
from maskdpo_xtuner.evaluation.run import SetRun
from maskdpo_xtuner.jsonl import write_records
from maskdpo_xtuner.masking import PairConverter
from maskdpo_xtuner.records import AnnotatedResponse, Label, Question
from maskdpo_xtuner.reports.evaluation_page import evaluation_page
from maskdpo_xtuner.reports.pages import write_page
from maskdpo_xtuner.reports.pair_files import read_pair_files
from maskdpo_xtuner.reports.pairs_page import pairs_page
from tests.evaluation.answers import answer
from tests.evaluation.test_comparison import ANY_TEXT, questions
from tests.reports.browser import Browser, find_browser, started
from tests.reports.pair_records import pair
from tests.tokenizers import load_tokenizer

PATH = find_browser()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PATH is None, reason='no chromium is on PATH: apt-get install chromium'),
]
CONTRAST = (Path(__file__).parent / 'contrast.js').read_text(encoding='utf-8')
PAGES = ('pairs', 'evaluation')
DOCUMENT = 'Metals shine. The point of it is this one. Some are dull.' + ' They are heavy.' * 90
LOWEST = 4.5  # WCAG 2.2, 1.4.3, level AA


@pytest.fixture(scope='module')
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PATH is not None
    with started(PATH, tmp_path_factory.mktemp('profile')) as browser:
        yield browser


def with_points(response: AnnotatedResponse) -> AnnotatedResponse:
    """The response with a point of the document in every verdict of Contradictory."""
    sentences = [
        s.model_copy(update={'points': ('The point of it is this one.', 'kind: metal')})
        if s.label is Label.CONTRADICTORY
        else s
        for s in response.sentences
    ]
    return response.model_copy(update={'sentences': tuple(sentences)})


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both pages of a work dir: 30 pairs with every kind of sentence, three models in four runs."""
    folder = tmp_path_factory.mktemp('pages')
    write_pairs(folder, 30, with_masks=True)
    asked = questions()
    rng = random.Random(0)

    def annotated(supported: float) -> list[AnnotatedResponse]:
        weights = (supported, 1, 0.5, 0.5, 0.1)
        return [
            with_points(answer(q.question_id, run, ''.join(rng.choices('+uc.?', weights, k=4))))
            for run in range(4)
            for q in asked
        ]

    models = {name: annotated(share) for name, share in (('base', 1), ('mask', 3), ('sft', 2))}
    answers = {Judge(name='kind', made_pairs=True): models}
    few = Bootstrap(resamples=20)
    found = compare(answers, asked, nlls={}, settings={}, bounds=ANY_TEXT, bootstrap=few)
    curves = {'loss': [(float(step), 1 / step) for step in range(1, 20)]}
    page = evaluation_page([SetRun(found, asked, answers)], curves=curves)
    write_page(folder / 'evaluation.html', page)
    return folder


def write_pairs(folder: Path, count: int, *, with_masks: bool = False) -> None:
    """Write a work dir of so many pairs, with documents, and its page."""
    names = [f'q{n}' for n in range(count)]
    groups = [
        [with_points(answer(name, n, marks)) for n, marks in enumerate(('+++.u', 'c?u+', '+cu'))]
        for name in names
    ]
    write_records(folder / 'pairs.jsonl', [pair(good, bad) for good, bad, _ in groups])
    write_records(folder / 'annotated.jsonl', [a for group in groups for a in group])
    asked = [
        Question(
            question_id=name,
            question=f'Tell me of {name}.',
            document=DOCUMENT,
            language='en',
            topic='metals',
        )
        for name in names
    ]
    write_records(folder / 'asked.jsonl', asked)
    converter = PairConverter(load_tokenizer('smollm2')) if with_masks else None
    write_page(folder / 'pairs.html', pairs_page(read_pair_files(folder), converter))


def open_all(browser: Browser) -> None:
    """Unfold whatever waits on the page."""
    browser.run(
        'Promise.all(Array.from(document.querySelectorAll("details"), each => {'
        ' each.open = true; return new Promise(done => setTimeout(done, 0)); }))'
    )
    browser.run('document.querySelectorAll(".toggle-tokens").forEach(each => each.click())')


@pytest.mark.parametrize('page', PAGES)
def test_a_page_opens_without_a_complaint_and_asks_for_nothing_else(
    browser: Browser, folder: Path, page: str
) -> None:
    path = folder / f'{page}.html'
    browser.open(path)
    open_all(browser)
    assert browser.complaints == []
    assert browser.requested == [path.as_uri()]


@pytest.mark.parametrize('scheme', ['light', 'dark'])
@pytest.mark.parametrize('page', PAGES)
def test_every_text_is_readable(browser: Browser, folder: Path, page: str, scheme: str) -> None:
    browser.open(folder / f'{page}.html', prefers_color_scheme=scheme)
    open_all(browser)
    browser.run('document.querySelector(".card .contradictory").focus()')
    found: dict[str, Any] = browser.run(f'({CONTRAST})({LOWEST})')
    assert found['checked'] > 100
    assert found['found'] == []


def test_the_scheme_of_the_reader_is_followed(browser: Browser, folder: Path) -> None:
    means = {}
    for scheme in ('light', 'dark'):
        browser.open(folder / 'pairs.html', prefers_color_scheme=scheme)
        means[scheme] = float(browser.image().mean())
    assert means['dark'] < 100 < 200 < means['light']


@pytest.mark.parametrize('width', [320, 390, 1400])
def test_labels_and_reasons_are_not_torn_within_a_word(
    browser: Browser, folder: Path, width: int
) -> None:
    browser.open(folder / 'pairs.html', width=width, height=800)
    lines = (
        'Math.max(...[...document.querySelectorAll(".counts td:first-child")].map(cell => {'
        ' const range = document.createRange(); range.selectNodeContents(cell);'
        ' const tops = new Set([...range.getClientRects()].map(r => Math.round(r.top)));'
        ' return tops.size - cell.textContent.split(/[\\s_]+/).length; }))'
    )
    assert browser.run(lines) <= 0


@pytest.mark.parametrize('width', [320, 390, 800])
@pytest.mark.parametrize('page', PAGES)
def test_a_narrow_window_is_not_left_to_the_side(
    browser: Browser, folder: Path, page: str, width: int
) -> None:
    browser.open(folder / f'{page}.html', width=width, height=800)
    assert browser.run('document.documentElement.scrollWidth') <= width
    open_all(browser)
    assert browser.run('document.documentElement.scrollWidth') <= width


def boxes(browser: Browser, *names: str) -> list[dict[str, float]]:
    """Where the first elements of these selectors stand."""
    return [
        browser.run(f'document.querySelector("{name}").getBoundingClientRect().toJSON()')
        for name in names
    ]


@pytest.mark.parametrize('page', PAGES)
def test_the_document_stands_beside_the_answers_where_there_is_room(
    browser: Browser, folder: Path, page: str
) -> None:
    browser.open(folder / f'{page}.html', width=1400)
    sides, document = boxes(browser, '.sides', '.document .text')
    assert document['left'] >= sides['right']
    assert sides['top'] <= document['top'] < document['bottom'] <= sides['bottom'] + 200
    browser.resize(900, 900)
    assert not browser.run('document.querySelector(".document").open')
    sides, document = boxes(browser, '.sides', '.document')
    assert document['top'] >= sides['bottom']
    assert document['left'] == pytest.approx(sides['left'], abs=2)


@pytest.mark.parametrize('page', PAGES)
def test_the_tab_key_goes_through_a_page_in_few_steps(
    browser: Browser, folder: Path, page: str
) -> None:
    browser.open(folder / f'{page}.html')
    here = 'document.activeElement.tagName + "." + document.activeElement.className'
    reached: list[str] = []
    browser.press('Tab')
    while (name := browser.run(here)) != 'BODY.' and len(reached) < 40:
        reached.append(name)
        browser.press('Tab')
    assert sum('SPAN.s ' in name for name in reached) == 1
    assert len(reached) <= 16, reached


def focused(browser: Browser) -> tuple[int, str]:
    """The number of the card that has the focus, and the text that has it."""
    cards = 'Array.from(document.querySelectorAll(".card"))'
    here = 'document.activeElement'
    card = browser.run(f'{cards}.indexOf({here}.closest(".card"))')
    return card, browser.run(f'{here}.textContent')


def test_arrows_go_from_sentence_to_sentence_and_from_card_to_card(
    browser: Browser, folder: Path
) -> None:
    browser.open(folder / 'pairs.html')
    browser.run('document.querySelector(".s[tabindex=\'0\']").focus()')
    assert focused(browser) == (0, 'Sentence 0 of q0, run 0.')
    browser.press('ArrowRight')
    assert focused(browser) == (0, 'Sentence 1 of q0, run 0.')
    browser.press('ArrowDown')
    assert focused(browser) == (1, 'Sentence 0 of q1, run 0.')
    browser.press('ArrowLeft')
    assert focused(browser) == (0, 'Sentence 3 of q0, run 1.')
    browser.press('ArrowUp')
    assert focused(browser)[0] == 0
    assert browser.run('document.querySelectorAll(".s[tabindex=\'0\']").length') == 1


def test_the_verdict_of_the_sentence_at_hand_describes_it_and_fills_its_passages(
    browser: Browser, folder: Path
) -> None:
    browser.open(folder / 'pairs.html')
    browser.run('document.querySelector(".contradictory[data-points]").focus()')
    described = 'document.getElementById(document.activeElement.getAttribute("aria-describedby"))'
    text = browser.run(f'{described}.innerText')
    assert text.split('\n')[0] == 'Contradictory'
    assert 'kind: metal' in text
    filled = 'Array.from(document.querySelectorAll(".now"), each => each.textContent)'
    assert browser.run(filled) == ['The point of it is this one.']
    browser.press('Escape')
    assert browser.run('document.getElementById("tip").hidden')
    assert browser.run(filled) == []
    assert not browser.run('document.activeElement.hasAttribute("aria-describedby")')


@pytest.mark.parametrize('page', PAGES)
def test_an_image_of_the_whole_page_has_every_card(
    browser: Browser, folder: Path, page: str
) -> None:
    browser.open(folder / f'{page}.html')
    (last,) = boxes(browser, '.card:last-of-type .side')
    image = browser.image(whole=True)
    assert image.shape[0] > 2000
    assert last['bottom'] <= image.shape[0]
    card = image[int(last['top']) : int(last['bottom']), int(last['left']) : int(last['right'])]
    assert (card.min(axis=(0, 1)) < 90).all()
    # Nowhere do 400 rows hold nothing but one colour.
    blank = image.reshape(image.shape[0], -1).std(axis=1) < 1
    assert max(map(len, ''.join('.x'[int(row)] for row in blank).split('.'))) < 400


@pytest.mark.parametrize('page', PAGES)
def test_print_keeps_columns_and_bars_and_leaves_out_what_is_to_be_clicked(
    browser: Browser, folder: Path, page: str
) -> None:
    browser.open(folder / f'{page}.html', width=720, prefers_color_scheme='dark')
    browser.print_media()
    left, right = boxes(browser, '.side', '.side + .side')
    assert left['right'] <= right['left'] + 1
    assert left['top'] == right['top']
    style = 'getComputedStyle(document.querySelector("{}")).{}'
    assert browser.run(style.format('.card', 'printColorAdjust')) == 'exact'
    assert browser.run(style.format('body', 'backgroundColor')) == 'rgb(255, 255, 255)'
    assert browser.run('document.documentElement.scrollWidth') <= 720
    # An interval stays on one line, and no table is wider than its panel.
    assert browser.run(style.format('td + td', 'whiteSpace')) == 'nowrap'
    fits = 'Array.from(document.querySelectorAll(".panel"), e => e.scrollWidth <= e.clientWidth)'
    assert set(browser.run(fits)) == {True}
    shown = 'Array.from(document.querySelectorAll("{}")).filter(each => each.checkVisibility())'
    assert browser.run(shown.format('.controls, button, summary, nav') + '.length') == 0
    if page == 'pairs':
        # A border is printed where a background is not.
        assert browser.run(style.format('td .bar', 'borderTopStyle')) == 'solid'
    assert browser.pdf().startswith(b'%PDF')


def test_links_lead_from_page_to_page(browser: Browser, folder: Path) -> None:
    browser.open(folder / 'pairs.html')
    for text, name in (('Evaluation', 'evaluation.html'), ('Pairs', 'pairs.html')):
        link = f'Array.from(document.querySelectorAll("nav a")).find(a => a.text === "{text}")'
        assert browser.run(f'{link}.href') == (folder / name).as_uri()
    assert browser.run('Array.from(document.querySelectorAll("nav a"), a => a.text)') == [
        'Pairs',
        'Evaluation',
        'Training',
    ]
    browser.open(folder / 'evaluation.html')
    assert browser.run('document.getElementById("training").textContent') == 'Training'


def test_two_thousand_pairs_open_and_stay_responsive(browser: Browser, tmp_path: Path) -> None:
    write_pairs(tmp_path, 2000)
    browser.open(tmp_path / 'pairs.html', width=1400)
    search = (
        'new Promise(done => { const start = performance.now();'
        ' const box = document.getElementById("search"); box.value = "q1999";'
        ' box.dispatchEvent(new Event("input")); const look = () =>'
        ' document.getElementById("shown").textContent.startsWith("1 of 2000")'
        ' ? done(performance.now() - start) : setTimeout(look, 5); look(); })'
    )
    assert browser.run(search) < 5000
    assert browser.run('document.querySelectorAll(".card:not(.hidden)").length') == 1
    assert browser.run('document.querySelector(".card:not(.hidden) .s").tabIndex') == 0
