"""What all parts of the settings have in common, and the parts that a config chooses by type."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from maskdpo_xtuner.registry import Registry


class Part(BaseModel):
    """A part of the settings; unknown keys are errors."""

    model_config = ConfigDict(extra='forbid', frozen=True)


class Choice(Part):
    """A part that a config chooses by ``type`` among those of a registry.

    Attributes:
        registry: where ``type`` is looked up; each kind of choice has its own.
        type: the registered name, or the dotted name of a class that is not registered.
    """

    registry: ClassVar[Registry[Any]]

    type: str = ''

    @model_validator(mode='before')
    @classmethod
    def _fill_in_type(cls, values: Any) -> Any:
        """Let ``LexicalSettings()`` be what ``dict(type='lexical')`` is."""
        if not isinstance(values, dict) or 'type' in values:
            return values
        return {
            'type': cls.registry.name_of(cls) or f'{cls.__module__}.{cls.__qualname__}'
        } | values


AnyChoice = TypeVar('AnyChoice', bound=Choice)


def choice_of(base: type[AnyChoice]) -> BeforeValidator:
    """Make of ``dict(type=..., ...)`` the settings class that ``type`` names."""

    def choose(values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        if 'type' not in values:
            kinds = ', '.join(base.registry)
            raise PydanticCustomError('type_missing', f'type is missing; registered are {kinds}')
        chosen, name = _look_up(base, values['type'])
        return chosen.model_validate({**values, 'type': name})

    return BeforeValidator(choose)


def _look_up(base: type[AnyChoice], kind: Any) -> tuple[type[AnyChoice], str]:
    """The class, and the name under which it is remembered."""
    chosen = base.registry.get(kind) if isinstance(kind, str) else kind
    if not isinstance(chosen, type) or not issubclass(chosen, base):
        raise ValueError(
            f'type {kind!r} is not a subclass of {base.__module__}.{base.__qualname__}'
        )
    own = kind if isinstance(kind, str) else f'{chosen.__module__}.{chosen.__qualname__}'
    return chosen, base.registry.name_of(chosen) or own
