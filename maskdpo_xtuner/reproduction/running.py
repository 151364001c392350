"""Running what leads to experiments, each step once; what was made by hand counts as done."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from maskdpo_xtuner.config_files import config_file, config_names
from maskdpo_xtuner.hashing import file_sha256
from maskdpo_xtuner.reproduction.plan import PlannedStep
from maskdpo_xtuner.settings import read_config
from maskdpo_xtuner.steps import running
from maskdpo_xtuner.steps.commands import Script
from maskdpo_xtuner.steps.records import Step

STATE = Path('work_dirs/reproduce')
READ_WHOLE = 1 << 30  # bytes; a dump of Wikipedia is told by its size


def run_steps(planned: Sequence[PlannedStep]) -> None:
    """Run what is not done, in order.

    Args:
        planned: each after what it needs.

    Raises:
        ValueError: when a step fails, makes nothing, has made something from something else, or has
            to be done by a person, with the command or what to do; when another run is at work
            here.
    """
    running.run_steps(_counted(planned), STATE)


def _counted(planned: Sequence[PlannedStep]) -> Iterator[Step]:
    for number, each in enumerate(planned, 1):
        if not each.commands and not Path(each.makes).exists():
            raise ValueError(f'{each.makes} is missing. By hand: {each.by_hand}')
        print(f'[{number}/{len(planned)}] ', end='')
        yield step_of(each)


def step_of(planned: PlannedStep) -> Step:
    """Give a step as it is run and recorded.

    A training that was made from something else is refused. Other commands are run again, as they
    refuse that themselves, or add what is missing: an evaluation has the rows of more seeds.
    """
    record = _record(planned)
    last = Path(planned.makes) if planned.resumes else None
    return Step(
        title=planned.name,
        record=record,
        commands=[Script(planned.commands)],
        made_from={
            'commands': planned.determined_by or '\n'.join(planned.commands),
            **{f'config {name}': _content(name) for name in _configs(planned)},
            **{need.name: _identity(need) for need in planned.needs},
        },
        outputs=[Path(planned.makes)],
        resumes=last,
        mend=_mend(planned.resumes, record) if planned.resumes else '',
        by_hand=True,
        frees=planned.frees,
    )


def _configs(planned: PlannedStep) -> list[str]:
    """Name the configs of this package that the commands read; an edited one is another."""
    words = {word for command in planned.commands for word in _words(command)}
    return sorted(words & config_names().keys())


def _words(command: str) -> Iterator[str]:
    """Yield the words of a line of shell, without the marks that stand between commands."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ''
    yield from lexer


@cache
def _content(config: str) -> str:
    """Give a hash of what a config sets, wherever it and its bases have it from."""
    values = json.dumps(read_config(config_file(config), {}), sort_keys=True, default=str)
    return hashlib.sha256(values.encode()).hexdigest()[:16]


def _record(planned: PlannedStep) -> Path:
    return STATE / f'{planned.name}.json'


def _mend(folder: str, record: Path) -> str:
    return f'Remove {folder} and {record} to train it anew, or work in another folder'


def _identity(planned: PlannedStep) -> str:
    """Give what tells one result of a step from another: data themselves, or what made a model."""
    record, made = _record(planned), Path(planned.makes)
    path = record if record.exists() and made.suffix != '.jsonl' else made
    if not path.is_file():
        return 'a folder' if path.exists() else 'missing'
    state = path.stat()
    if state.st_size > READ_WHOLE:
        return f'{state.st_size} bytes'
    return _sha256(path, state.st_mtime_ns)


@cache
def _sha256(path: Path, changed: int) -> str:
    return file_sha256(path)
