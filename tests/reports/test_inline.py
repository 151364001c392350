"""What a notebook shows."""

from __future__ import annotations

from pathlib import Path

from maskdpo_xtuner.masking import PairConverter
from maskdpo_xtuner.records import Message
from maskdpo_xtuner.reports.inline import show_masks, show_page
from tests.evaluation.answers import answer
from tests.reports.pages import parse_page
from tests.reports.pair_records import pair
from tests.tokenizers import load_tokenizer


def test_supervised_tokens_are_coloured_and_nothing_else_is() -> None:
    made = pair(answer('tin', 0, '+u'), answer('tin', 1, 'c'))
    made = made.model_copy(update={'prompt': (Message(role='user', content='<b>Tin?'),)})
    page = parse_page(show_masks(made, PairConverter(load_tokenizer('smollm2')))._repr_html_())
    assert page.find('p')[0].text == '<b>Tin?'
    coloured = [''.join(token.text for token in side.find('span')) for side in page.find('div')]
    assert coloured == [
        'Sentence 0 of tin, run 0.<|im_end|>',
        'Sentence 0 of tin, run 1. <|im_end|>',
    ]
    assert page.find('div')[0].text.startswith('Sentence 0 of tin, run 0. Sentence 1 of tin')


def test_a_page_stands_in_a_frame_that_holds_all_of_it(tmp_path: Path) -> None:
    (tmp_path / 'p.html').write_text('<p class="a">"quoted" & more</p>')
    (frame,) = parse_page(show_page(tmp_path / 'p.html').html).find('iframe')
    assert frame.attributes['srcdoc'] == '<p class="a">"quoted" & more</p>'
