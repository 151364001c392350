"""The official templates out of ``eval/anah_v2/anahv2_prompt.py`` of the ANAH repository, as data.

The file is parsed and never run. It holds three functions; each assigns one f-string a language
to a variable and returns one of the two by ``language == "zh"``. Anything else is refused, so
that what is stored is what the functions return.
"""

from __future__ import annotations

import ast
from pathlib import Path

from maskdpo_xtuner.annotators.anah_v2.prompts import Prompts
from maskdpo_xtuner.records import Language

IN_REPOSITORY = Path('eval/anah_v2/anahv2_prompt.py')

# Our name of the turn for each function, and our fields for its parameters.
FUNCTIONS = {
    'fact_check_prompt': 'existence',
    'reference_check_prompt': 'reference',
    'hallucination_check_prompt': 'type',
}
PARAMETERS = {'question': 'question', 'annotation': 'sentence', 'reference': 'reference'}


def read_official_prompts(source: Path | str) -> Prompts:
    """Read the templates of a file, or of a checkout of the repository.

    Raises:
        ValueError: naming file and line, when the file is missing or has another shape.
    """
    path = Path(source)
    path = path / IN_REPOSITORY if path.is_dir() else path
    if not path.is_file():
        raise ValueError(
            f'{path}: there is no such file; name the file anahv2_prompt.py or a checkout of the '
            'ANAH repository'
        )
    try:
        templates = dict(map(_read_function, ast.parse(path.read_bytes()).body))
        missing = sorted(name for name, turn in FUNCTIONS.items() if turn not in templates)
        if missing:
            raise ValueError(f'there is no function {", ".join(missing)}')
        return Prompts(templates, path.name)
    except SyntaxError as error:
        raise ValueError(f'{path}: not a Python file ({error})') from error
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error


def _unknown_shape(node: ast.AST, expected: str) -> ValueError:
    return ValueError(f'line {getattr(node, "lineno", "?")}: expected {expected}')


def _read_function(node: ast.stmt) -> tuple[str, dict[Language, str]]:
    """Read the turn and its two templates."""
    match node:
        case ast.FunctionDef(name=name, decorator_list=[], body=[*assignments, last]):
            if name in FUNCTIONS:
                return FUNCTIONS[name], _templates(assignments, last)
    raise _unknown_shape(node, f'nothing but the functions {", ".join(FUNCTIONS)}')


def _templates(assignments: list[ast.stmt], last: ast.stmt) -> dict[Language, str]:
    texts = dict(map(_assigned_template, assignments))
    chinese, english = _returned_names(last)
    for name in (chinese, english):
        if name not in texts:
            raise _unknown_shape(last, f'that {name} was assigned an f-string')
    return {'zh': texts[chinese], 'en': texts[english]}


def _assigned_template(node: ast.stmt) -> tuple[str, str]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.JoinedStr(values=parts)):
            if name not in {*PARAMETERS, 'language'}:
                return name, ''.join(map(_format_text, parts))
    raise _unknown_shape(node, 'the assignment of one f-string to one variable')


def _format_text(part: ast.expr) -> str:
    match part:
        case ast.Constant(value=str(text)):
            return text.replace('{', '{{').replace('}', '}}')
        case ast.FormattedValue(value=ast.Name(id=name), conversion=-1, format_spec=None):
            if name in PARAMETERS:
                return '{' + PARAMETERS[name] + '}'
    raise _unknown_shape(part, f'text and the plain parameters {", ".join(PARAMETERS)}')


def _returned_names(node: ast.stmt) -> tuple[str, str]:
    """Give the variables returned for Chinese and for English."""
    match node:
        case ast.Return(
            value=ast.IfExp(
                test=ast.Compare(
                    left=ast.Name(id='language'),
                    ops=[ast.Eq()],
                    comparators=[ast.Constant(value='zh')],
                ),
                body=ast.Name(id=chinese),
                orelse=ast.Name(id=english),
            )
        ):
            return chinese, english
    raise _unknown_shape(node, 'return ... if language == "zh" else ...')
