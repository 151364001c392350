from hypothesis import given, settings
from hypothesis import strategies as st

from maskdpo_xtuner.records import Fact, Label, Sentence
from maskdpo_xtuner.reports.segments import (
    KINDS,
    Mark,
    Segment,
    cut_long,
    kind_of,
    segments,
    sentence_marks,
)
from tests.evaluation.answers import answer

TRUE, FALSE = kind_of(Label.NO_HALLUCINATION), kind_of(Label.CONTRADICTORY)


def test_white_space_around_a_sentence_belongs_to_no_sentence() -> None:
    text = ' Tin is a metal.\n\nIt sings.  '
    cut = segments(text, [Mark(0, 18, TRUE), Mark(18, 29, FALSE, points=('It cries.',))])
    assert cut == [
        Segment(' '),
        Segment('Tin is a metal.', TRUE),
        Segment('\n\n'),
        Segment('It sings.', FALSE, points=('It cries.',)),
        Segment('  '),
    ]


def test_text_between_spans_is_kept_without_a_verdict() -> None:
    cut = segments('one two three', [Mark(4, 7, TRUE)])
    assert cut == [Segment('one '), Segment('two', TRUE), Segment(' three')]


@given(st.text(), st.lists(st.integers(0, 40)))
def test_segments_together_are_the_text(text: str, borders: list[int]) -> None:
    cuts = sorted({0, len(text), *(border % (len(text) + 1) for border in borders)})
    marks = [Mark(a, b, TRUE) for a, b in zip(cuts, cuts[1:], strict=False)]
    assert ''.join(piece.text for piece in segments(text, marks)) == text


def test_a_missing_verdict_shows_its_reason() -> None:
    (mark,) = sentence_marks(answer('q', 0, '?').sentences)
    assert (mark.kind.name, mark.note) == ('No verdict', 'unparsed: hm')


def test_remarks_on_a_verdict_are_shown() -> None:
    remarks = ('document shortened to 3 of 9 passages', 'points cut at the token limit')
    sentences = [
        Sentence(start=0, end=4, label=Label.NO_FACTS, notes=remarks),
        Sentence(start=4, end=8, label=None, failure='failed: 400', notes=remarks[:1]),
    ]
    judged, failed = sentence_marks(sentences)
    assert judged.note == '; '.join(remarks)
    assert failed.note == f'failed: 400; {remarks[0]}'


def test_the_facts_of_a_sentence_are_shown_with_their_verdicts() -> None:
    facts = (
        Fact(text='Tin is a metal.', supported=True),
        Fact(text='Tin is blue.', supported=False),
        Fact(text='Tin is dear.', failure='unparsed: hm'),
    )
    (mark,) = sentence_marks([Sentence(start=0, end=4, label=Label.UNVERIFIABLE, facts=facts)])
    assert mark.note == (
        'supported: Tin is a metal.; not supported: Tin is blue.; no verdict: Tin is dear.'
    )


def test_every_verdict_has_a_style_a_mark_and_a_name_of_its_own() -> None:
    for attribute in ('key', 'mark', 'name'):
        assert len({getattr(kind, attribute) for kind in KINDS}) == len(Label) + 1


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=9)), st.integers(1, 30))
def test_a_long_answer_is_divided_and_nothing_is_lost(texts: list[str], length: int) -> None:
    pieces = [Segment(text, TRUE) for text in texts]
    shown, rest = cut_long(pieces, length)
    assert ''.join(piece.text for piece in [*shown, *rest]) == ''.join(texts)
    assert sum(len(piece.text) for piece in shown) <= length
    assert shown or not texts
    assert all(piece.kind is TRUE for piece in [*shown, *rest])


def test_sentences_stay_whole_where_they_are_not_too_long_alone() -> None:
    pieces = [Segment('one'), Segment('two', TRUE), Segment('three')]
    assert cut_long(pieces, 8) == (pieces[:2], pieces[2:])
    assert cut_long(pieces, 11) == (pieces, [])
    assert cut_long(pieces[2:], 2) == ([Segment('th')], [Segment('ree')])
