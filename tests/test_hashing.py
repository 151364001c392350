from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from maskdpo_xtuner.hashing import BLOCK, file_sha256


@pytest.mark.parametrize('size', [0, 5, BLOCK, 2 * BLOCK + 1])
def test_the_hash_is_that_of_the_whole_content(tmp_path: Path, size: int) -> None:
    path = tmp_path / 'file'
    path.write_bytes(bytes(index % 251 for index in range(size)))
    assert file_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
