"""Masks of four real tokenizers against a check that knows only the tokens' bytes."""

from typing import Any, get_args

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from maskdpo_xtuner.masking import (
    EndOfTurn,
    LabelledResponse,
    MaskingError,
    Rendering,
    mask_batch,
    mask_response,
    render,
    token_mask,
)
from tests.masking.byte_extents import clusters, expected_mask, read_conversation
from tests.tokenizers import TOKENIZERS, load_tokenizer

PROMPT = [{'role': 'user', 'content': 'Who discovered it, and when?'}]
RESPONSE = 'Marie Curie.  It was 1898!\n\nNo.'
SENTENCES = [(0, 14), (14, 28), (28, 31)]

ENGLISH = 'Dr. Curie (1867–1934) found it in 1898, didn’t she?  She did!\n\nIt’s naïve to say so. '
CHINESE = '居里夫人于1898年发现了镭。“真的吗？”她笑了……　是的！\n然后，她获得了诺贝尔奖。'
EMOJI = '🎉 Yes! 👩‍👩‍👧‍👦👍🏽 done 🇫🇷.🫠🫠 \U0001f9ff?'
COMBINING = (
    'Cafe\u0301 A\u030angstro\u0308m. \u1112\u1161\u11ab\u1100\u1173\u11af! q\u0323\u0307 \u0301x'
)
MARKDOWN = '# Title\n\n1. **Bold** item\n   - nested: `x`\n\n| a | b |\n|---|---|\n\n> quote\n***\n'
CODE = 'Use:\n```python\ndef f(x):\n\tif x != 0:\n        return {"a": [1, 2]}\n```\n\n\n'
BLANKS = ' \n \t Leading.\u00a0\u3000\u2028 Odd \u200b blanks.\r\n\r\n  trailing  \n '
SCRIPTS = 'Привет, мир. مرحبا بالعالم! नमस्ते दुनिया। สวัสดี ᚠᛇᚻ 𝔘𝔫𝔦 \x00\x1c end'
TEXTS = [ENGLISH, CHINESE, EMOJI, COMBINING, MARKDOWN, CODE, BLANKS, SCRIPTS]
every_text = pytest.mark.parametrize(
    'text',
    TEXTS,
    ids=['english', 'chinese', 'emoji', 'combining', 'markdown', 'code', 'blanks', 'scripts'],
)

FRAGMENTS = st.sampled_from(
    [
        ' ',
        '  ',
        '\n',
        '\n\n',
        '\t',
        '\r\n',
        '\u00a0',
        '\u3000',
        '.',
        '. ',
        '。',
        '!',
        'the',
        ' year',
    ]
    + [
        '12.5',
        '中文',
        '🎉',
        '👍🏽',
        'e\u0301',
        '\u0301',
        '\u1112',
        '\u1161',
        '**',
        '- ',
        '```',
        '_',
        '字',
    ]
)
RESPONSES = st.one_of(
    st.lists(FRAGMENTS, max_size=25).map(''.join),
    st.lists(st.one_of(FRAGMENTS, st.text(max_size=4)), max_size=12).map(''.join),
)


# SmolLM2 has no token for these bytes and reads them as <|endoftext|>.
SMOLLM2_LACKS = frozenset(bytes.fromhex('04 06 13 14 16 1d f1 f2'))

every_tokenizer = pytest.mark.parametrize('name', TOKENIZERS)


def check(
    name: str,
    response: str,
    spans: list[tuple[int, int]],
    supervised: list[bool],
    end_of_turn: EndOfTurn = 'always',
    finished: bool = True,
) -> None:
    """Compare one mask, and the ids, with the independent check."""
    tokenizer = load_tokenizer(name)
    masked = mask_response(
        tokenizer, PROMPT, response, spans, supervised, end_of_turn, finished=finished
    )
    last = bool(supervised) and supervised[-1]
    ends = finished and {'always': True, 'never': False, 'last_sentence': last}[end_of_turn]
    conversation = read_conversation(name, tokenizer, PROMPT, response)
    assert masked.mask == expected_mask(name, conversation, spans, supervised, ends)
    turns = [*PROMPT, {'role': 'assistant', 'content': response}]
    assert masked.ids == tokenizer.apply_chat_template(turns)


def draw_spans(data: st.DataObject, response: str) -> tuple[list[tuple[int, int]], list[bool]]:
    """Ordered spans with gaps; no border inside of what may become one composed character."""
    borders = [begin for begin, _ in clusters(response)] + [len(response)]
    cuts = sorted(data.draw(st.sets(st.sampled_from(borders), max_size=8)))
    spans = [span for span in zip(cuts, cuts[1:], strict=False) if data.draw(st.booleans())]
    return spans, [data.draw(st.booleans()) for _ in spans]


@every_tokenizer
@settings(max_examples=100, deadline=None)
@given(response=RESPONSES, data=st.data())
def test_any_text_with_any_spans(name: str, response: str, data: st.DataObject) -> None:
    assume(response.strip())
    assume(name != 'smollm2' or SMOLLM2_LACKS.isdisjoint(response.encode()))
    spans, supervised = draw_spans(data, response)
    end_of_turn = data.draw(st.sampled_from(get_args(EndOfTurn)))
    check(name, response, spans, supervised, end_of_turn, data.draw(st.booleans()))


@every_tokenizer
@every_text
def test_every_border_between_two_sentences(name: str, text: str) -> None:
    tokenizer = load_tokenizer(name)
    rendering = render(tokenizer, PROMPT, text)
    conversation = read_conversation(name, tokenizer, PROMPT, text)
    for _, border in clusters(text)[:-1]:
        for supervised in ([True, False], [False, True]):
            spans = [(0, border), (border, len(text))]
            expected = expected_mask(name, conversation, spans, supervised, end_of_turn=False)
            assert token_mask(rendering, spans, supervised, 'never') == expected


@every_tokenizer
@every_text
def test_every_single_character(name: str, text: str) -> None:
    spans = clusters(text)
    check(name, text, spans, [index % 2 == 0 for index in range(len(spans))])


def supervised_text(name: str, *args: Any, **kwargs: Any) -> str:
    tokenizer = load_tokenizer(name)
    masked = mask_response(tokenizer, PROMPT, RESPONSE, *args, **kwargs)
    kept = [token for token, flag in zip(masked.ids, masked.mask, strict=True) if flag]
    return str(tokenizer.decode(kept))


@pytest.mark.parametrize('sentences', [SENTENCES, [(0, 12), (14, 26), (28, 31)]])
def test_blanks_go_with_the_sentence_before_them_covered_or_not(
    sentences: list[tuple[int, int]],
) -> None:
    # The last of two blanks is part of the next word's token.
    assert supervised_text('llama3', sentences, [True, False, False], 'never') == 'Marie Curie. '
    assert (
        supervised_text('llama3', sentences, [False, True, False], 'never') == ' It was 1898!\n\n'
    )
    assert supervised_text('llama3', sentences, [False, False, True], 'never') == 'No.'


def test_a_character_outside_of_all_spans_is_not_supervised() -> None:
    assert supervised_text('llama3', [(14, 16)], [True], 'never') == ' It'


@every_tokenizer
@pytest.mark.parametrize(
    ('end_of_turn', 'last', 'finished', 'ends'),
    [
        ('always', True, True, True),
        ('always', False, True, True),
        ('always', True, False, False),
        ('never', True, True, False),
        ('last_sentence', True, True, True),
        ('last_sentence', False, True, False),
        ('last_sentence', True, False, False),
    ],
)
def test_end_of_turn_token(
    name: str, end_of_turn: EndOfTurn, last: bool, finished: bool, ends: bool
) -> None:
    text = supervised_text(name, SENTENCES, [True, False, last], end_of_turn, finished=finished)
    assert text.endswith(load_tokenizer(name).eos_token) == ends


def test_nothing_after_the_end_of_turn_token_is_supervised() -> None:
    text = supervised_text('qwen', [(0, len(RESPONSE))], [True])
    assert text == RESPONSE + '<|im_end|>'


@pytest.mark.parametrize(('end_of_turn', 'ends'), [('always', True), ('never', False)])
def test_tokens_across_the_borders_belong_to_where_their_first_character_is(
    end_of_turn: EndOfTurn, ends: bool
) -> None:
    # Prompt 'Q:', response 'hi ', then a blank line and the end-of-turn marker '###'.
    offsets = [(0, 3), (3, 4), (4, 6), (6, 10), (10, 11)]
    rendering = Rendering('Q:hi \n ###\n', list(range(5)), offsets, 2, 5, 0, 3)
    mask = token_mask(rendering, [(0, 3)], [True], end_of_turn)
    assert mask == [False, True, True, ends, False]
    merged = Rendering('Q:hi \n ###\n', list(range(3)), [(0, 4), (4, 10), (10, 11)], 2, 5, 0, 3)
    assert token_mask(merged, [(0, 3)], [True], end_of_turn) == [False, ends, False]


def test_without_spans_there_is_no_last_sentence() -> None:
    assert supervised_text('qwen', [], [], 'last_sentence') == ''


@every_tokenizer
def test_truncation_cuts_ids_and_mask_from_the_right(name: str) -> None:
    tokenizer = load_tokenizer(name)
    args = (tokenizer, PROMPT, RESPONSE, SENTENCES, [True, False, True])
    whole = mask_response(*args)
    for length in range(1, len(whole.ids) + 3):
        cut = mask_response(*args, max_length=length)
        assert (cut.ids, cut.mask) == (whole.ids[:length], whole.mask[:length])
        assert len(cut.ids) == min(length, len(whole.ids))


@every_tokenizer
def test_prompt_length_counts_the_tokens_before_the_response(name: str) -> None:
    masked = mask_response(load_tokenizer(name), PROMPT, RESPONSE, [(0, len(RESPONSE))], [True])
    assert masked.mask.index(True) == masked.prompt_length


@every_tokenizer
def test_a_batch_gives_what_single_calls_give(name: str) -> None:
    tokenizer = load_tokenizer(name)
    items = [LabelledResponse(PROMPT, text, [(0, 5)], [True]) for text in TEXTS]
    singles = [mask_response(tokenizer, PROMPT, text, [(0, 5)], [True]) for text in TEXTS]
    assert mask_batch(tokenizer, items) == singles
    assert mask_batch(tokenizer, []) == []


@pytest.mark.parametrize(
    ('spans', 'supervised', 'message'),
    [
        ([(0, 4), (3, 9)], [True, True], r'the span \[3, 9\) is empty, overlaps'),
        ([(0, 99)], [True], r'the span \[0, 99\)'),
        ([(4, 4)], [True], r'the span \[4, 4\)'),
        ([(0, 4)], [True, False], '1 spans but 2 weights'),
    ],
)
def test_refuses_spans_that_do_not_fit(
    spans: list[tuple[int, int]], supervised: list[bool], message: str
) -> None:
    bad = LabelledResponse(PROMPT, RESPONSE, spans, supervised)
    good = LabelledResponse(PROMPT, RESPONSE, SENTENCES, [True] * 3)
    with pytest.raises(MaskingError, match=message) as caught:
        mask_batch(load_tokenizer('smollm2'), [good, bad])
    assert caught.value.index == 1


def test_spans_count_in_the_response_before_trimming() -> None:
    tokenizer = load_tokenizer('llama3')
    with pytest.raises(MaskingError, match='6 characters'):
        mask_response(tokenizer, PROMPT, ' Yes. ', [(0, 7)], [True])
    masked = mask_response(tokenizer, PROMPT, ' Yes. ', [(0, 1), (1, 6)], [False, True], 'never')
    assert sum(masked.mask) == 2


def test_refuses_a_setting_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="end_of_turn is one of .* not 'sometimes'"):
        mask_response(load_tokenizer('smollm2'), PROMPT, RESPONSE, [], [], 'sometimes')  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ('end_of_turn', 'end'), [('always', 1.0), ('never', 0.0), ('last_sentence', 2.5)]
)
def test_tokens_have_the_weight_of_their_span(end_of_turn: EndOfTurn, end: float) -> None:
    tokenizer = load_tokenizer('llama3')
    weights = [0.25, 0, 2.5]
    masked = mask_response(tokenizer, PROMPT, RESPONSE, SENTENCES, weights, end_of_turn)
    text: dict[float, str] = {}
    for token, weight in zip(masked.ids, masked.weights, strict=True):
        text[weight] = text.get(weight, '') + tokenizer.decode([token])
    assert text[0.25] == 'Marie Curie. '
    assert text[2.5] == 'No.' + ('<|eot_id|>' if end == 2.5 else '')
    assert text.get(1.0, '') == ('<|eot_id|>' if end == 1 else '')
    assert masked.mask == [weight != 0 for weight in masked.weights]
