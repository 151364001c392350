"""Stopping at a loss that is not finite, before it reaches the weights."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def check_finite(loss: Tensor, places: Sequence[str]) -> None:
    """Refuse a loss of NaN or infinity, naming the pairs that it came from.

    Args:
        loss: (pairs,), or (2 * pairs,) of a loss that has a term for each side: the chosen
            sides, then the rejected.
        places: the place of each pair, ``file:line``.

    Raises:
        FloatingPointError: naming the pairs whose loss is not finite, with it.
    """
    by_pair = loss.detach().reshape(-1, len(places))
    bad = ~by_pair.isfinite().all(dim=0)
    if not bad.any():
        return
    values = by_pair.sum(dim=0).tolist()
    culprits = [f'{places[index]} ({values[index]})' for index in bad.nonzero().flatten().tolist()]
    raise FloatingPointError(
        f'the loss is not finite: {", ".join(culprits)}. The weights were not stepped on it. Look '
        'at these pairs; where they are in order, lower optim_wrapper.optimizer.lr, or resume from '
        'the last checkpoint (--resume)'
    )
