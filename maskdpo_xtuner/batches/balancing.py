"""Dealing things of known size out to groups of about the same size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def deal(
    indices: Iterable[int], sizes: Sequence[int], groups: int, room: int | None = None
) -> list[list[int]]:
    """Deal indices out to groups whose sizes add up to about the same.

    The largest first, each to the smallest group so far with room (Graham's LPT rule, SIAM J.
    Appl. Math. 17, 1969). The result depends on nothing but the arguments.

    Args:
        indices: into ``sizes``.
        sizes: of all things.
        groups: number of groups; none stays empty where there are as many indices.
        room: most indices of a group; None: any number.
    """
    dealt: list[list[int]] = [[] for _ in range(groups)]
    totals = [0] * groups
    for index in sorted(indices, key=lambda index: (-sizes[index], index)):
        open_groups = (g for g in range(groups) if room is None or len(dealt[g]) < room)
        target = min(open_groups, key=totals.__getitem__)
        dealt[target].append(index)
        totals[target] += sizes[index]
    return dealt
