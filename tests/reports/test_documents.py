"""The document beside the answers, and what of it is marked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdpo_xtuner.reports.documents import find, view_document
from maskdpo_xtuner.reports.response_views import ResponseView
from maskdpo_xtuner.reports.segments import Segment, kind_of

DOCUMENT = 'Tin shines.\nLead is dull and heavy. Zinc is neither.'


def view(*points: str) -> ResponseView:
    """A response whose only sentence rests on these points."""
    piece = Segment('Said.', kind_of(None), points=points)
    return ResponseView([piece], None, 1, 0, truncated=False, tokens=[])


@pytest.mark.parametrize(
    ('point', 'place'),
    [
        ('Lead is dull', 'Lead is dull'),
        ('LEAD  is\ndull', 'Lead is dull'),
        ('"Zinc is neither."', 'Zinc is neither.'),
        ('shines. Lead', 'shines.\nLead'),
    ],
)
def test_a_point_is_found_whatever_its_case_white_space_and_quotes(point: str, place: str) -> None:
    found = find(DOCUMENT, point)
    assert found is not None
    assert DOCUMENT[slice(*found)] == place


@pytest.mark.parametrize('point', ['', ' ', '""', 'metal: tin', 'Lead is dull (heavy)'])
def test_a_point_of_other_words_stands_nowhere(point: str) -> None:
    assert find(DOCUMENT, point) is None


def test_passages_of_what_is_shown_are_marked_and_those_of_other_answers_known() -> None:
    shown = view_document(DOCUMENT, [view('Tin shines.', 'metal: tin')], [view('Zinc is neither.')])
    assert shown.numbers == {'Tin shines.': 0, 'Zinc is neither.': 1}
    assert [(p.text, p.points, p.used) for p in shown.passages if p.points] == [
        ('Tin shines.', (0,), True),
        ('Zinc is neither.', (1,), False),
    ]


def test_passages_that_overlap_are_cut_so_that_each_piece_knows_all_its_points() -> None:
    shown = view_document(DOCUMENT, [view('Lead is dull'), view('dull and heavy.')])
    assert [(p.text, p.points) for p in shown.passages if p.points] == [
        ('Lead is ', (0,)),
        ('dull', (0, 1)),
        (' and heavy.', (1,)),
    ]


@given(st.text(max_size=30), st.lists(st.text(max_size=6), max_size=4))
def test_the_passages_together_are_the_document(document: str, points: list[str]) -> None:
    passages = view_document(document, [view(*points)]).passages
    assert ''.join(passage.text for passage in passages) == document
