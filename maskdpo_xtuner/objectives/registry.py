"""The losses that a config can name, and what each of them takes."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, TypeVar, get_args

from torch import Tensor

from maskdpo_xtuner.objectives.terms import LossTerms
from maskdpo_xtuner.registry import LOSSES

ReferenceNeed = Literal['none', 'logps', 'distributions']
LossFunction = TypeVar('LossFunction', bound=Callable[..., Tensor])


@dataclass(frozen=True)
class Bound:
    """What values an option may have; ``demand`` follows its name in an error."""

    holds: Callable[[float], bool]
    demand: str

    def check(self, name: str, value: Any) -> None:
        """Refuse a value out of bounds, or one that is not a number, by a ValueError."""
        if not (isinstance(value, Real) and self.holds(float(value))):
            raise ValueError(f'{name} {self.demand}, not {value!r}')


POSITIVE = Bound(lambda value: 0 < value < float('inf'), 'must be positive')
NOT_NEGATIVE = Bound(lambda value: 0 <= value < float('inf'), 'must be 0 or more')
BELOW_HALF = Bound(lambda value: 0 <= value < 0.5, 'must lie in [0, 0.5)')


@dataclass(frozen=True)
class Loss:
    """A loss and its traits, as `register_loss` was given them.

    Attributes:
        name: what ``loss_type`` calls it.
        function: takes `LossTerms` and, by keyword, options; gives (pairs,), or (2 * pairs,) of a
            loss with a term for each side, the chosen first.
        per_token: whether its terms are means over the supervised tokens of a response, not sums.
        reference: what it needs of the reference model: ``none``, the log-probabilities of the
            supervised tokens (``logps``), or whole ``distributions`` for the divergences.
        needs_rejected: whether it needs the rejected side at all.
        compares_pairs: whether the loss of a pair depends on the other pairs of its batch.
        bounds: of the values of its options.
    """

    name: str
    function: Callable[..., Tensor]
    per_token: bool
    reference: ReferenceNeed
    needs_rejected: bool
    compares_pairs: bool
    bounds: Mapping[str, Bound]

    @property
    def sides(self) -> int:
        """Responses of a pair that it takes."""
        return 2 if self.needs_rejected else 1

    @property
    def options(self) -> dict[str, Any]:
        """Name and default of each option; ``inspect.Parameter.empty`` where there is none."""
        parameters = inspect.signature(self.function).parameters.values()
        return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}

    def bind(self, **options: Any) -> Callable[[LossTerms], Tensor]:
        """Give the options their values.

        Raises:
            ValueError: for an option that the loss does not have, one that it lacks, or a value
                out of bounds.
        """
        known = self.options
        for name, value in options.items():
            if name not in known:
                raise ValueError(self._unknown_option(name))
            if name in self.bounds:
                self.bounds[name].check(name, value)
        for name, default in known.items():
            if default is inspect.Parameter.empty and name not in options:
                raise ValueError(f'loss_type {self.name!r} needs {name}: give loss_options={name}')
        return functools.partial(self.function, **options)

    def _unknown_option(self, name: str) -> str:
        known = list(dict.fromkeys((*self.options, 'nll')))
        return f'loss_type {self.name!r} has no {name}{_nearest(name, known)}; it has ' + ', '.join(
            known
        )


def register_loss(
    name: str,
    *,
    per_token: bool = False,
    reference: ReferenceNeed = 'logps',
    needs_rejected: bool = True,
    compares_pairs: bool = False,
    bounds: Mapping[str, Bound] | None = None,
) -> Callable[[LossFunction], LossFunction]:
    """Decorate a function of `LossTerms`, so that ``loss_type=name`` finds it.

    The keyword-only parameters of the function are its options; ``beta`` is what the model's is,
    all others are given by ``loss_options``.

    Args:
        name: what a config calls the loss.
        per_token: see `Loss` for this and what follows.
        reference: ``none``, ``logps`` or ``distributions``.
        needs_rejected: False for a loss of the chosen responses alone.
        compares_pairs: True for a loss whose batches must not be divided.
        bounds: of options; that of ``beta`` is there already.

    Raises:
        ValueError: for a name that another loss has, and traits that mean nothing.
    """
    if '.' in name or ':' in name or reference not in get_args(ReferenceNeed):
        choices = ', '.join(get_args(ReferenceNeed))
        raise ValueError(f'a loss has a name without dots and a reference of {choices}')

    def register(function: LossFunction) -> LossFunction:
        _check_signature(name, function)
        LOSSES.register_module(name)(function)
        function.loss = Loss(  # type: ignore[attr-defined]
            name,
            function,
            per_token,
            reference,
            needs_rejected,
            compares_pairs,
            {'beta': POSITIVE, **(bounds or {})},
        )
        return function

    return register


def find_loss(loss_type: str) -> Loss:
    """Find a loss by its name, or by the dotted path of its function, whose module is imported.

    Raises:
        ValueError: for a loss that there is not, naming the nearest and all.
    """
    try:
        function = LOSSES.get(loss_type)
    except ValueError as error:
        raise ValueError(f'loss_type: {error}') from error
    loss = getattr(function, 'loss', None)
    if not isinstance(loss, Loss):
        raise ValueError(
            f'loss_type {loss_type!r} is not a loss: decorate it with @register_loss(name)'
        )
    return loss


def build_loss(loss_type: str, **options: Any) -> Callable[[LossTerms], Tensor]:
    """Find a loss and bind ``beta`` and its other options.

    Raises:
        ValueError: as `find_loss` and `Loss.bind`.
    """
    return find_loss(loss_type).bind(**options)


def _check_signature(name: str, function: Callable[..., Tensor]) -> None:
    """Refuse what could not be called with terms and options."""
    parameters = list(inspect.signature(function).parameters.values())
    options = parameters[1:]
    if not parameters or any(option.kind is not option.KEYWORD_ONLY for option in options):
        raise ValueError(f'loss {name!r} must take its terms, and options by keyword only')


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f' (did you mean {near[0]!r}?)' if near else ''
