"""The memory of completions: what it keeps, and whom it refuses."""

from __future__ import annotations

import dataclasses
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from maskdpo_xtuner.completions import CompletionStore, request_key
from maskdpo_xtuner.engines.base import Completion, Request, Sampling
from maskdpo_xtuner.records import Message
from tests.completions.dialogues import ask_about

GOLD = Completion('Gold is a metal.\n金\x00', 'stop', 3, 4)
TIN = Completion('Tin is', 'length', 3, 2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / 'work' / 'completions.sqlite'


def test_completions_are_there_when_the_file_is_opened_again(path: Path) -> None:
    with CompletionStore(path) as store:
        store.put({b'gold': GOLD, b'tin': TIN})
    with CompletionStore(path) as store:
        assert store.get([b'tin', b'iron', b'gold']) == {b'gold': GOLD, b'tin': TIN}
        assert len(store) == 2


def test_the_first_completion_of_a_key_stays(path: Path) -> None:
    with CompletionStore(path) as store:
        store.put({b'gold': GOLD})
        store.put({b'gold': TIN, b'tin': TIN})
        assert store.get([b'gold', b'tin']) == {b'gold': GOLD, b'tin': TIN}


def test_more_keys_than_a_statement_takes(path: Path) -> None:
    keys = [index.to_bytes(32, 'big') for index in range(2500)]
    with CompletionStore(path) as store:
        store.put(dict.fromkeys(keys[:2000], GOLD))
        assert list(store.get(keys)) == keys[:2000]
        assert store.get([]) == {}


@pytest.mark.parametrize(
    'bad',
    [
        dataclasses.replace(GOLD, text='\ud800'),  # not Unicode
        dataclasses.replace(GOLD, text=None),  # type: ignore[arg-type]
    ],
    ids=['surrogate', 'no text'],
)
def test_a_batch_with_what_cannot_be_stored_is_not_stored_at_all(
    path: Path, bad: Completion
) -> None:
    with CompletionStore(path) as store:
        with pytest.raises((ValueError, AttributeError)):
            store.put({b'tin': TIN, b'gold': bad})
        assert len(store) == 0
        store.put({b'tin': TIN})
        assert len(store) == 1


def test_what_put_returned_from_survives_the_death_of_the_process(path: Path) -> None:
    code = (
        'import os, signal, sys\n'
        'from maskdpo_xtuner.completions import CompletionStore\n'
        'from maskdpo_xtuner.engines.base import Completion\n'
        'store = CompletionStore(sys.argv[1])\n'
        'for index in range(20):\n'
        '    store.put({bytes([index]): Completion(str(index), "stop", 1, 1)})\n'
        'os.kill(os.getpid(), signal.SIGKILL)\n'
    )
    assert subprocess.run([sys.executable, '-c', code, str(path)]).returncode == -9
    with CompletionStore(path) as store:
        assert len(store) == 20


def test_a_second_process_is_refused_until_the_first_has_closed(path: Path) -> None:
    code = (
        'import sys\n'
        'from maskdpo_xtuner.completions import CompletionStore\n'
        'try:\n'
        '    CompletionStore(sys.argv[1])\n'
        'except ValueError as error:\n'
        '    sys.exit(str(error))\n'
    )
    second = [sys.executable, '-c', code, str(path)]
    CompletionStore(path).close()
    with CompletionStore(path):
        refused = subprocess.run(second, capture_output=True, text=True)
    assert refused.returncode == 1
    assert str(path) in refused.stderr
    assert 'another run has the store open' in refused.stderr
    assert subprocess.run(second).returncode == 0


def test_completions_are_found_by_their_key_and_the_page_cache_is_bounded(path: Path) -> None:
    with CompletionStore(path):
        pass
    database = sqlite3.connect(path)
    query = 'EXPLAIN QUERY PLAN SELECT text FROM completions WHERE key IN (?, ?)'
    (plan,) = database.execute(query, (b'a', b'b')).fetchall()
    assert 'SEARCH' in plan[-1]
    assert '(key=?)' in plan[-1]


def test_a_full_disk_is_an_error_of_one_line_and_costs_nothing_stored(path: Path) -> None:
    with CompletionStore(path) as store:
        store.put({b'gold': GOLD})
        store._database.execute('PRAGMA max_page_count = 1')  # No page more than there are.
        with pytest.raises(OSError, match=r'completions\.sqlite: SQLite says ".*full"'):
            store.put({b'long': dataclasses.replace(GOLD, text='x' * 100_000)})
        assert store.get([b'gold', b'long']) == {b'gold': GOLD}


# -- stores of shards


def filled(path: Path, keys: range, completion: Completion) -> Path:
    with CompletionStore(path) as store:
        store.put({key.to_bytes(4, 'big'): completion for key in keys})
    return path


def test_a_store_takes_over_what_it_lacks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('maskdpo_xtuner.completions.store._STEP', 7)
    filled(path, range(0, 40), GOLD)
    shard = filled(path.with_name('shard.sqlite'), range(20, 100), TIN)
    with CompletionStore(path) as store:
        assert store.absorb(shard) == 60
        assert store.absorb(shard) == 0
        found = store.get([key.to_bytes(4, 'big') for key in range(100)])
    assert list(found.values()) == [GOLD] * 40 + [TIN] * 60
    with CompletionStore(shard) as store:
        assert len(store) == 80


def test_an_empty_store_has_nothing_to_take_over(path: Path) -> None:
    shard = filled(path.with_name('shard.sqlite'), range(0), TIN)
    with CompletionStore(path) as store:
        assert store.absorb(shard) == 0


def test_what_cannot_be_absorbed_is_named(path: Path) -> None:
    text, missing = path.with_name('text.sqlite'), path.with_name('missing.sqlite')
    shard = filled(path.with_name('shard.sqlite'), range(3), TIN)
    text.write_text('something else, and longer than the header of a database\n' * 40)
    with CompletionStore(path) as store:
        with pytest.raises(ValueError, match=r'missing\.sqlite: there is no such store'):
            store.absorb(missing)
        assert not missing.exists()
        with pytest.raises(ValueError, match=r'text\.sqlite: not a store'):
            store.absorb(text)
        with (
            CompletionStore(shard),
            pytest.raises(ValueError, match=r'shard\.sqlite: .*another run has the store open'),
        ):
            store.absorb(shard)
        other = path.with_name('other.sqlite')
        with sqlite3.connect(other) as database:
            database.execute('CREATE TABLE something_else (key)')
        with pytest.raises(ValueError, match=r'other\.sqlite: not a store .*other tables'):
            store.absorb(other)
        assert store.absorb(shard) == 3  # after each of these errors


def test_a_file_that_is_no_store_is_refused_and_left_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('something else, and longer than the header of a database\n' * 40)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r'completions\.sqlite: not a store .*move the file away'):
        CompletionStore(path)
    assert path.read_bytes() == before


IDENTITY = {'engine': 'transformers', 'model': 'm', 'revision': 'r'}
SAMPLING = Sampling(max_new_tokens=8, temperature=0.8, top_k=40, top_p=0.9)
REQUEST = Request(
    (Message(role='user', content='金'), Message(role='assistant', content='b')), SAMPLING, 7
)


def with_sampling(**changes: Any) -> Request:
    return dataclasses.replace(REQUEST, sampling=dataclasses.replace(SAMPLING, **changes))


def with_messages(*turns: tuple[str, str]) -> Request:
    messages = tuple(Message.model_validate({'role': r, 'content': c}) for r, c in turns)
    return dataclasses.replace(REQUEST, messages=messages)


@pytest.mark.parametrize(
    ('identity', 'request_'),
    [
        *(({**IDENTITY, key: 'other'}, REQUEST) for key in IDENTITY),
        ({**IDENTITY, 'dtype': 'bfloat16'}, REQUEST),
        (IDENTITY, dataclasses.replace(REQUEST, seed=8)),
        (IDENTITY, with_sampling(max_new_tokens=9)),
        (IDENTITY, with_sampling(temperature=0.7)),
        (IDENTITY, with_sampling(top_k=41)),
        (IDENTITY, with_sampling(top_p=1.0)),
        (IDENTITY, with_messages(('user', '金'), ('assistant', 'c'))),
        (IDENTITY, with_messages(('system', '金'), ('assistant', 'b'))),
        (IDENTITY, with_messages(('user', '金'))),
        (IDENTITY, with_messages(('user', '金assistant'), ('assistant', 'b'))),
        (IDENTITY, with_messages(('assistant', 'b'), ('user', '金'))),
    ],
)
def test_whatever_determines_a_completion_changes_its_key(
    identity: Mapping[str, str], request_: Request
) -> None:
    assert request_key(identity, request_) != request_key(IDENTITY, REQUEST)


def test_the_order_of_the_identity_does_not_change_the_key() -> None:
    backwards = dict(reversed(IDENTITY.items()))
    assert request_key(backwards, REQUEST) == request_key(IDENTITY, REQUEST)


def test_keys_are_the_same_in_every_process_and_version() -> None:
    # Whoever changes this changes the key of all that was ever stored.
    key = 'b2dc15f348157db15c0618339f89e33f7a7072046c74bddb781d0723e820bb66'
    assert request_key({'engine': 'e', 'model': 'm'}, ask_about('金')).hex() == key
