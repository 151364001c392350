from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

import pytest
from deepspeed.ops.op_builder.builder import OpBuilder

from maskdpo_xtuner.training.patches import compiling
from maskdpo_xtuner.training.patches.compiling import say_compile


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, str]]:
    lines: list[tuple[int, str]] = []

    def note(text: str, logger: str, level: int = logging.INFO) -> None:
        lines.append((level, text))

    monkeypatch.setattr(compiling, 'print_log', note)
    return lines


def test_a_compile_is_announced_and_what_is_there_is_not(
    tmp_path: Path, said: list[tuple[int, str]]
) -> None:
    say_compile(tmp_path)
    assert said == [(logging.INFO, f"Compiling DeepSpeed's {tmp_path.name} into {tmp_path}: a "
                     'minute or more, once')]  # fmt: skip
    (tmp_path / 'extension.so').touch()
    say_compile(tmp_path)
    assert len(said) == 1


def test_a_fresh_lock_is_waited_for_with_a_word(
    tmp_path: Path, said: list[tuple[int, str]]
) -> None:
    (tmp_path / 'lock').touch()
    say_compile(tmp_path)
    ((level, text),) = said
    assert level == logging.WARNING
    assert text.endswith(f'rm {tmp_path}/lock')


def test_a_lock_that_nobody_holds_any_more_is_an_error_with_its_mend(tmp_path: Path) -> None:
    (tmp_path / 'lock').touch()
    old = time.time() - 3600
    for path in (tmp_path / 'lock', tmp_path):
        os.utime(path, (old, old))
    with pytest.raises(ValueError, match=f'60 minutes ago: rm {tmp_path}/lock'):
        say_compile(tmp_path)
    (tmp_path / 'part.o').touch()  # Somebody is compiling after all.
    say_compile(tmp_path)


def test_deepspeeds_loader_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[tuple[int, str]]
) -> None:
    class Builder:
        name = 'deepspeed_part'

        def is_compatible(self, verbose: bool) -> bool:
            raise KeyboardInterrupt  # DeepSpeed's own loader has begun.

    monkeypatch.setenv('TORCH_EXTENSIONS_DIR', str(tmp_path))
    builder: Any = Builder()
    with pytest.raises(KeyboardInterrupt):
        OpBuilder.jit_load(builder)
    assert 'deepspeed_part' in said[0][1]
