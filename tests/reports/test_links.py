"""Pages of a folder that link to each other."""

from __future__ import annotations

from pathlib import Path

from maskdpo_xtuner.reports.links import PagePlace, link_pages, place_of
from maskdpo_xtuner.reports.pages import render, write_page
from tests.reports.pages import parse_page

HOSTILE = '"><script>--></script>'


def page(order: int, title: str, *parts: tuple[str, str]) -> str:
    place = PagePlace(order, title, parts)
    values = {'groups': [], 'alone': [], 'papers': [], 'note': '<!--/pages-->'}
    return render('compare.html.j2', place, title=title, **values)


def links(path: Path) -> list[tuple[str, str | None]]:
    (nav,) = parse_page(path.read_text(encoding='utf-8')).find('nav')
    return [(link.text, link.attributes['href']) for link in nav.find('a')]


def test_a_page_is_found_by_what_it_says_of_itself() -> None:
    assert place_of(page(2, HOSTILE, ('Training', 'training'))) == PagePlace(
        2, HOSTILE, (('Training', 'training'),)
    )
    assert place_of('<title>Of somebody else</title>') is None


def test_pages_link_to_each_other_whichever_was_written_last(tmp_path: Path) -> None:
    (tmp_path / 'notes.html').write_text('mine')
    for names in (('pairs', 'evaluation'), ('evaluation', 'pairs')):
        pages = {
            'pairs': page(1, 'Pairs'),
            'evaluation': page(2, 'Evaluation', ('Training', 'training')),
        }
        for name in names:
            write_page(tmp_path / f'{name}.html', pages[name])
        for name in names:
            assert links(tmp_path / f'{name}.html') == [
                ('Pairs', 'pairs.html'),
                ('Evaluation', 'evaluation.html'),
                ('Training', 'evaluation.html#training'),
            ]
    assert (tmp_path / 'notes.html').read_text() == 'mine'


def test_a_page_knows_which_link_is_its_own(tmp_path: Path) -> None:
    write_page(tmp_path / 'a.html', page(1, 'Pairs'))
    write_page(tmp_path / 'b.html', page(2, 'Evaluation'))
    (nav,) = parse_page((tmp_path / 'b.html').read_text(encoding='utf-8')).find('nav')
    assert [link.attributes.get('aria-current') for link in nav.find('a')] == [None, 'page']


def test_a_page_alone_has_no_links(tmp_path: Path) -> None:
    write_page(tmp_path / 'pairs.html', page(1, 'Pairs'))
    assert links(tmp_path / 'pairs.html') == []


def test_two_pages_of_one_kind_are_told_apart_by_their_files(tmp_path: Path) -> None:
    for name in ('el & ments', 'countries'):
        write_page(tmp_path / f'{name}.html', page(2, 'Evaluation'))
    assert links(tmp_path / 'countries.html') == [
        ('Evaluation (countries)', 'countries.html'),
        ('Evaluation (el & ments)', 'el%20%26%20ments.html'),
    ]


def test_a_page_that_is_gone_is_linked_no_more(tmp_path: Path) -> None:
    write_page(tmp_path / 'a.html', page(1, 'Pairs'))
    write_page(tmp_path / 'b.html', page(2, HOSTILE))
    assert links(tmp_path / 'a.html')[1] == (HOSTILE, 'b.html')
    (tmp_path / 'b.html').unlink()
    link_pages(tmp_path)
    assert links(tmp_path / 'a.html') == []
