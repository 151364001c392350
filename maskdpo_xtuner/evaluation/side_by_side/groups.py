"""Which results may stand in one table, and why others may not."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from maskdpo_xtuner.evaluation.comparable import Aspect, obstacles
from maskdpo_xtuner.evaluation.side_by_side.runs import Found


@dataclass(frozen=True)
class Group:
    """Results of the same questions, judge, prompts and K; the first gives the title."""

    members: tuple[Found, ...]

    @property
    def title(self) -> str:
        """Set and judge."""
        return self.members[0].title

    @property
    def runs(self) -> list[str]:
        """Names of the runs, each once."""
        return list(dict.fromkeys(found.run for found in self.members))


@dataclass(frozen=True)
class Grouping:
    """The groups, and in words what only one run has."""

    groups: tuple[Group, ...]
    alone: tuple[str, ...]


def group(found: Sequence[Found], allowed: Collection[Aspect] = ()) -> Grouping:
    """Put together what may stand side by side.

    Args:
        found: of all runs.
        allowed: aspects that may differ, as of `obstacles`.

    Raises:
        ValueError: when a set and a judge have the same names in two runs and are not the same, or
            when nothing of one run may stand beside anything of another; with the reasons.
    """
    together: list[list[Found]] = []
    for one in found:
        fitting = (members for members in together if not _reasons(members[0], one, allowed))
        place = next(fitting, None)
        if place is None:
            together.append([one])
        else:
            place.append(one)
    groups = [Group(tuple(members)) for members in together]
    _refuse_namesakes(groups, allowed)
    if len({one.run for one in found}) == 1:
        return Grouping(tuple(groups), ())
    shared = [each for each in groups if len(each.runs) > 1]
    if not shared:
        raise ValueError(_nothing_shared(groups, allowed))
    alone = [f'{each.title}: only in {each.runs[0]}' for each in groups if len(each.runs) == 1]
    return Grouping(tuple(shared), tuple(alone))


def _reasons(one: Found, other: Found, allowed: Collection[Aspect]) -> str:
    found = obstacles(one.origin, other.origin, allowed)
    return '; '.join(obstacle.reason for obstacle in found)


def _refuse_namesakes(groups: Sequence[Group], allowed: Collection[Aspect]) -> None:
    first: dict[str, Found] = {}
    for each in groups:
        for title in dict.fromkeys(found.title for found in each.members):
            one = next(found for found in each.members if found.title == title)
            other = first.setdefault(title, one)
            if other is not one:
                raise ValueError(
                    f'{other.run} and {one.run} may not stand side by side ({title}): '
                    + _reasons(other, one, allowed)
                )


def _nothing_shared(groups: Sequence[Group], allowed: Collection[Aspect]) -> str:
    first = groups[0].members[0]
    others = (member for each in groups for member in each.members if member.run != first.run)
    other = next(others)
    return (
        f'{first.run} ({first.title}) and {other.run} ({other.title}) may not stand side by side: '
        + _reasons(first, other, allowed)
    )
