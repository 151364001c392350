"""Commands of a step: how they are written, and what is run."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

PROGRAM = 'maskdpo'
SHELL = Path(__file__).with_name('shell.py')


@dataclass(frozen=True)
class Command:
    """A command of this package.

    Attributes:
        arguments: what follows ``maskdpo``.
        launch: what stands before it.
        variables: of the environment.
        log: where its output goes; None: where that of this program goes.
    """

    arguments: Sequence[str]
    launch: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None

    def __str__(self) -> str:
        variables = [f'{name}={value}' for name, value in self.variables.items()]
        return shlex.join([*variables, *self.launch, PROGRAM, *self.arguments])

    @property
    def words(self) -> list[str]:
        """What is run: this package of this Python."""
        return [*self.launch, sys.executable, '-m', 'maskdpo_xtuner', *self.arguments]

    def resuming(self, checkpoint: Path) -> Command:
        """Give the training that goes on from a checkpoint."""
        return replace(self, arguments=[*self.arguments, '--resume', str(checkpoint)])


@dataclass(frozen=True)
class Script:
    """Lines of a shell, in which ``maskdpo`` is that of this Python; the first to fail ends it."""

    lines: tuple[str, ...]
    log: None = None

    def __str__(self) -> str:
        return '\n'.join(self.lines)

    @property
    def words(self) -> list[str]:
        """What is run: a shell, and what ends all that it has started."""
        return [sys.executable, '-I', '-S', str(SHELL), '\n'.join(self.lines)]

    @property
    def variables(self) -> dict[str, str]:
        """The environment's ``PATH`` with the programs of this Python before all others."""
        return {'PATH': f'{Path(sys.executable).parent}:{os.environ.get("PATH", os.defpath)}'}

    def resuming(self, checkpoint: Path) -> Script:
        """Give the lines of which the first, a training, goes on from a checkpoint."""
        first, *rest = self.lines
        return Script((f'{first} --resume {shlex.quote(str(checkpoint))}', *rest))
