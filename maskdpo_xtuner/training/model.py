"""Mask-DPO as an XTuner model: XTuner's DPO with the loss of the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.registry import MODELS
from torch import Tensor
from xtuner.parallel.sequence import get_sequence_parallel_world_size
from xtuner.registry import BUILDER

from maskdpo_xtuner.modeling.checking import check_forward, compute_dtype
from maskdpo_xtuner.modeling.forward import (
    LogitsSettings,
    supervised_hidden_states,
    supervised_logps,
)
from maskdpo_xtuner.modeling.versions import check_transformers
from maskdpo_xtuner.objectives import (
    PairValues,
    TokenTerms,
    build_objective,
    check_finite,
    divergence_terms,
    logged_means,
    pair_sums,
    pair_values,
)
from maskdpo_xtuner.training.adapters import PeftReference, check_adapter, keep_start
from maskdpo_xtuner.training.building import PolicyAndReference
from maskdpo_xtuner.training.checks import check_start, has_dropout, refuse_rejected
from maskdpo_xtuner.training.recomputation import recomputed_share
from maskdpo_xtuner.training.reference import Reference, cached_logps, choose_reference


@MODELS.register_module()
@BUILDER.register_module()
class MaskDPO(PolicyAndReference):
    """DPO in which only supervised tokens count (Mask-DPO, ICLR 2025, eq. 5-6).

    Batches are those of `mask_preference_collate_fn`, in any of its layouts. The reference is the
    policy as it was loaded, or, with LoRA, where the policy starts: the base, with ``peft_model``
    the base and that adapter.

    Args:
        llm: config of the policy, as for XTuner's DPO. ``trust_remote_code`` defaults to False.
        ref_llm: config of another reference model.
        reference: where the reference's log-probabilities come from: ``cached``, the batch, where
            `MaskDPOTrainLoop` puts them, so that no reference model is loaded, or ``model``, which
            runs it at every step. See `choose_reference` for the default.
        beta: strength of the pull towards the reference; without meaning for a loss that has no
            such option, as ``sft``.
        loss_type: a name of `maskdpo_xtuner.objectives.LOSSES`, or the dotted path of a loss of
            your own (see `register_loss`). ``sft`` is the likelihood of the chosen response's
            supervised tokens alone, for which neither the reference nor the rejected response is
            computed.
        label_smoothing: of ``sigmoid`` and ``robust``: the share of swapped pairs.
        loss_options: what else the loss takes: ``nll``, the weight of the likelihood of the chosen
            response's supervised tokens beside any loss (not of the paper; see
            `maskdpo_xtuner.objectives.likelihood`); ``penalty`` of ``dpop``, ``alpha`` of
            ``tdpo2``, and the options of your own loss.
        logits: fields of `LogitsSettings`: how logits are made.
        use_activation_checkpointing: whether layers are computed again in the backward pass; a
            number between 0 and 1: that share of them (see `recompute_layers`); ``auto``: as few as
            the memory allows, where `MaskDPOTrainLoop` trains, else all.
        lora: config of a ``peft.LoraConfig``: LoRA is trained in place of the weights.
        peft_model: an adapter that is trained on: its folder, or a checkpoint file for ``lora``.
        peft_reference: with ``peft_model``: ``start``, or ``base`` for the base alone as the
            reference (see `maskdpo_xtuner.training.adapters`).
        kwargs: as of XTuner's DPO: ``tokenizer``, ``max_position_embeddings``, ...

    Raises:
        ValueError: for an unknown loss, a model folder that does not exist, XTuner's packing
            (``use_varlen_attn``; the collate function packs), sequence parallelism, an adapter that
            cannot be trained on, and a version of transformers outside of the tested ones.
    """

    def __init__(
        self,
        llm: Mapping[str, Any],
        ref_llm: Mapping[str, Any] | None = None,
        beta: float = 0.1,
        loss_type: str = 'sigmoid',
        label_smoothing: float = 0.0,
        loss_options: Mapping[str, float] | None = None,
        logits: Mapping[str, Any] | None = None,
        reference: Reference | None = None,
        use_activation_checkpointing: bool | float | str = True,
        lora: Any = None,
        peft_model: str | None = None,
        peft_reference: PeftReference = 'start',
        **kwargs: Any,
    ) -> None:
        check_transformers()
        _refuse_splitting(kwargs.get('use_varlen_attn', False))
        check_adapter(peft_model, lora, peft_reference)
        # Few losses have the option, and 0 means it is off.
        smoothing = {'label_smoothing': label_smoothing} if label_smoothing else {}
        objective = build_objective(loss_type, beta=beta, **smoothing, **(loss_options or {}))
        self.reference = choose_reference(objective.loss, reference)
        share = recomputed_share(use_activation_checkpointing)
        self._build_policy(llm, lora, peft_model, share, **kwargs)
        self.memory_budget: float | None = None
        self.has_adapter = peft_model is not None
        self.loss_type, self.label_smoothing, self.beta = loss_type, label_smoothing, beta
        needed = self.reference == 'model'
        self.ref_llm = self._build_reference(llm, ref_llm, **kwargs) if needed else None
        if needed and ref_llm is None and self.has_adapter and peft_reference == 'start':
            keep_start(self.llm)
        self.objective = objective
        self.logits = LogitsSettings(**(logits or {}))
        self._is_checked = self._is_reference_expected = False

    def compute_loss(self, data: dict[str, Tensor], data_samples: Any = None) -> dict[str, Tensor]:
        """The loss of each pair, and what is logged.

        Args:
            data: of `mask_preference_collate_fn`. Not changed.
            data_samples: of `mask_preference_collate_fn`: the places of the pairs.

        Returns:
            ``loss`` (pairs,), the scalars of `logged_means`, without gradient, and
            ``supervised_share``, the supervised tokens for each token that was computed.

        Raises:
            FloatingPointError: naming the pairs, when a loss is not finite.
            ValueError: when ``sft`` is given the rejected responses; of the first batch, when the
                shortcuts do not give what the plain computation does (`check_forward`), or when
                policy and reference are to be equal (`expect_reference`) and are not.
        """
        values = self._pair_values(data, data_samples)
        if data_samples is not None:
            check_finite(values.loss, data_samples['place'])
            self._compare_with_reference(values, data_samples['place'])
        logs = logged_means(pair_sums(values.by_pair()))
        share = data['counts'].sum() / data['num_tokens']
        return {**logs, 'supervised_share': share, 'loss': values.loss}

    def expect_reference(self) -> None:
        """Compare policy and reference in the next `compute_loss`, where they are one model yet."""
        # LoRA that starts at nothing is nothing with dropout, too.
        self._is_reference_expected = not has_dropout(self.llm, lora=self.has_adapter)

    def _compare_with_reference(self, values: PairValues, places: Sequence[str]) -> None:
        if self._is_reference_expected and values.shifts is not None:
            check_start(values.shifts, values.counts, places, compute_dtype(self.llm))
        self._is_reference_expected = False

    def predict(self, data: dict[str, Tensor], data_samples: Any = None) -> dict[str, Tensor]:
        """Give what `compute_loss` averages, for evaluation: `PairValues.by_pair`.

        Args:
            data: of `mask_preference_collate_fn`.
            data_samples: of `mask_preference_collate_fn`: the places of the pairs.
        """
        return self._pair_values(data, data_samples).by_pair()

    def _pair_values(self, data: dict[str, Tensor], data_samples: Any) -> PairValues:
        if not self._is_checked:
            check_forward(self.llm, data, self.logits)
            self._is_checked = True
        if not self.objective.loss.needs_rejected and data_samples is not None:
            refuse_rejected(self.loss_type, data, data_samples['place'])
        return pair_values(self.objective, self._token_terms(data), data['counts'])

    def _token_terms(self, data: dict[str, Tensor]) -> TokenTerms:
        """Compute what the loss needs of each supervised token."""
        if self.objective.loss.reference == 'distributions':
            policy, known, divergences = self._divergence_terms(data)
            return TokenTerms(policy, data['weights'], known, divergences)
        policy = supervised_logps(self.llm, data, self.logits)
        return TokenTerms(policy, data['weights'], self._reference_logps(data))

    def _reference_logps(self, data: dict[str, Tensor]) -> Tensor | None:
        if self.reference is None:
            return None
        if self.reference == 'cached':
            return cached_logps(data)
        with torch.no_grad(), self._reference() as reference:
            return supervised_logps(reference, data, self.logits)

    def _divergence_terms(self, data: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        def reference_head(hidden: Tensor) -> Tensor:
            with self._reference() as reference:
                return self.logits.head(reference)(hidden)

        policy_hidden = supervised_hidden_states(self.llm, data)
        with torch.no_grad(), self._reference() as reference:
            reference_hidden = supervised_hidden_states(reference, data)
        return divergence_terms(
            policy_hidden,
            reference_hidden,
            self.logits.head(self.llm),
            reference_head,
            data['targets'],
            self.logits.chunk_size,
        )


def _refuse_splitting(use_varlen_attn: bool) -> None:
    if use_varlen_attn:
        raise ValueError(
            'pairs are packed by the collate function; set model.use_varlen_attn=False'
        )
    if get_sequence_parallel_world_size() > 1:
        raise ValueError('MaskDPO does not split sequences; set sequence_parallel_size=1')
