from __future__ import annotations

from pathlib import Path

import pytest
from datasets import Dataset

from maskdpo_xtuner.training.reference.store import LogpStore, Rows, check_counts

PAIRS = 10


def store(folder: Path, key: str = 'key') -> LogpStore:
    return LogpStore(folder, key, PAIRS, block_size=4)


def rows(indices: range) -> Rows:
    """Values that fp32 holds exactly, of other counts on each side."""
    return [([-0.5 * index], [-1.0, -0.25 * index]) for index in indices]


@pytest.fixture
def filled(tmp_path: Path) -> LogpStore:
    blocks = store(tmp_path)
    for block in blocks.blocks:
        blocks.write(block, rows(blocks.pairs_of(block)))
    return blocks


def test_blocks_cover_the_pairs_in_order_and_the_last_is_shorter(tmp_path: Path) -> None:
    blocks = store(tmp_path)
    assert [list(blocks.pairs_of(block)) for block in blocks.blocks] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
    ]


def test_what_is_written_is_read_in_the_order_of_the_pairs(filled: LogpStore) -> None:
    columns = filled.open()
    read = [(row['chosen_reference_logps'], row['rejected_reference_logps']) for row in columns]
    assert read == rows(range(PAIRS))


def test_values_stay_on_disk(filled: LogpStore) -> None:
    files = [entry['filename'] for entry in filled.open().cache_files]
    assert files == [str(filled.path(block)) for block in filled.blocks]


def test_a_block_that_is_missing_is_named(filled: LogpStore) -> None:
    filled.path(1).unlink()
    assert [filled.problem(block) is None for block in filled.blocks] == [True, False, True]
    with pytest.raises(ValueError, match=r'00001\.arrow is missing \(1 of 3.*HF_DATASETS_CACHE'):
        filled.open()


@pytest.mark.parametrize('position', [0, 200, -20, -1])
def test_a_changed_byte_is_found(filled: LogpStore, position: int) -> None:
    path = filled.path(2)
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'00002\.arrow is damaged'):
        filled.open()


@pytest.mark.parametrize('kept', [0, 10, -1])
def test_a_block_that_was_cut_is_found(filled: LogpStore, kept: int) -> None:
    path = filled.path(0)
    path.write_bytes(path.read_bytes()[:kept])
    assert filled.problem(0) == f'{path} is damaged'


def test_blocks_of_another_key_are_refused(filled: LogpStore) -> None:
    with pytest.raises(ValueError, match=r'3 of 3 blocks cannot be used'):
        store(filled.folder, 'another key').open()


def test_blocks_that_changed_places_are_found(filled: LogpStore) -> None:
    first, second = filled.path(0), filled.path(1)
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    assert [filled.problem(block) is None for block in (0, 1)] == [False, False]


def test_writing_leaves_one_file_a_block(filled: LogpStore) -> None:
    filled.write(0, rows(filled.pairs_of(0)))
    assert sorted(filled.folder.iterdir()) == [filled.path(block) for block in filled.blocks]


def pairs(supervised: int) -> Dataset:
    """Of the rejected responses ``supervised`` tokens are, and their first cannot be."""
    item = {
        'chosen_ids': [1, 2],
        'chosen_labels': [-100, 2],
        'rejected_ids': [3, 4, 5, 6],
        'rejected_labels': [3, *[4] * supervised, *[-100] * (3 - supervised)],
    }
    return Dataset.from_list([item] * PAIRS)


def test_one_value_a_supervised_token_fits(filled: LogpStore) -> None:
    check_counts(pairs(supervised=2), filled.open(), filled.folder)


@pytest.mark.parametrize('supervised', [1, 3])
def test_another_number_of_values_is_refused(filled: LogpStore, supervised: int) -> None:
    with pytest.raises(ValueError, match=f'{filled.folder}: some pair .* remove this folder'):
        check_counts(pairs(supervised), filled.open(), filled.folder)
