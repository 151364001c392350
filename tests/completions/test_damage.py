"""A store that is damaged: the right completions or a message, never others in silence."""

from __future__ import annotations

import random
import shlex
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from maskdpo_xtuner.completions import CompletionStore, Scheduler
from maskdpo_xtuner.completions.recovery import recover
from maskdpo_xtuner.engines.base import Completion, Request
from maskdpo_xtuner.engines.scripted import ScriptedEngine
from tests.completions.dialogues import Said, asked, talk

FLIPS = 150
ANSWERS = {f'{n}': f'answer {n} ' + 'gold 金 ' * (n * n % 900) for n in range(120)}


def answer(request: Request) -> str | Completion:
    text = ANSWERS[asked(request)]
    thinks = len(text) % 2
    return Completion(text, 'stop', 3, 4, reasoning='So.') if thinks else text


def run(path: Path) -> tuple[list[list[Said]], Scheduler[Said]]:
    with CompletionStore(path) as store:
        scheduler: Scheduler[Said] = Scheduler(ScriptedEngine(answer, concurrency=8), store)
        return list(scheduler.run([talk(question)] for question in ANSWERS)), scheduler


@pytest.fixture(scope='module')
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('whole') / 'completions.sqlite'
    run(path)
    return path


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def outcome_of(path: Path) -> tuple[list[list[Said]] | None, int, str]:
    """The answers of a run, how many were found to be damaged, and the message in their place."""
    try:
        answers, scheduler = run(path)
    except (ValueError, OSError) as error:
        return None, 0, str(error)
    return answers, scheduler.accounting.damaged, ''


def test_a_bit_flipped_anywhere_gives_the_right_answers_or_a_message(
    whole: Path, tmp_path: Path
) -> None:
    right, undisturbed = run(whole)
    assert undisturbed.accounting.stored == len(ANSWERS)
    chance = random.Random(0)
    path = tmp_path / 'completions.sqlite'
    refused = found = 0
    for _ in range(FLIPS):
        shutil.copy(whole, path)
        bit = chance.randrange(8 * whole.stat().st_size)
        flip(path, bit)
        answers, damaged, message = outcome_of(path)
        assert answers in (right, None), bit
        assert (answers is None) == message.startswith(f'{path}: '), bit
        assert message.isprintable(), bit
        refused += bool(message)
        found += damaged
        for file in tmp_path.iterdir():
            file.unlink()
    assert found > FLIPS / 2, 'most bits are those of texts'
    assert refused < FLIPS / 4


def spoil(path: Path, column: str, value: object, rows: int = 3) -> None:
    """Change some rows behind the store's back."""
    with sqlite3.connect(path) as database:
        database.execute(f'UPDATE completions SET {column} = ? WHERE rowid <= ?', (value, rows))
    database.close()


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / 'completions.sqlite'))


@pytest.mark.parametrize(
    ('column', 'value'),
    [
        *(('text', 'other'), ('finish_reason', 'length'), ('prompt_tokens', 2)),
        *(('completion_tokens', -5), ('reasoning', 'other'), ('checksum', None)),
        *(('text', b'\xff'), ('text', 7), ('checksum', b'12345678')),
    ],
)
def test_a_row_that_does_not_fit_is_asked_again_and_replaced(
    path: Path, whole: Path, column: str, value: object
) -> None:
    spoil(path, column, value)
    answers, scheduler = run(path)
    assert answers == run(whole)[0]
    counts = scheduler.accounting
    assert (counts.damaged, counts.answered, counts.stored) == (3, 3, len(ANSWERS) - 3)
    assert 'damaged in the store and asked again: 3' in counts.describe()
    assert run(path)[1].accounting.damaged == 0


def test_damaged_rows_are_not_taken_over(path: Path, tmp_path: Path) -> None:
    spoil(path, 'text', 'other')
    with CompletionStore(tmp_path / 'new.sqlite') as store:
        assert store.absorb(path) == len(ANSWERS) - 3


def test_a_store_of_an_earlier_version_is_read_and_has_checksums_then(
    path: Path, whole: Path
) -> None:
    with sqlite3.connect(path) as database:
        for column in ('reasoning', 'checksum', 'origin'):
            database.execute(f'ALTER TABLE completions DROP COLUMN {column}')
        database.execute('DROP TABLE origins')
    database.close()
    answers, scheduler = run(path)
    assert answers == run(whole)[0]
    assert scheduler.accounting.stored == len(ANSWERS)
    spoil(path, 'text', 'other')
    assert run(path)[1].accounting.damaged == 3


@pytest.mark.parametrize('page', [3, 20, 60])  # 2 and 3 are roots, of the table and its index
def test_what_the_message_says_saves_what_can_be_read(path: Path, whole: Path, page: int) -> None:
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : (page - 1) * 4096 + 8] = b'\xff' * 8  # its header
    path.write_bytes(content)
    new = path.with_name('completions.recovered.sqlite')
    recovered = recover(path, new)
    assert recovered > len(ANSWERS) * 0.8
    answers, scheduler = run(new)
    assert answers == run(whole)[0]
    assert scheduler.accounting.stored == recovered


def test_the_message_names_the_command_that_saves(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[2 * 4096 : 2 * 4096 + 8] = b'\xff' * 8
    path.write_bytes(content)
    _, _, message = outcome_of(path)
    _, _, *command = shlex.split(message.partition('`')[2].partition('`')[0])
    assert command == [
        'maskdpo_xtuner.completions.recovery',
        str(path),
        str(path.with_name('completions.recovered.sqlite')),
    ]
    done = subprocess.run([sys.executable, '-m', *command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, '')
    assert done.stdout.startswith('120 completions of ')


def test_a_folder_in_place_of_the_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='a folder; a store of completions is a file'):
        CompletionStore(tmp_path)
