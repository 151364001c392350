"""A watch on what DPO does to the chosen responses while their margin grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from torch import Tensor

SHIFT = 'token_logps/chosen_shift'


@HOOKS.register_module()
class DisplacementHook(Hook):  # type: ignore[misc]
    """Warn when the chosen responses become less likely than they are under the reference.

    A preference loss looks at the difference of two responses alone, so that it also falls while
    both become less likely and others take their place: likelihood displacement (Razin et al.
    2024, arXiv 2410.08847; Pal et al. 2024, arXiv 2402.13228). Losses without a reference are not
    watched.

    Args:
        chosen_shift_below: nats per supervised token: the value below which
            ``token_logps/chosen_shift`` must not stay. At -0.05 a sentence of 20 tokens has lost a
            third of its likelihood.
        iterations: number of them in a row, below it, after which to warn.
        repeat_after: least number of iterations between two warnings.
    """

    priority = 'NORMAL'  # After MeanOverRanksHook: the value is that of all ranks.

    def __init__(
        self, chosen_shift_below: float = -0.05, iterations: int = 10, repeat_after: int = 200
    ) -> None:
        if iterations < 1 or repeat_after < 1:
            raise ValueError('iterations and repeat_after of DisplacementHook must be positive')
        self.limit = chosen_shift_below
        self.iterations = iterations
        self.repeat_after = repeat_after
        self._below = 0
        self._last_warning: int | None = None

    def after_train_iter(
        self,
        runner: Any,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Look at the value of an iteration."""
        if not outputs or SHIFT not in outputs:
            return
        shift = float(outputs[SHIFT])
        self._below = self._below + 1 if shift < self.limit else 0
        last = self._last_warning
        due = last is None or runner.iter - last >= self.repeat_after
        if self._below >= self.iterations and due:
            self._last_warning = runner.iter
            runner.logger.warning(self._message(shift))

    def _message(self, shift: float) -> str:
        return (
            f'likelihood displacement: for {self._below} iterations the supervised tokens of the '
            f'chosen responses have been less likely than under the reference ({SHIFT} is '
            f'{shift:.3f}, the limit {self.limit:g} nats a token), so the model unlearns what it '
            'should prefer. Add the likelihood of the chosen (model.loss_options=dict(nll=1.0)), '
            'lower optim_wrapper.optimizer.lr, or raise model.beta'
        )
