"""Prompts of the user's: a jinja file whose variables are checked before anything is asked."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

OWN = 'own'


class Prompt:
    """A template and the variables that it may use.

    Lines that hold a block tag only leave nothing behind (``trim_blocks``, ``lstrip_blocks``), and
    nothing is escaped.

    Args:
        path: of the file.
        variables: what there is.
        needed: groups of them; the template must use at least one of each.
        source: what records call it; None for the name of the file, which may lie anywhere.
        key: the setting that names the file, for the error.

    Raises:
        ValueError: naming file, line and variable.
    """

    def __init__(
        self,
        path: Path,
        variables: Collection[str],
        needed: Sequence[Collection[str]] = (),
        source: str | None = None,
        key: str = 'annotator.prompt',
    ) -> None:
        if not path.is_file():
            raise ValueError(f'{path}: there is no such file; correct {key}')
        self._path = path
        self._text = path.read_text(encoding='utf-8')
        self.source = source or path.name
        self._check(frozenset(variables), needed)

    @property
    def sha256(self) -> str:
        """Hash of the template's text."""
        return hashlib.sha256(self._text.encode()).hexdigest()

    def render(self, **values: Any) -> str:
        """Fill the template.

        Raises:
            ValueError: with file and line, for what the template cannot do with the values.
        """
        import jinja2

        try:
            return self._template.render(values)
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
            line = _line_of(error, str(self._path))
            raise ValueError(f'{self._path}:{line}: {error}') from error

    @cached_property
    def _environment(self) -> jinja2.Environment:
        import jinja2

        return jinja2.Environment(
            undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    @cached_property
    def _template(self) -> jinja2.Template:
        import jinja2

        # Compiled by hand: errors then name the file and not "<template>".
        code = self._environment.compile(self._text, filename=str(self._path))
        return jinja2.Template.from_code(self._environment, code, {})

    def _check(self, variables: frozenset[str], needed: Sequence[Collection[str]]) -> None:
        from jinja2 import TemplateSyntaxError, meta, nodes

        try:
            tree = self._environment.parse(self._text)
        except TemplateSyntaxError as error:
            raise ValueError(f'{self._path}:{error.lineno}: {error.message}') from error
        for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
            raise ValueError(f'{self._path}:{node.lineno}: a prompt is one file; it takes no other')
        names = list(tree.find_all(nodes.Name))
        used = meta.find_undeclared_variables(tree)
        # What is set in one branch counts as undeclared in others.
        unknown = used - variables - {name.name for name in names if name.ctx != 'load'}
        for name in names:
            if name.name in unknown:
                raise ValueError(
                    f'{self._path}:{name.lineno}: there is no variable "{name.name}" here; there '
                    f'are {", ".join(sorted(variables))}'
                )
        for group in needed:
            if used.isdisjoint(group):
                raise ValueError(f'{self._path}: the prompt must use {" or ".join(sorted(group))}')


def prompt_or_own(
    path: Path | None,
    own: Path,
    variables: Collection[str],
    needed: Sequence[Collection[str]],
    key: str = 'annotator.prompt',
) -> Prompt:
    """Read the user's prompt, or ``own`` where there is none; arguments and errors of `Prompt`."""
    if path is None:
        return Prompt(own, variables, needed, OWN)
    return Prompt(path, variables, needed, key=key)


def _line_of(error: BaseException, path: str) -> int | str:
    """The last line of the template that an error went through."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
    return lines[-1] if lines and lines[-1] else '?'
