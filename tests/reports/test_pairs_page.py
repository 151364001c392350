from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.jsonl import write_records
from maskdpo_xtuner.masking import PairConverter, response_mask_map_fn
from maskdpo_xtuner.records import (
    NOT_NEEDED,
    AnnotatedResponse,
    Label,
    Message,
    PreferencePair,
    Question,
    Sentence,
)
from maskdpo_xtuner.reports.pair_files import read_pair_files
from maskdpo_xtuner.reports.pairs_page import pairs_page
from tests.evaluation.answers import answer
from tests.reports.pages import Element, assert_self_contained, parse_page
from tests.reports.pair_records import pair, released
from tests.tokenizers import load_tokenizer

HOSTILE = '<script>alert("1")</script> & \'</template>\' \u202e{{ 7 * 7 }} ' + 'long' * 3000


def work_dir(folder: Path, answers: list[list[AnnotatedResponse]]) -> Path:
    """Write a work dir whose pairs are the first against the last answer of each question."""
    write_records(folder / 'pairs.jsonl', [pair(group[0], group[-1]) for group in answers])
    write_records(folder / 'annotated.jsonl', [a for group in answers for a in group])
    return folder


def hostile_answer(index: int, label: Label) -> AnnotatedResponse:
    sentence = Sentence(start=0, end=len(HOSTILE), label=label, points=(HOSTILE, '\'"'))
    text = HOSTILE + '.' * index
    return answer(HOSTILE, index, '').model_copy(update={'text': text, 'sentences': (sentence,)})


def dropped_question(question_id: str, reason: str, *scores: float | None) -> dict[str, Any]:
    return {'question_id': question_id, 'question': 'Tell me.', 'reason': reason, 'scores': scores}


def sentences_of(element: Element) -> list[str]:
    return [e.text for e in element.find('span', 's') if 'data-name' in e.attributes]


def test_every_sentence_of_a_pair_stands_in_its_card_once_with_its_verdict(tmp_path: Path) -> None:
    chosen, rejected = answer('tin', 0, '+.?'), answer('tin', 1, 'cu+')
    page = parse_page(pairs_page(read_pair_files(work_dir(tmp_path, [[chosen, rejected]]))))
    (card,) = page.find('article')
    left, right = card.find('section', 'side')
    for run, side in enumerate((left, right)):
        assert sentences_of(side) == [f'Sentence {n} of tin, run {run}.' for n in range(3)]
    kinds = [[s.classes[-1] for s in side.find('span', 's')] for side in (left, right)]
    assert kinds == [
        ['no_hallucination', 'no_facts', 'no_verdict'],
        ['contradictory', 'unverifiable', 'no_hallucination'],
    ]
    assert [side.find('span', 'score')[0].text for side in (left, right)] == ['100 %', '33 %']
    assert left.find('span', 'no_verdict')[0].attributes['data-note'] == 'unparsed: hm'


def test_the_other_answers_wait_in_a_template_and_the_strip_shows_all_scores(
    tmp_path: Path,
) -> None:
    answers = [answer('tin', index, marks) for index, marks in enumerate(['++', 'u+', '??', 'uu'])]
    page = parse_page(pairs_page(read_pair_files(work_dir(tmp_path, [answers]))))
    (template,) = page.find('details', 'lazy')[0].find('template')
    assert len(template.find('section', 'side')) == 2
    strip = page.find('div', 'strip')[0].find('i')
    assert [bar.classes for bar in strip] == [['chosen'], [], ['rejected'], ['unscored']]
    assert [bar.attributes['title'] for bar in strip] == [
        'sample 0: 100 % (chosen)',
        'sample 1: 50 %',
        'sample 3: 0 % (rejected)',
        'sample 2: no score',
    ]


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    sides = hostile_answer(0, Label.NO_HALLUCINATION), hostile_answer(1, Label.CONTRADICTORY)
    folder = work_dir(tmp_path, [[sides[0], answer(HOSTILE, 2, '+'), sides[1]]])
    dropped = dropped_question(HOSTILE, 'equal_scores')
    (folder / 'dropped.jsonl').write_text(json.dumps(dropped) + '\n', encoding='utf-8')
    text = pairs_page(read_pair_files(folder))
    assert_self_contained(text)
    page = parse_page(text)
    assert len(page.find('script')) == 1
    shown = sentences_of(page.find('article')[0].find('div', 'sides')[0])
    assert shown == [HOSTILE.strip(), HOSTILE.strip()]
    points = page.find('article')[0].find('span', 'contradictory')[0].attributes['data-points']
    assert json.loads(points or '') == [HOSTILE, '\'"']


def test_a_page_of_some_pairs_says_of_how_many_and_counts_all(tmp_path: Path) -> None:
    groups = [[answer(f'q{n}', 0, '++'), answer(f'q{n}', 1, 'cc')] for n in range(4)]
    groups.append([answer('q4', 0, '+c'), answer('q4', 1, 'cc')])
    page = parse_page(pairs_page(read_pair_files(work_dir(tmp_path, groups), limit=2)))
    assert len(page.find('article')) == 2
    (note,) = page.find('p', 'callout')
    assert 'the first 2 of 5 pairs' in note.text
    rows = {row.find('td')[0].text: row.find('td')[1].text for row in page.find('tr')}
    assert rows == {'No Hallucination': '9', 'Contradictory': '11'}
    tiles = {tile.find('span')[0].text: tile.find('b')[0].text for tile in page.find('div', 'tile')}
    assert (tiles['pairs'], tiles['mean score, chosen']) == ('5', '90 %')


def test_a_page_of_all_pairs_has_no_such_note(tmp_path: Path) -> None:
    folder = work_dir(tmp_path, [[answer('q', 0, '+'), answer('q', 1, 'c')]])
    assert not parse_page(pairs_page(read_pair_files(folder))).find('p', 'callout')


def test_drop_reasons_are_counted_and_the_questions_listed(tmp_path: Path) -> None:
    folder = work_dir(tmp_path, [[answer('q', 0, '+'), answer('q', 1, 'c')]])
    lines = [
        dropped_question('a', 'equal_scores', 1.0, 1.0),
        dropped_question('b', 'equal_scores', 0.5, None),
        dropped_question('c', 'rejected_without_hallucination', 1.0),
    ]
    (folder / 'dropped.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines))
    page = parse_page(pairs_page(read_pair_files(folder)))
    rows = [[cell.text for cell in row.find('td')] for row in page.find('tr')]
    assert ['equal_scores', '2', '66.7 %', ''] in rows
    assert ['b Tell me.', 'equal_scores', '50 %, no score'] in rows


def test_no_dropped_question_is_no_error(tmp_path: Path) -> None:
    folder = work_dir(tmp_path, [[answer('q', 0, '+'), answer('q', 1, 'c')]])
    (folder / 'dropped.jsonl').write_text('')
    assert 'Dropped questions' not in pairs_page(read_pair_files(folder))


def test_a_file_of_the_released_trainer_is_shown_with_two_types(tmp_path: Path) -> None:
    made = pair(answer('tin', 0, '++u'), answer('tin', 1, 'c+'))
    path = tmp_path / 'released.jsonl'
    path.write_text(json.dumps(released(made)) + '\n')
    page = parse_page(pairs_page(read_pair_files(path)))
    sides = page.find('section', 'side')
    kinds = [[s.classes[-1] for s in side.find('span', 's')] for side in sides]
    assert kinds == [
        ['no_hallucination', 'no_hallucination', 'hallucination'],
        ['hallucination', 'no_hallucination'],
    ]


def test_weighted_pieces_show_their_weight_and_no_verdict(tmp_path: Path) -> None:
    value = pair(answer('tin', 0, '++u'), answer('tin', 1, 'c+')).model_dump(mode='json')
    for side, weights in (('chosen_item', [0.5, 0, 0]), ('rejected_item', [1, 0])):
        value[side].update(type=None, labels=None, weights=weights)
    (tmp_path / 'p.jsonl').write_text(json.dumps(value) + '\n')
    page = parse_page(pairs_page(read_pair_files(tmp_path / 'p.jsonl')))
    notes = [piece.attributes['data-note'] for piece in page.find('span', 'weighted')]
    assert notes == [f'{weight} in the loss' for weight in ('0.5', '0', '0', '1', '0')]


def test_the_token_mask_waits_in_a_template_of_its_side(tmp_path: Path) -> None:
    folder = work_dir(tmp_path, [[answer('tin', 0, '+u'), answer('tin', 1, 'c')]])
    converter = PairConverter(load_tokenizer('smollm2'))
    page = parse_page(pairs_page(read_pair_files(folder), converter))
    masks = page.find('template', 'token-mask')
    marked = [''.join(t.text for t in mask.find('span', 'on')) for mask in masks]
    assert marked == ['Sentence 0 of tin, run 0.<|im_end|>', 'Sentence 0 of tin, run 1. <|im_end|>']
    assert len(page.find('button', 'toggle-tokens')) == 2
    assert not parse_page(pairs_page(read_pair_files(folder))).find('button', 'toggle-tokens')


def test_the_token_mask_is_the_one_of_the_converter_and_says_what_it_drops(tmp_path: Path) -> None:
    folder = work_dir(tmp_path, [[answer('tin', 0, '+u'), answer('tin', 1, 'c')]])
    converter = PairConverter(load_tokenizer('smollm2'), response_mask_map_fn, end_of_turn='never')
    page = parse_page(pairs_page(read_pair_files(folder), converter))
    marked = [
        ''.join(token.text for token in mask.find('span', 'on'))
        for mask in page.find('template', 'token-mask')
    ]
    assert marked == [answer('tin', index, '+u'[: 2 - index]).text for index in (0, 1)]
    short = PairConverter(load_tokenizer('smollm2'), max_length=20)
    page = parse_page(pairs_page(read_pair_files(folder), short))
    assert 'not trained on: chosen: all supervised tokens lie beyond' in page.text


def test_a_sentence_that_is_not_in_its_response_is_reported_with_the_pair(tmp_path: Path) -> None:
    good = pair(answer('tin', 0, '+'), answer('tin', 1, 'c'))
    item = good.chosen_item.model_copy(update={'sents': ('Lead is heavy.',)})
    write_records(tmp_path / 'p.jsonl', [good, good.model_copy(update={'chosen_item': item})])
    with pytest.raises(ValueError, match=r'p\.jsonl, pair 2: chosen_item\.spans\[0\]'):
        pairs_page(read_pair_files(tmp_path / 'p.jsonl'))


def test_the_order_of_cards_is_that_of_the_file(tmp_path: Path) -> None:
    names = ['zinc', 'tin', 'lead']
    groups = [(answer(name, 0, '+'), answer(name, 1, 'c')) for name in names]
    pairs: list[PreferencePair] = [pair(chosen, rejected) for chosen, rejected in groups]
    write_records(tmp_path / 'p.jsonl', pairs)
    page = parse_page(pairs_page(read_pair_files(tmp_path / 'p.jsonl')))
    assert [card.find('h3')[0].text for card in page.find('article')] == [
        f'Tell me of {name}.' for name in names
    ]


def test_a_long_answer_waits_in_templates_and_is_all_there(tmp_path: Path) -> None:
    chosen, rejected = answer('tin', 0, '+' * 3000), answer('tin', 1, 'c')
    page = parse_page(pairs_page(read_pair_files(work_dir(tmp_path, [[chosen, rejected]]))))
    side = page.find('section', 'side')[0]
    shown = side.find('div', 'answer')[0]
    assert 15_000 < len(shown.text) <= 20_000 + 3000  # with the marks of white space
    (rest,) = [child for child in side.children if getattr(child, 'tag', '') == 'details']
    assert isinstance(rest, Element)
    assert [child.tag for child in rest.children if isinstance(child, Element)] == [
        *('summary', 'template')
    ]
    parts = [part.text for part in side.find('div', 'answer')]
    assert ''.join(parts) == chosen.text


def test_a_long_question_is_cut_with_the_whole_on_demand(tmp_path: Path) -> None:
    file = tmp_path / 'pairs.jsonl'
    one = pair(answer('tin', 0, '+'), answer('tin', 1, 'c'))
    asked = [Message(role='user', content='Why? ' * 2000)]
    write_records(file, [one.model_copy(update={'prompt': tuple(asked)})])
    card = parse_page(pairs_page(read_pair_files(file))).find('article', 'card')[0]
    (heading,) = card.find('h3')
    assert heading.text == 'Why? ' * 400 + '…'
    assert card.find('template')[0].text == 'Why? ' * 2000


def test_sentences_that_nobody_was_asked_about_are_grey_and_in_no_count(tmp_path: Path) -> None:
    chosen, rejected, other = (
        answer('tin', index, marks) for index, marks in enumerate(['++', 'u+', '+u'])
    )
    first, second = other.sentences
    skipped = Sentence(start=second.start, end=second.end, failure=NOT_NEEDED)
    other = other.model_copy(update={'sentences': (first, skipped)})
    folder = work_dir(tmp_path, [[chosen, rejected]])
    write_records(folder / 'annotated.jsonl', [chosen, rejected, other])
    files = read_pair_files(folder)
    assert (files.labels.total(), files.labels[None], files.not_needed) == (5, 0, 1)
    page = parse_page(pairs_page(files))
    (template,) = page.find('details', 'lazy')[0].find('template')
    (grey,) = template.find('span', 'not_needed')
    assert grey.attributes['data-name'] == 'Not asked'
    assert template.find('span', 'no_verdict') == []
    (legend,) = page.find('div', 'legend')
    assert len(legend.find('span', 'not_needed')) == 1
    without = parse_page(pairs_page(read_pair_files(work_dir(tmp_path, [[chosen, rejected]]))))
    assert without.find('span', 'not_needed') == []


def asked(document: str, question: str = 'Tell me of tin.') -> Question:
    return Question(
        question_id='tin', question=question, document=document, language='en', topic='metals'
    )


def test_the_document_of_a_work_dir_stands_beside_its_answers(tmp_path: Path) -> None:
    folder = work_dir(tmp_path, [[answer('tin', 0, '++'), answer('tin', 1, 'c')]])
    assert not parse_page(pairs_page(read_pair_files(folder))).find('details', 'document')
    write_records(folder / 'asked.jsonl', [asked('Tin shines.')])
    (body,) = parse_page(pairs_page(read_pair_files(folder))).find('div', 'with-document')
    (document,) = body.find('details', 'document')
    assert 'open' in document.attributes
    assert document.find('div', 'text')[0].text == 'Tin shines.'


def test_questions_that_the_pairs_were_not_made_from_are_refused(tmp_path: Path) -> None:
    folder = work_dir(tmp_path, [[answer('tin', 0, '++'), answer('tin', 1, 'c')]])
    files = read_pair_files(folder, asked=[asked('Tin shines.', 'What of lead?')])
    with pytest.raises(ValueError, match='pair 1: the question tin is another one than'):
        pairs_page(files)


def test_only_many_pairs_are_laid_out_as_they_come_into_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = work_dir(
        tmp_path, [[answer(f'q{n}', 0, '+'), answer(f'q{n}', 1, 'c')] for n in (0, 1)]
    )
    files = read_pair_files(folder)
    assert not parse_page(pairs_page(files)).find('div', 'many')
    monkeypatch.setattr('maskdpo_xtuner.reports.pairs_page.MANY', 1)
    assert parse_page(pairs_page(files)).find('div', 'many')
