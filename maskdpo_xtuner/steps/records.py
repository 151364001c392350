"""A step, and the record that says whether it is done and what it was made from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from maskdpo_xtuner.atomic import atomic_writer
from maskdpo_xtuner.experiments import describe_difference, read_experiment
from maskdpo_xtuner.steps.commands import Command, Script


@dataclass(frozen=True)
class Step:
    """Commands that run side by side, and what they leave.

    Attributes:
        title: for people.
        record: the file that says what was made, and whether it is done.
        commands: what is run.
        made_from: what determines the result, under dotted keys.
        outputs: files that must be there in the end.
        resumes: the ``last_checkpoint`` of a training, which goes on from there when it was begun;
            None where the commands themselves look after what is there.
        accepts: exit statuses that are no failure, if the outputs were written anew.
        mend: what a person can do about what was made from something else; if empty, the commands
            are run again, and look after what is there.
        by_hand: whether outputs of which nothing is recorded count, as made by hand.
        frees: a pattern of files that nothing needs once the step is done.
    """

    title: str
    record: Path
    commands: Sequence[Command | Script]
    made_from: Mapping[str, Any]
    outputs: Sequence[Path]
    resumes: Path | None = None
    accepts: frozenset[int] = frozenset({0})
    mend: str = ''
    by_hand: bool = False
    frees: str = ''


def is_done(step: Step) -> bool:
    """Look at the record, and at the files.

    Raises:
        ValueError: when what is there was made from something else, and is not just made again.
    """
    there = all(path.exists() for path in step.outputs)
    if not step.record.exists():
        return there and step.by_hand
    changed = difference(step)
    done = there and read_experiment(step.record).get('state') == 'done'
    mixes = step.resumes is not None and step.resumes.exists()
    if changed and step.mend and (done or mixes):
        raise ValueError(f'{step.title} was made from something else ({changed}). {step.mend}')
    return done and not changed


def difference(step: Step) -> str:
    """Write in what the record differs from the step; empty where there is none, or no record."""
    if not step.record.exists():
        return ''
    before = read_experiment(step.record).get('made_from') or {}
    return describe_difference(before, json.loads(json.dumps(step.made_from, default=str)))


def commands_of(step: Step) -> list[Command | Script]:
    """Give what is to be run; a training that was begun goes on from its last checkpoint."""
    if step.resumes is None or not step.record.exists():
        return list(step.commands)
    checkpoint = last_checkpoint(step.resumes)
    return [c.resuming(checkpoint) if checkpoint else c for c in step.commands]


def last_checkpoint(last: Path) -> Path | None:
    """Read where a training is; None where it has not come to its first checkpoint."""
    named = last.read_text(encoding='utf-8').strip() if last.exists() else ''
    return Path(named) if named and Path(named).exists() else None


def write_record(step: Step, state: Literal['begun', 'done']) -> None:
    """Record that a step is begun, or done."""
    record = {
        'state': state,
        'commands': list(map(str, step.commands)),
        'made_from': step.made_from,
    }
    with atomic_writer(step.record) as file:
        json.dump(record, file, indent=2, default=str)
