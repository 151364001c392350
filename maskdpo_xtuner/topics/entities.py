"""The entities that a text names, by a library that is installed, or by its capitals.

An extractor of your own: a class like `Extractor` in your file, made with the name of a model or
None, registered in `maskdpo_xtuner.registry.ENTITIES` or named as ``module.NAME`` or
``path/to/file.py:NAME``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from maskdpo_xtuner.annotators.words import FUNCTION_WORDS
from maskdpo_xtuner.registry import ENTITIES
from maskdpo_xtuner.splitters import split_sentences


class Extractor(Protocol):
    """Finds the entities of a text.

    One that depends on more than its name has an attribute ``identity`` that says what, in words.
    """

    def __call__(self, text: str, language: str) -> list[str]:
        """Give the names of the entities as the text has them, in its order.

        Raises:
            ValueError: for a language that it does not read.
        """
        ...


def find_extractor(name: str, model: str | None = None) -> Extractor:
    """Make an extractor by its registered or dotted name.

    Raises:
        ValueError: for a name that leads nowhere, and a library or model that is not installed.
    """
    extractor: Extractor = ENTITIES.get(name)(model)
    return extractor


def describe_extractor(extractor: Extractor, name: str, model: str | None = None) -> str:
    """Say what found the entities: what the extractor says of itself, else how it was named."""
    said: str = getattr(extractor, 'identity', ' '.join(filter(None, (name, model))))
    return said


def distinct(names: Iterable[str], topic: str) -> tuple[str, ...]:
    """Give every name once, whatever its capitals, and without the topic itself."""
    found: dict[str, str] = {}
    for name in names:
        if name.strip() and name.strip().casefold() != topic.casefold():
            found.setdefault(name.strip().casefold(), name.strip())
    return tuple(found.values())


_WORD = r"[A-Z][\w'’.-]*[\w]|[A-Z]"
_JOINED = r'(?:\s+(?:of|the|de|van|von|der|and)){0,2}'
_RUN = re.compile(rf'\b(?:{_WORD})(?:{_JOINED}\s+(?:{_WORD}))*')


@ENTITIES.register_module('capitals')
class Capitals:
    """Runs of words with a capital, such as "University of Oxford"; English, no library.

    A word at the beginning of a sentence has a capital anyway. It counts where it stands with one
    within a sentence of the text too, or where the next word has one and it is no word of grammar.
    """

    def __init__(self, model: str | None = None) -> None:
        if model is not None:
            raise ValueError(f'the entities "capitals" have no model; leave {model!r} out')

    def __call__(self, text: str, language: str) -> list[str]:
        """Give the runs."""
        if language != 'en':
            raise ValueError(
                f'the entities "capitals" are for English, not for "{language}"; name a library '
                'and a model for it, such as spacy and zh_core_web_sm'
            )
        starts = {start + _blanks(text[start:]) for start, _ in split_sentences(text, 'en')}
        runs = [(match.start() in starts, match[0]) for match in _RUN.finditer(text)]
        within = {word for at_start, run in runs for word in run.split()[at_start:]}
        return list(_named(runs, within))


def _blanks(text: str) -> int:
    return len(text) - len(text.lstrip())


def _named(runs: Iterable[tuple[bool, str]], within: set[str]) -> Iterator[str]:
    for at_start, run in runs:
        first, *others = run.split()
        if not at_start or first in within or others and first.lower() not in FUNCTION_WORDS:
            yield run
        elif others:
            rest = next((n for n, word in enumerate(others) if word[0].isupper()), 0)
            yield ' '.join(others[rest:])


@ENTITIES.register_module('spacy')
class Spacy:
    """The entities of a pipeline of spaCy, all kinds, dates and numbers among them.

    ``pip install 'maskdpo_xtuner[entities]'`` and ``python -m spacy download en_core_web_sm``, or
    another pipeline.
    """

    def __init__(self, model: str | None = None) -> None:
        self._model = model or 'en_core_web_sm'
        try:
            import spacy
        except ImportError as error:
            raise ValueError(
                "spaCy is not installed; pip install 'maskdpo_xtuner[entities]'"
            ) from error
        try:
            self._pipeline: Any = spacy.load(self._model)
        except OSError as error:
            raise ValueError(
                f'spaCy has no pipeline {self._model}; python -m spacy download {self._model}'
            ) from error
        about = self._pipeline.meta
        self.identity = (
            f'spacy {spacy.__version__}, {about["lang"]}_{about["name"]} {about["version"]}'
        )

    def __call__(self, text: str, language: str) -> list[str]:
        """Give the texts of ``doc.ents``; the pipeline must be of the language."""
        own = self._pipeline.lang
        if own not in (language.partition('-')[0], 'xx'):
            raise ValueError(
                f'the pipeline {self._model} of spaCy reads "{own}", not "{language}"; name another'
            )
        return [entity.text for entity in self._pipeline(text).ents]


@ENTITIES.register_module('transformers')
class TokenClassifier:
    """The entities of a token classifier of transformers, such as ``dslim/bert-base-NER``."""

    def __init__(self, model: str | None = None) -> None:
        if model is None:
            raise ValueError(
                'the entities "transformers" need a model: a folder or hub name of a token '
                'classifier for named entities'
            )
        from transformers import pipeline

        from maskdpo_xtuner.engines.model_files import check_model, name_and_revision

        check_model(model)
        self.identity = ' '.join(('transformers', *name_and_revision(model, None, False)))
        self._pipeline: Any = pipeline(
            'token-classification', model=model, aggregation_strategy='simple'
        )

    def __call__(self, text: str, language: str) -> list[str]:
        """Give the spans of the classes that are no ``O``."""
        return [text[found['start'] : found['end']] for found in self._pipeline(text)]
