"""Tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def align(lines: Sequence[Sequence[str]], *, right: bool = False) -> str:
    """Put cells under each other, two blanks apart.

    Args:
        lines: the cells, as many a line.
        right: whether all columns but the first are aligned to the right, as numbers are.
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return '\n'.join(
        '  '.join(
            cell.rjust(width) if right and index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
