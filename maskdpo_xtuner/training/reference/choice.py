"""Where the loss takes the log-probabilities of the reference model from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from torch import Tensor

from maskdpo_xtuner.objectives import Loss

Reference = Literal['cached', 'model']


def choose_reference(loss: Loss, reference: Reference | None = None) -> Reference | None:
    """Decide between the cache and a reference model that runs at every step.

    Args:
        loss: with its traits.
        reference: what the config says; without it ``cached`` wherever that gives all that the
            loss needs.

    Returns:
        None for a loss without a reference.

    Raises:
        ValueError: for ``cached`` with a loss that needs whole distributions of the reference.
    """
    if reference is not None and reference not in get_args(Reference):
        raise ValueError(f"model.reference must be 'cached' or 'model', not {reference!r}")
    if loss.reference == 'none':
        return None
    if loss.reference == 'logps':
        return reference or 'cached'
    if reference == 'cached':
        raise ValueError(
            f'{loss.name} needs whole distributions of the reference model, which are not cached; '
            "set model.reference='model'"
        )
    return 'model'


def cached_logps(data: Mapping[str, Tensor]) -> Tensor:
    """The reference log-probabilities in a batch, (supervised,).

    Raises:
        ValueError: when the batch has none.
    """
    if 'reference_logps' not in data:
        raise ValueError(
            'the batch has no reference_logps; train with train_cfg.type=MaskDPOTrainLoop, which '
            "computes them before the first step, or set model.reference='model'"
        )
    return data['reference_logps']
