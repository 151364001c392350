"""Mask-DPO as an XTuner model: XTuner's DPO with the loss of the paper."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.registry import MODELS
from torch import Tensor, nn
from transformers import AutoConfig
from transformers.integrations import is_deepspeed_zero3_enabled
from typing_extensions import Self
from xtuner.model.dpo import DPO
from xtuner.parallel.sequence import get_sequence_parallel_world_size
from xtuner.registry import BUILDER
from xtuner.utils import IGNORE_INDEX

from maskdpo_xtuner.objectives import (
    LENGTH_NORMALIZED,
    REFERENCE_FREE,
    WITH_DIVERGENCE,
    build_loss,
    divergence_terms,
    masked_logratios,
    mean_logratios,
    token_logps,
)
from maskdpo_xtuner.training.heads import hidden_states, output_logits
from maskdpo_xtuner.training.pretrained import check_pretrained


@MODELS.register_module()
@BUILDER.register_module()
class MaskDPO(DPO):
    """DPO in which only supervised tokens count (Mask-DPO, ICLR 2025, eq. 5-6).

    Rows of a batch alternate between chosen and rejected, as `preference_collate_fn` makes them;
    ``labels`` hold the token's id where it is supervised and -100 elsewhere, ``weights`` the factor
    of each token's log-ratio (without them it is 1 wherever there is a label). The reference is the
    policy as it was loaded, or, with LoRA, the policy with its adapters disabled.

    Args:
        llm: config of the policy, as for XTuner's DPO. ``trust_remote_code`` defaults to False.
        ref_llm: config of another reference model.
        beta: strength of the pull towards the reference.
        loss_type: a name of `maskdpo_xtuner.objectives.LOSSES`.
        label_smoothing: of ``sigmoid`` and ``robust``: the share of swapped pairs.
        loss_options: what else the loss takes: ``penalty`` of ``dpop``, ``alpha`` of ``tdpo2``.
        kwargs: as of XTuner's DPO: ``lora``, ``use_activation_checkpointing``, ...

    Raises:
        ValueError: for an unknown loss, a model folder that does not exist, packing
            (``use_varlen_attn``) and sequence parallelism.
    """

    def __init__(
        self,
        llm: Mapping[str, Any],
        ref_llm: Mapping[str, Any] | None = None,
        beta: float = 0.1,
        loss_type: str = 'sigmoid',
        label_smoothing: float = 0.0,
        loss_options: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        _refuse_packing(kwargs.get('use_varlen_attn', False))
        # Only two losses have the option, and 0 means it is off.
        smoothing = {'label_smoothing': label_smoothing} if label_smoothing else {}
        loss = build_loss(loss_type, beta=beta, **smoothing, **(loss_options or {}))
        if ref_llm is None and kwargs.get('lora') is None and is_deepspeed_zero3_enabled():
            # Parameters that ZeRO-3 has partitioned cannot be copied: load the model once more.
            ref_llm = copy.deepcopy(llm)
        super().__init__(llm, ref_llm, beta, loss_type, label_smoothing, **kwargs)
        self.preference_loss = loss

    def compute_loss(self, data: dict[str, Tensor], data_samples: Any = None) -> dict[str, Tensor]:
        """The loss of each pair, and what is logged.

        Args:
            data: ``input_ids``, ``labels``, ``attention_mask``, ``position_ids`` and, if tokens
                count differently, ``weights``, each (2 * pairs, length). Not changed.
            data_samples: not used; a part of XTuner's interface.

        Returns:
            ``loss`` (pairs,), and scalars without gradient: rewards and their margins as in TRL,
            ``logps/*`` per supervised token, the supervised share of all tokens.
        """
        # The logits at position t are the distribution over the token at t + 1.
        targets = data['labels'][:, 1:]
        mask = targets != IGNORE_INDEX
        weights = data['weights'][:, 1:] if 'weights' in data else mask
        inputs = {key: value for key, value in data.items() if key not in ('labels', 'weights')}
        policy, reference, *divergences = self._token_terms(inputs, targets, mask)
        normalized = self.loss_type in LENGTH_NORMALIZED
        logratios = (mean_logratios if normalized else masked_logratios)(policy, reference, weights)
        sums = [logratios, *((terms * weights).sum(-1) for terms in divergences)]
        sides = [side for total in sums for side in (total[::2], total[1::2])]
        loss = self.preference_loss(*sides)
        chosen, rejected = sides[:2]
        logs = self._reward_logs(chosen.detach(), rejected.detach())
        logs.update(_token_logs(policy.detach(), mask, data['attention_mask']))
        return {'loss': loss, **logs}

    def _token_terms(
        self, inputs: dict[str, Tensor], targets: Tensor, mask: Tensor
    ) -> tuple[Tensor, ...]:
        """What the loss takes of each token, (2 * pairs, length - 1), 0 where not supervised.

        log pi_theta, log pi_ref (0 for a loss without reference), and for the losses that need it
        KL(reference || policy).
        """
        if self.loss_type in WITH_DIVERGENCE:
            return self._divergence_terms(inputs, targets, mask)
        policy = self._policy_logps(inputs, targets, mask)
        if self.loss_type in REFERENCE_FREE:
            return policy, torch.zeros_like(policy)
        with torch.no_grad():
            return policy, self._reference_logps(inputs, targets, mask)

    def _divergence_terms(
        self, inputs: dict[str, Tensor], targets: Tensor, mask: Tensor
    ) -> tuple[Tensor, ...]:
        def reference_head(hidden: Tensor) -> Tensor:
            with self._reference() as reference:
                return output_logits(reference, hidden)

        policy_hidden = hidden_states(self.llm, inputs)[:, :-1][mask]
        with torch.no_grad(), self._reference() as reference:
            reference_hidden = hidden_states(reference, inputs)[:, :-1][mask]
        flat = divergence_terms(
            policy_hidden,
            reference_hidden,
            lambda hidden: output_logits(self.llm, hidden),
            reference_head,
            targets[mask],
        )
        return tuple(terms.new_zeros(mask.shape).masked_scatter(mask, terms) for terms in flat)

    @contextmanager
    def _reference(self) -> Iterator[nn.Module]:
        """The reference model for as long as the block lasts."""
        if self.ref_llm is not None:
            yield self.ref_llm
        else:
            with self.llm.disable_adapter():
                yield self.llm

    def _policy_logps(self, inputs: dict[str, Tensor], targets: Tensor, mask: Tensor) -> Tensor:
        return _supervised_logps(self.llm, inputs, targets, mask)

    def _reference_logps(self, inputs: dict[str, Tensor], targets: Tensor, mask: Tensor) -> Tensor:
        with self._reference() as reference:
            return _supervised_logps(reference, inputs, targets, mask)

    def _reward_logs(self, chosen: Tensor, rejected: Tensor) -> dict[str, Tensor]:
        """Scalars of the implicit rewards beta * log-ratio; arguments are (pairs,)."""
        return {
            'rewards/chosen': self.beta * chosen.mean(),
            'rewards/rejected': self.beta * rejected.mean(),
            'rewards/accuracies': (chosen > rejected).float().mean(),
            'rewards/margins': self.beta * (chosen - rejected).mean(),
        }

    def train(self, mode: bool = True) -> Self:
        """Set the mode of the policy; the reference stays in evaluation mode, without dropout."""
        super().train(mode)
        if self.ref_llm is not None:
            self.ref_llm.eval()
        return self

    def state_dict(self, *args: Any, **kwargs: Any) -> OrderedDict[str, Tensor]:
        """The policy only: the reference is rebuilt from its config, also when resuming."""
        state = super().state_dict(*args, **kwargs)
        return OrderedDict((key, value) for key, value in state.items() if 'ref_llm.' not in key)

    def _dispatch_lm_model_cfg(self, cfg: Any, max_position_embeddings: int | None = None) -> Any:
        """As XTuner's, which trusts remote code whatever the config says."""
        check_pretrained(cfg.pretrained_model_name_or_path)
        cfg.setdefault('trust_remote_code', False)
        cfg = self._prepare_for_qlora_zero3(cfg)
        llm_cfg = AutoConfig.from_pretrained(
            cfg.pretrained_model_name_or_path, trust_remote_code=cfg.trust_remote_code
        )
        cfg = self._prepare_for_flash_attn(cfg, llm_cfg)
        if max_position_embeddings is not None:
            cfg = self._prepare_for_long_context_training(cfg, llm_cfg, max_position_embeddings)
        return cfg


def _refuse_packing(use_varlen_attn: bool) -> None:
    if use_varlen_attn:
        raise ValueError('MaskDPO does not pack pairs yet; set model.use_varlen_attn=False')
    if get_sequence_parallel_world_size() > 1:
        raise ValueError('MaskDPO does not split sequences yet; set sequence_parallel_size=1')


def _supervised_logps(
    llm: nn.Module, inputs: dict[str, Tensor], targets: Tensor, mask: Tensor
) -> Tensor:
    """(rows, length - 1), fp32 at least, 0 where not supervised."""
    return token_logps(llm(**inputs).logits[:, :-1], targets, mask)


def _token_logs(policy: Tensor, mask: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
    """Policy's log-probability per supervised token of each side, and the supervised share."""
    return {
        'logps/chosen': policy[::2].sum() / mask[::2].sum(),
        'logps/rejected': policy[1::2].sum() / mask[1::2].sum(),
        'supervised_share': mask.sum() / attention_mask.sum(),
    }
