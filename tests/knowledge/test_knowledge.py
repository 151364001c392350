"""Files of pages: the released form, and ours out of JSON lines."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from maskdpo_xtuner.knowledge import Knowledge, Page, build_knowledge, pages, read_pages
from maskdpo_xtuner.knowledge.pages import SEPARATOR

TOOL = Path(__file__).parents[2] / 'tools' / 'build_knowledge.py'


def database(path: Path, rows: list[tuple[str, str | None]], key: str = '') -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f'CREATE TABLE documents (title {key}, text)')
        connection.executemany('INSERT INTO documents VALUES (?, ?)', rows)
    return path


def written(path: Path, *lines: dict[str, object]) -> Path:
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return path


def test_the_released_form_is_read_as_it_is(tmp_path: Path) -> None:
    text = f'<s>Tin is a metal.</s><s>It melts{SEPARATOR} at 505 K.</s>{SEPARATOR}<s></s>'
    knowledge = Knowledge(database(tmp_path / 'wiki.db', [('Tin', text)], 'PRIMARY KEY'))
    page = knowledge.page('Tin')
    assert page == Page('Tin', ('Tin is a metal.It melts', 'at 505 K.'))
    assert page.text == 'Tin is a metal.It melts at 505 K.'


@pytest.mark.parametrize('title', ['tin', 'Tin ', 'Tin (metal)', '%'])
def test_only_the_exact_title_is_found(tmp_path: Path, title: str) -> None:
    knowledge = Knowledge(database(tmp_path / 'wiki.db', [('Tin', 'A metal.')]))
    assert knowledge.page(title) is None


def test_the_first_of_equal_titles_wins(tmp_path: Path) -> None:
    rows: list[tuple[str, str | None]] = [('Tin', 'First.'), ('Iron', 'Iron.'), ('Tin', 'Second.')]
    page = Knowledge(database(tmp_path / 'wiki.db', rows)).page('Tin')
    assert page is not None
    assert page.text == 'First.'


@pytest.mark.parametrize('text', [None, '', ' \n', '<s></s>'])
def test_a_page_without_text_is_none(tmp_path: Path, text: str | None) -> None:
    assert Knowledge(database(tmp_path / 'wiki.db', [('Tin', text)])).page('Tin') is None


def test_what_is_no_knowledge_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'gone\.db: there is no such file'):
        Knowledge(tmp_path / 'gone.db')
    (tmp_path / 'text.db').write_text('no database ' * 100)
    with pytest.raises(ValueError, match=r'text\.db: not a file of knowledge'):
        Knowledge(tmp_path / 'text.db')
    with closing(sqlite3.connect(tmp_path / 'other.db')) as other, other:
        other.execute('CREATE TABLE pages (title, text)')
    with pytest.raises(ValueError, match='it needs a table documents'):
        Knowledge(tmp_path / 'other.db')


def test_the_identity_is_the_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    same = [database(tmp_path / name, [('Tin', 'A metal.')]) for name in ('a.db', 'b.db')]
    other = database(tmp_path / 'c.db', [('Tin', 'A meta1.')])
    for most in (1 << 30, 0):
        monkeypatch.setattr(pages, 'MOST_HASHED', most)
        first, second, third = (Knowledge(path).identity for path in (*same, other))
        assert first == second
        assert first != third


def test_pages_are_built_from_json_lines(tmp_path: Path) -> None:
    source = written(
        tmp_path / 'pages.jsonl',
        {'title': 'Tin', 'text': ['A metal.', 'It melts at 505 K.']},
        {'title': 'Iron', 'text': 'Another.'},
        {'title': 'Tin', 'text': 'Not this.'},
    )
    assert build_knowledge(tmp_path / 'k.db', read_pages(source)) == (2, 1)
    knowledge = Knowledge(tmp_path / 'k.db')
    assert knowledge.page('Tin') == Page('Tin', ('A metal.\nIt melts at 505 K.',))
    assert knowledge.page('Iron') == Page('Iron', ('Another.',))


def test_the_documents_of_questions_are_pages_of_their_topics(tmp_path: Path) -> None:
    tin = {'document': 'Tin is a metal.', 'language': 'en', 'topic': 'tin'}
    source = written(
        tmp_path / 'questions.jsonl',
        {'question': 'What is tin?', **tin},
        {'question': 'Is tin a metal?', **tin},
    )
    assert build_knowledge(tmp_path / 'k.db', read_pages(source)) == (1, 0)
    assert Knowledge(tmp_path / 'k.db').page('tin') == Page('tin', ('Tin is a metal.',))


def test_a_bad_line_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    good = written(tmp_path / 'good.jsonl', {'title': 'Tin', 'text': 'A metal.'})
    build_knowledge(tmp_path / 'k.db', read_pages(good))
    before = (tmp_path / 'k.db').read_bytes()
    bad = written(tmp_path / 'bad.jsonl', {'title': 'Tin', 'text': 'A.'}, {'title': 'Iron'})
    with pytest.raises(ValueError, match=r'bad\.jsonl:2: field "text" is missing'):
        build_knowledge(tmp_path / 'k.db', read_pages(bad))
    assert (tmp_path / 'k.db').read_bytes() == before
    with pytest.raises(ValueError, match='no pages'):
        build_knowledge(tmp_path / 'k.db', [])


def test_the_tool_says_what_it_wrote(tmp_path: Path) -> None:
    line: dict[str, object] = {'title': 'Tin', 'text': 'A metal.'}
    source = written(tmp_path / 'pages.jsonl', line, line)
    command = [sys.executable, str(TOOL), str(source)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout == (
        'knowledge.db: 1 pages\n1 left out: pages before them have their titles\n'
    )
