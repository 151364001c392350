"""How the page of pairs shows which rule made them, and what that rule counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from maskdpo_xtuner.jsonl import write_records
from maskdpo_xtuner.pairing import PairRules, make_pairs
from maskdpo_xtuner.records import Label, Question, Sentence
from maskdpo_xtuner.reports.pair_files import read_pair_files
from maskdpo_xtuner.reports.pairs_page import pairs_page
from tests.evaluation.answers import answer
from tests.reports.pages import Element, parse_page
from tests.reports.pair_records import pair, released


def page_with(tmp_path: Path, chosen: str, **settings: Any) -> Element:
    """The page of a question whose answers are ``chosen``, ``cu`` and one of No Facts."""
    answers = [answer('tin', 0, chosen), answer('tin', 1, 'cu'), answer('tin', 2, '.+c')]
    made = pair(answers[0], answers[1], PairRules(**settings))
    write_records(tmp_path / 'pairs.jsonl', [made])
    write_records(tmp_path / 'annotated.jsonl', answers)
    return parse_page(pairs_page(read_pair_files(tmp_path)))


def named(element: Element) -> list[str]:
    """Names of the verdicts shown on sentences."""
    spans = element.find('span', 's')
    return [name for span in spans if (name := span.attributes.get('data-name'))]


def test_the_page_says_which_rule_made_a_pair(tmp_path: Path) -> None:
    page = page_with(tmp_path, '+', rule='all', max_pairs=3, ties='most_facts')
    assert 'metals · en · tin · rule all' in page.find('article')[0].find('header')[0].text
    assert 'rule: all · no_facts: correct · ties: most_facts' in page.text


def test_ignored_sentences_are_shown_as_not_counted(tmp_path: Path) -> None:
    page = page_with(tmp_path, '+.', no_facts='ignored')
    (card,) = page.find('article')
    assert named(card.find('section', 'side')[0]) == ['No Hallucination', 'No Facts, not counted']
    other = card.find('details', 'lazy')[0]
    assert named(other)[0] == 'No Facts, not counted'
    assert other.find('span', 'score')[0].text == '50 %'
    assert 'sample 2: 50 %' in [bar.attributes['title'] for bar in card.find('i')]
    assert 'No Facts, not counted nothing to check; in no score or loss' in page.text


def test_in_the_papers_pairs_no_facts_counts_as_correct(tmp_path: Path) -> None:
    page = page_with(tmp_path, '+.')
    assert 'not counted' not in page.text
    assert 'sample 2: 67 %' in [bar.attributes['title'] for bar in page.find('i')]


def test_without_the_annotated_answers_ignored_sentences_are_shown_so_too(tmp_path: Path) -> None:
    page_with(tmp_path, '+.', no_facts='ignored')
    page = parse_page(pairs_page(read_pair_files(tmp_path / 'pairs.jsonl')))
    assert 'No Facts, not counted' in named(page.find('section', 'side')[0])


def test_chosen_answers_that_say_nothing_are_counted_and_remarked(tmp_path: Path) -> None:
    sentences = (Sentence(start=0, end=14, label=Label.NO_FACTS),)
    refusal = answer('tin', 0, '').model_copy(
        update={'text': 'I do not know.', 'sentences': sentences}
    )
    pairs = [
        pair(refusal, answer('tin', 1, 'c')),
        pair(answer('lead', 0, '.'), answer('lead', 1, 'c')),
        pair(answer('zinc', 0, '+'), answer('zinc', 1, 'c')),
    ]
    write_records(tmp_path / 'pairs.jsonl', pairs)
    page = parse_page(pairs_page(read_pair_files(tmp_path)))
    tiles = {tile.find('span')[0].text: tile.find('b')[0].text for tile in page.find('div', 'tile')}
    assert (tiles['refusals chosen'], tiles['chosen, nothing supported']) == ('1', '2')
    headers = [card.find('header')[0].text for card in page.find('article')]
    assert ['the chosen answer is a refusal' in text for text in headers] == [True, False, False]
    assert ['nothing in the chosen' in text for text in headers] == [True, True, False]


def test_of_a_released_file_no_count_of_labels_is_given(tmp_path: Path) -> None:
    path = tmp_path / 'released.jsonl'
    path.write_text(json.dumps(released(pair(answer('tin', 0, '+'), answer('tin', 1, 'c')))) + '\n')
    page = parse_page(pairs_page(read_pair_files(path)))
    tiles = [tile.find('span')[0].text for tile in page.find('div', 'tile')]
    # Nor does it tell the language, without which a refusal is not known.
    assert tiles == ['pairs', 'chosen, refusal or not unknown']


def test_every_pair_of_a_question_has_a_card_with_its_two_answers(tmp_path: Path) -> None:
    answers = [answer('tin', 0, '++'), answer('tin', 1, '+c'), answer('tin', 2, 'cu')]
    question = Question(
        question_id='tin', question='Tin?', document='d', language='en', topic='metals'
    )
    made = make_pairs(question, answers, PairRules(rule='all'))
    assert not isinstance(made, str)
    write_records(tmp_path / 'pairs.jsonl', made)
    write_records(tmp_path / 'annotated.jsonl', answers)
    page = parse_page(pairs_page(read_pair_files(tmp_path)))
    cards = page.find('article')
    roles = [[bar.classes for bar in card.find('i')] for card in cards]
    assert roles == [
        [['chosen'], [], ['rejected']],
        [['chosen'], ['rejected'], []],
        [[], ['chosen'], ['rejected']],
    ]
