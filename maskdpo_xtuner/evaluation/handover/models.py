"""The models of a hand-over, as a command line names them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError, model_validator
from typing_extensions import Self

from maskdpo_xtuner.engines.adapters import base_of, is_adapter
from maskdpo_xtuner.parts import Part


class HandedModel(Part):
    """A model to be measured elsewhere.

    Attributes:
        name: how results call it.
        model: folder or hub name; of a served model the name it is served under.
        adapter: folder or hub name of a LoRA adapter over ``model``.
        url: of an OpenAI-compatible server, up to and with ``/v1``.
        tokenizer: of a served model, to count tokens with; ``model`` if None.
    """

    name: str
    model: str
    adapter: str | None = None
    url: str | None = None
    tokenizer: str | None = None

    @model_validator(mode='after')
    def _check(self) -> Self:
        if not re.fullmatch(r'\w[\w.-]*', self.name):
            raise ValueError(f'the name {self.name!r} may have letters, digits, "_", "." and "-"')
        if self.url and self.adapter:
            raise ValueError(
                f'{self.name}: a server has its adapters under names of their own; name the '
                'served one as the model, without adapter='
            )
        if self.tokenizer and not self.url:
            raise ValueError(f'{self.name}: tokenizer= is for served models, those with url=')
        if self.url and not re.fullmatch(r'https?://.*[^/]', self.url):
            raise ValueError(f'{self.name}: url={self.url} is no http(s) address without end slash')
        return self

    @property
    def counted_with(self) -> str:
        """The tokenizer of a served model."""
        return self.tokenizer or self.model


def read_model(text: str) -> HandedModel:
    """Read ``NAME=MODEL[,adapter=DIR][,url=URL][,tokenizer=MODEL]``.

    A folder that exists is written down as an absolute path: the configs may be run anywhere. A
    folder with an adapter alone is one over the base that it names.

    Raises:
        ValueError: for another form, with the form.
    """
    name, equals, rest = text.partition('=')
    model, *options = rest.split(',')
    pairs = [option.partition('=') for option in options]
    if not equals or not model or not all(key and value for key, _, value in pairs):
        raise ValueError(f'{text!r} is not NAME=MODEL[,adapter=DIR][,url=URL][,tokenizer=MODEL]')
    values = {key: value for key, _, value in pairs}
    try:
        read = HandedModel.model_validate({**values, 'name': name, 'model': model})
    except ValidationError as error:
        raise ValueError('; '.join(_describe(text, detail) for detail in error.errors())) from error
    places = {key: _absolute(getattr(read, key)) for key in ('adapter', 'tokenizer')}
    if read.url:
        return read.model_copy(update=places)
    places['model'] = _absolute(read.model)
    if not read.adapter and is_adapter(read.model):
        places |= {'model': base_of(read.model)[0], 'adapter': places['model']}
    return read.model_copy(update=places)


def read_models(texts: Sequence[str]) -> tuple[HandedModel, ...]:
    """Read all; errors as of `read_model`, and for a name that stands twice."""
    models = tuple(map(read_model, texts))
    names = [model.name for model in models]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f'the model name {name!r} stands twice')
    return models


def _describe(text: str, detail: object) -> str:
    assert isinstance(detail, dict)
    if detail['type'] == 'extra_forbidden':
        return f'{text}: there is no {detail["loc"][0]}='
    return str(detail['msg']).removeprefix('Value error, ')


def _absolute(place: str | None) -> str | None:
    """Give the absolute path of a folder that is there; a hub name as it stands.

    Raises:
        ValueError: for what looks like a path and is not there.
    """
    if place is None:
        return None
    if Path(place).is_dir():
        return str(Path(place).resolve())
    if place.startswith(('.', '/', '~')) or place.count('/') > 1:
        raise ValueError(f'there is no folder {place}')
    return place
