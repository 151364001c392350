"""The three questions of the dialogue as templates, whose they are, and their file.

A template is a format string with the fields of its turn and nothing else. The project has its
own wording (`wording`); the text that ANAH-v2 was trained on is read out of the ANAH repository
(`upstream`) and kept in a JSON file with its hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter

from maskdpo_xtuner.annotators.anah_v2.wording import TEMPLATES
from maskdpo_xtuner.records import Language

OWN = 'own'

# The fields of each turn's template; "reference" is the document, then the points taken from it.
FIELDS: Mapping[str, frozenset[str]] = {
    'existence': frozenset({'question', 'sentence'}),
    'reference': frozenset({'question', 'sentence', 'reference'}),
    'type': frozenset({'question', 'sentence', 'reference'}),
}

Templates = Mapping[str, Mapping[Language, str]]


@dataclass(frozen=True)
class Prompts:
    """Templates by turn and language.

    Attributes:
        templates: format strings, ``templates[turn][language]``.
        source: `OWN`, or the file that they were read from.
    """

    templates: Templates
    source: str

    def __post_init__(self) -> None:
        for turn, fields in FIELDS.items():
            for language in ('en', 'zh'):
                _check_template(self.templates, turn, language, fields)

    @property
    def sha256(self) -> str:
        """Hash of the templates; the source is no part of it."""
        text = json.dumps(self.templates, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def render(self, turn: str, language: Language, **values: str) -> str:
        """Fill a template; values are put in as they are."""
        return self.templates[turn][language].format_map(values)


def _check_template(
    templates: Templates, turn: str, language: Language, fields: frozenset[str]
) -> None:
    template = templates.get(turn, {}).get(language)
    if template is None:
        raise ValueError(f'there is no template of turn "{turn}" in language "{language}"')
    parsed = [(name, spec, conv) for _, name, spec, conv in Formatter().parse(template)]
    found = {name for name, _, _ in parsed if name is not None}
    if found != fields or any(spec or conversion for _, spec, conversion in parsed):
        raise ValueError(
            f'the template of turn "{turn}" in language "{language}" must have the plain fields '
            f'{sorted(fields)}, not {sorted(found)}'
        )


def own_prompts() -> Prompts:
    """Give the project's own wording."""
    return Prompts(TEMPLATES, OWN)


def write_prompts(path: Path | str, prompts: Prompts) -> None:
    """Write templates, source and hash as JSON."""
    record = {
        'source': prompts.source,
        'sha256': prompts.sha256,
        'templates': prompts.templates,
    }
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + '\n', encoding='utf-8')


def read_prompts(path: Path | str) -> Prompts:
    """Read what `write_prompts` wrote.

    Raises:
        ValueError: naming the file, when it is missing, is not such a file or was edited.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(
            f'{path}: there is no such file; make it with `maskdpo import-anah-prompts`'
        )
    try:
        record = json.loads(path.read_text(encoding='utf-8'))
        prompts = Prompts(record['templates'], record['source'])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(
            f'{path}: not a file of prompts ({error}); make it anew with '
            '`maskdpo import-anah-prompts`'
        ) from error
    if prompts.sha256 != record.get('sha256'):
        raise ValueError(f'{path}: the templates do not have the hash that stands beside them')
    return prompts
