from __future__ import annotations

from typing import Any

import gguf
import pytest

from maskdpo_xtuner.builtin import model


def test_a_gguf_file_is_read_once_while_it_is_converted(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[str] = []

    def read(path: str) -> Any:
        reads.append(path)
        return object()

    monkeypatch.setattr(gguf, 'GGUFReader', read)
    with model._read_once():
        assert gguf.GGUFReader('a') is gguf.GGUFReader('a')
    assert reads == ['a']
    assert gguf.GGUFReader is read


def test_a_failed_conversion_leaves_the_reader_as_it_was() -> None:
    theirs = gguf.GGUFReader
    with pytest.raises(ZeroDivisionError), model._read_once():
        _ = 1 / 0
    assert gguf.GGUFReader is theirs
